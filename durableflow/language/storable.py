"""The stored forms of this package's own values, so that a call can wait in a variable while others are awaited.

Definitions are stored by name, calls as their definition's name and arguments. What a step is given, and what a step or
workflow gives back, may hold none of them: there a call is a forgotten await.
"""

import functools
import operator
import types
import typing
from collections.abc import Callable
from datetime import datetime
from typing import Any, Literal
from uuid import UUID

from durableflow import codec
from durableflow.errors import CorruptValue, NotAwaited
from durableflow.language.begun import ChildHandle, Handle, Spawn
from durableflow.language.call import Call
from durableflow.language.deadline import Timeout
from durableflow.language.flowing import Later
from durableflow.language.gathering import Gather
from durableflow.language.graph import FailureOf
from durableflow.language.lazy import Lazy, Placeholder, scope
from durableflow.language.options import NONE, Options
from durableflow.language.racing import Race
from durableflow.language.receiving import Receive
from durableflow.language.registry import Named, find
from durableflow.language.routine import Routine, RoutineCall
from durableflow.language.step import AsyncStep, Step
from durableflow.language.timer import Sleep
from durableflow.language.workflow import Workflow


def _waits_in_a_variable(value: Placeholder) -> bool:
    """True; raises NotAwaited where what is being stored is no workflow's variables."""
    here = scope.get()
    if here is None or here.sealed:
        value._used = True  # this error tells
        raise NotAwaited(f"{value._described()} is part of what a step or workflow is given, or gives; await it first")
    return True


def _new(kind: type[Any]) -> Any:
    lazy = object.__new__(kind)
    lazy._used = True  # it was kept in a variable that is read again: only a drop before that would be one
    return lazy


def _definition(name: object) -> Named:
    here = scope.get()
    if not isinstance(name, str):
        raise CorruptValue(f"a definition is stored by its name, not as {name!r}")
    return find(name, here.registry if here else None)


def _arguments(rest: Any) -> tuple[tuple[Any, ...], dict[str, Any]]:
    args, kwargs = rest["args"], rest["kwargs"]
    if not isinstance(args, list) or not isinstance(kwargs, dict):
        raise CorruptValue("the arguments of a stored call are no list and dict")
    return tuple(args), kwargs


def _fit(tag: str, *parts: tuple[object, type | types.UnionType]) -> None:
    """Raise CorruptValue where a part of a stored form is not of its type."""
    for part, kind in parts:
        if not isinstance(part, kind) or (isinstance(part, bool) and kind is not bool):
            raise CorruptValue(f"not a stored {tag}: {str(part)[:200]} stands where there is a {kind}")


class _Definitions:
    """Step, with the options of a variant, Workflow, and Routine."""

    tag = "definition"

    def takes(self, value: object) -> bool:
        return type(value) in (Step, AsyncStep, Workflow, Routine)

    def split(self, value: Any) -> tuple[object, object]:
        use = value.use if isinstance(value, Step) else NONE
        return {"name": value.name, "use": None if use is NONE else use}, None

    def create(self, needed: Any) -> object:
        definition, use = _definition(needed["name"]), needed["use"]
        if not isinstance(use, Options) or not isinstance(definition, Step):
            return definition
        return definition.options(queue=use.queue, retry=use.retry, timeout=use.timeout, priority=use.priority)

    def fill(self, value: object, rest: object) -> None:
        """There is nothing left to fill in."""


class _Calls:
    tag = "call"

    def takes(self, value: object) -> bool:
        return type(value) is Call and _waits_in_a_variable(value)

    def split(self, value: Any) -> tuple[object, object]:
        value._used = True
        use = None if value.use is NONE else value.use
        return {"name": value.definition.name, "use": use}, {"args": list(value.args), "kwargs": value.kwargs}

    def create(self, needed: Any) -> object:
        call = _new(Call)
        call.definition, call.use = _definition(needed["name"]), needed["use"] or NONE
        _fit(self.tag, (call.definition, Step | Workflow), (call.use, Options))
        call.args, call.kwargs = (), {}
        return call

    def fill(self, value: Any, rest: Any) -> None:
        value.args, value.kwargs = _arguments(rest)


class _RoutineCalls:
    tag = "routine call"

    def takes(self, value: object) -> bool:
        return type(value) is RoutineCall and _waits_in_a_variable(value)

    def split(self, value: Any) -> tuple[object, object]:
        value._used = True
        return value.definition.name, {"args": list(value.args), "kwargs": value.kwargs}

    def create(self, needed: object) -> object:
        call = _new(RoutineCall)
        call.definition = _definition(needed)
        _fit(self.tag, (call.definition, Routine))
        call.args, call.kwargs = (), {}
        return call

    def fill(self, value: Any, rest: Any) -> None:
        value.args, value.kwargs = _arguments(rest)


