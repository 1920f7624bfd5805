"""later: the result of a call that is not there yet, as an argument of another call.

``await load(later(a), later(b))`` launches the whole graph of calls that hang together by ``later`` with one
checkpoint; each step starts in the transaction that completes the last one that it needs.
"""

import inspect
from collections.abc import Iterator
from typing import Any, TypeVar, cast

from durableflow.language.call import Call
from durableflow.language.gathering import Gather
from durableflow.language.lazy import Lazy, Placeholder
from durableflow.language.unfit import unfit

T = TypeVar("T")


class Later(Placeholder):
    """Stands for the result of ``call`` in the arguments of another call."""

    __slots__ = ("call",)

    def __init__(self, call: Call[Any]) -> None:
        self.call = call
        self._used = True

    def _described(self) -> str:
        return f"later({self.call._described()})"

    def _hint(self) -> str:
        return "it is no value yet: only steps can be given it"

    def __repr__(self) -> str:
        return f"<{self._described()}>"


def later(call: Call[T] | Gather[T]) -> T:
    """Pass what a call will give to another call: ``clean(later(raw))``. Awaiting the outermost call does them all.

    call: of a step or workflow, not awaited yet; or a gather of such calls, for the list of their results. Wherever the
    same call object is named in what one ``await`` brings together, it is one step, done once. It may stand among the
    arguments of a step, and in lists, tuples and dicts there. To a type checker it is the result itself.

    Raises:
        TypeError: not a call; a handle, which is to be awaited.
    """
    return cast(T, _later(call))


def _later(call: object) -> Any:
    if isinstance(call, Gather) and not call.errors and call.limit is None:
        call._used = True
        return [_later(member) for member in call.calls]
    if isinstance(call, Call):
        call._used = True
        return Later(call)
    if isinstance(call, Lazy):
        call._used = True  # the error tells
        raise TypeError(f"later() takes a call of a step that was not begun, not {call._described()}: await that first")
    if isinstance(call, Later):
        raise TypeError(f"{call._described()} within later(): once is enough")
    told = unfit(call) if inspect.iscoroutine(call) else f"not {type(call).__name__}: a value is passed as it is"
    raise TypeError(f"later() takes a call that was not awaited, {told}")


def needed_by(call: Call[Any]) -> list[Call[Any]]:
    """The calls whose results this one's arguments name, each once, in their order."""
    found: dict[int, Call[Any]] = {}
    for later in _laters([*call.args, *call.kwargs.values()]):
        found[id(later.call)] = later.call
    return list(found.values())


def _laters(values: list[Any]) -> Iterator[Later]:
    stack, seen = [iter(values)], set()
    while stack:
        for value in stack[-1]:
            kind = type(value)
            if kind is Later:
                yield value
            elif kind in (list, tuple, dict) and id(value) not in seen:
                seen.add(id(value))
                stack.append(iter(list(value.values()) if kind is dict else value))
                break
        else:
            stack.pop()