class _Spawns:
    tag = "spawn"

    def takes(self, value: object) -> bool:
        return type(value) is Spawn and _waits_in_a_variable(value)

    def split(self, value: Any) -> tuple[object, object]:
        value._used = True
        return [value.leaves, value.fails], value.call

    def create(self, needed: Any) -> object:
        spawn = _new(Spawn)
        spawn.leaves, spawn.fails = needed
        _fit(self.tag, (spawn.leaves, bool), (spawn.fails, bool))
        return spawn

    def fill(self, value: Any, rest: Any) -> None:
        _fit(self.tag, (rest, Call))
        value.call = rest


class _Several:
    """Gather and Race: the options, and the members."""

    def __init__(self, tag: str, kind: type[Any], options: tuple[str, ...] = ()) -> None:
        self.tag = tag
        self._kind = kind
        self._options = options

    def takes(self, value: Any) -> bool:
        return type(value) is self._kind and _waits_in_a_variable(value)

    def split(self, value: Any) -> tuple[object, object]:
        value._used = True
        options = [getattr(value, name) for name in self._options]
        return options if any(options) else None, list(value.calls)

    def create(self, needed: Any) -> object:
        lazy = _new(self._kind)
        lazy.calls = ()
        if self._options:
            lazy.errors, lazy.limit = (False, None) if needed is None else needed
            _fit(self.tag, (lazy.errors, bool), (lazy.limit, int | None))
        else:
            _fit(self.tag, (needed, types.NoneType))
        return lazy

    def fill(self, value: Any, rest: Any) -> None:
        if not isinstance(rest, list) or not all(isinstance(member, Lazy) for member in rest):
            raise CorruptValue(f"a stored {self.tag} holds something that is no call")
        value.calls = tuple(rest)


class _Flat:
    """What consists of plain values: ``split`` gives them, ``make`` takes them."""

    def __init__(self, tag: str, kind: type[Any], split: Callable[[Any], object], make: Callable[..., Any]) -> None:
        self.tag = tag
        self._kind = kind
        self._split = split
        self._make = make

    def takes(self, value: object) -> bool:
        if type(value) is not self._kind:
            return False
        return _waits_in_a_variable(value) if isinstance(value, Placeholder) else True

    def split(self, value: Any) -> tuple[object, object]:
        if isinstance(value, Placeholder):
            value._used = True
        return self._split(value), None

    def create(self, needed: Any) -> object:
        made = self._make(needed)
        if isinstance(made, Placeholder):
            made._used = True
        return made

    def fill(self, value: object, rest: object) -> None:
        """There is nothing left to fill in."""


class _Handles(_Flat):
    """Handles are known by their place in the run: they stay valid for as long as it does."""

    def __init__(self) -> None:
        super().__init__("handle", Handle, lambda h: [h.name, h.rev, h.index, *h.below], _handle)


def _handle(needed: Any) -> object:
    name, rev, index, *below = needed
    _fit("handle", (name, str), *((place, int) for place in (rev, index, *below)))
    return Handle(name, rev, index, tuple(below))


def _child(needed: Any) -> object:
    name, rev, index, run_id = needed
    _fit("handle", (name, str), (rev, int), (index, int), (run_id, str))
    return ChildHandle(name, rev, index, UUID(run_id))


def _sleep(needed: Any) -> object:
    _fit("sleep", (needed, int | float | datetime))
    return Sleep(until=needed) if isinstance(needed, datetime) else Sleep(float(needed))


def _receive(needed: Any) -> object:
    name, kind, timeout, signed = needed
    _fit("receive", (name, str), (timeout, int | float | None), (signed, bool))
    return Receive(name, kind, timeout, signed)


def _timeout(needed: Any) -> object:
    seconds, until, timer, entered, cancelled, expired = needed
    _fit("timeout", (seconds, int | float | None), (until, datetime | None), (entered, bool), (cancelled, bool))
    block = Timeout(seconds, until)
    if timer is not None:
        rev, index = timer
        _fit("timeout", (rev, int), (index, int))
        block._timer = Handle("timeout", rev, index)
    block._entered, block._cancelled, block._expired = entered, cancelled, bool(expired)
    return block


def _timeout_parts(block: Timeout) -> object:
    timer = None if block._timer is None else [block._timer.rev, block._timer.index]
    return [block.seconds, block.until, timer, block._entered, block._cancelled, block._expired]


class _Laters:
    """In a variable, the call that it stands for; in what a step is given, the index of that call's step."""

    tag = "later"

    def takes(self, value: object) -> bool:
        return type(value) is Later

    def split(self, value: Any) -> tuple[object, object]:
        here = scope.get()
        if here is not None and not here.sealed:
            return None, value.call
        index = None if here is None else here.launcher.source(value.call)
        if index is None:
            raise NotAwaited(
                f"{value._described()} stands where no argument of a step is: it may be an argument, or part of a "
                "list, tuple or dict among them; await the call first"
            )
        return index, None

    def create(self, needed: Any) -> object:
        if needed is not None:
            raise CorruptValue("a step's input names the result of another step, which was not given with it")
        return _new(Later)

    def fill(self, value: Any, rest: Any) -> None:
        _fit(self.tag, (rest, Call))
        value.call = rest


class Given:
    """Reads the input of a step that needs others: where ``later`` stood, the value that the step of that index gave.

    results: by index, what makes the value.
    """

    tag = "later"

    def __init__(self, results: typing.Mapping[int, Any]) -> None:
        self._results = results

    def takes(self, value: object) -> bool:
        return False

    def split(self, value: object) -> tuple[object, object]:
        raise AssertionError("it only reads")

    def create(self, needed: Any) -> object:
        return self._results[needed]

    def fill(self, value: object, rest: object) -> None:
        """There is nothing left to fill in."""


class _Failures:
    """What a step that answers a failure is given: what it is to be told, and the chord's body that it speaks for."""

    tag = "failure"

    def takes(self, value: object) -> bool:
        return type(value) is FailureOf

    def split(self, value: Any) -> tuple[object, object]:
        here = scope.get()
        node = None if here is None else here.launcher.encoding
        return [value.what, None if node is None else node.body], None

    def create(self, needed: Any) -> object:
        raise CorruptValue("a step's input names the failure of another step, which was not given with it")

    def fill(self, value: object, rest: object) -> None:
        """There is nothing left to fill in."""


class Told:
    """Reads the input of a step that answers a failure. tell: gives what stands for ``what`` (see FailureOf), in the
    name of the chord's body with that index, or of the failed step itself (None)."""

    tag = "failure"

    def __init__(self, tell: Callable[[str, int | None], Any]) -> None:
        self._tell = tell

    def takes(self, value: object) -> bool:
        return False

    def split(self, value: object) -> tuple[object, object]:
        raise AssertionError("it only reads")

    def create(self, needed: Any) -> object:
        what, body = needed
        return self._tell(what, body)

    def fill(self, value: object, rest: object) -> None:
        """There is nothing left to fill in."""


class _Types:
    """What ``receive`` was told to expect, where that is more than a class: ``list[Order]``, ``int | None``."""

    tag = "type"

    def takes(self, value: object) -> bool:
        return value is Any or type(value) in _ALIASES  # not isinstance(), which would ask the value for its class

    def split(self, value: Any) -> tuple[object, object]:
        if value is Any:
            return ["any"], None
        origin, arguments = typing.get_origin(value), list(typing.get_args(value))
        if origin in (types.UnionType, typing.Union):
            return ["union", *arguments], None
        if origin is Literal:
            return ["literal", *arguments], None
        return ["of", origin, *arguments], None

    def create(self, needed: Any) -> object:
        match needed:
            case ["any"]:
                return Any
            case ["union", *arguments]:
                return functools.reduce(operator.or_, arguments)
            case ["literal", _, *_]:
                return Literal[tuple(needed[1:])]
            case ["of", origin, *arguments]:
                return origin[tuple(arguments)]
        raise CorruptValue(f"not a type: {str(needed)[:200]}")

    def fill(self, value: object, rest: object) -> None:
        """There is nothing left to fill in."""


_ALIASES = frozenset(
    type(alias)
    for alias in (list[int], int | None, typing.List[int], typing.Optional[int], Literal[1])  # noqa: UP006, UP045
)


for _extension in (
    _Definitions(),
    _Calls(),
    _RoutineCalls(),
    _Several("gather", Gather, ("errors", "limit")),
    _Several("race", Race),
    _Spawns(),
    _Flat("sleep", Sleep, lambda s: s.seconds if s.until is None else s.until, _sleep),
    _Flat("receive", Receive, lambda r: [r.name, r.kind, r.timeout, r.signed], _receive),
    _Handles(),
    _Flat("child", ChildHandle, lambda h: [h.name, h.rev, h.index, str(h.id)], _child),
    _Flat("timeout", Timeout, _timeout_parts, _timeout),
    _Laters(),
    _Failures(),
    _Types(),
):
    codec.register(_extension)
