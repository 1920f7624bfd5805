"""gather: several calls awaited together. All of them are launched by one checkpoint."""

import inspect
from typing import Any, Literal, TypeAlias, TypeVar, overload

from durableflow.language.lazy import Lazy, Placeholder
from durableflow.language.unfit import unfit

T_co = TypeVar("T_co", covariant=True)
T = TypeVar("T")
T1 = TypeVar("T1")
T2 = TypeVar("T2")
T3 = TypeVar("T3")
T4 = TypeVar("T4")
T5 = TypeVar("T5")
T6 = TypeVar("T6")

OrError: TypeAlias = T | BaseException
"""What a member of a gather gives where errors are results."""


class Gather(Lazy[T_co]):
    """Several awaitables as one. calls: its members, in the order of the results; errors: whether an error is a result
    like others; limit: how many of them may be under way at a time, None: all."""

    __slots__ = ("calls", "errors", "limit")

    def __init__(self, calls: tuple[Lazy[Any], ...], errors: bool = False, limit: int | None = None) -> None:
        self.calls = calls
        self.errors = errors
        self.limit = limit
        for call in calls:
            call._used = True
        super().__init__()

    async def _evaluate(self) -> Any:
        return [await self._one(call) for call in self.calls]

    async def _one(self, call: Lazy[Any]) -> Any:
        try:
            return await call._evaluate()
        except Exception as error:
            if self.errors:
                return error
            raise

    def _outside(self) -> str:
        return "gather(...) is awaited outside of a workflow: await it in a workflow, and start that"

    def _described(self) -> str:
        return "gather(...)" if self.calls else "gather()"


@overload
def gather(c1: Lazy[T1], /, *, limit: int | None = ...) -> Gather[tuple[T1]]: ...
@overload
def gather(c1: Lazy[T1], c2: Lazy[T2], /, *, limit: int | None = ...) -> Gather[tuple[T1, T2]]: ...
@overload
def gather(c1: Lazy[T1], c2: Lazy[T2], c3: Lazy[T3], /, *, limit: int | None = ...) -> Gather[tuple[T1, T2, T3]]: ...
@overload
def gather(
    c1: Lazy[T1], c2: Lazy[T2], c3: Lazy[T3], c4: Lazy[T4], /, *, limit: int | None = ...
) -> Gather[tuple[T1, T2, T3, T4]]: ...
@overload
def gather(
    c1: Lazy[T1], c2: Lazy[T2], c3: Lazy[T3], c4: Lazy[T4], c5: Lazy[T5], /, *, limit: int | None = ...
) -> Gather[tuple[T1, T2, T3, T4, T5]]: ...
@overload
def gather(
    c1: Lazy[T1], c2: Lazy[T2], c3: Lazy[T3], c4: Lazy[T4], c5: Lazy[T5], c6: Lazy[T6], /, *, limit: int | None = ...
) -> Gather[tuple[T1, T2, T3, T4, T5, T6]]: ...
@overload
def gather(*calls: Lazy[T], return_exceptions: Literal[False] = ..., limit: int | None = ...) -> Gather[list[T]]: ...
@overload
def gather(
    c1: Lazy[T1], /, *, return_exceptions: Literal[True], limit: int | None = ...
) -> Gather[tuple[OrError[T1]]]: ...
@overload
def gather(
    c1: Lazy[T1], c2: Lazy[T2], /, *, return_exceptions: Literal[True], limit: int | None = ...
) -> Gather[tuple[OrError[T1], OrError[T2]]]: ...
@overload
def gather(
    c1: Lazy[T1], c2: Lazy[T2], c3: Lazy[T3], /, *, return_exceptions: Literal[True], limit: int | None = ...
) -> Gather[tuple[OrError[T1], OrError[T2], OrError[T3]]]: ...
@overload
def gather(
    c1: Lazy[T1],
    c2: Lazy[T2],
    c3: Lazy[T3],
    c4: Lazy[T4],
    /,
    *,
    return_exceptions: Literal[True],
    limit: int | None = ...,
) -> Gather[tuple[OrError[T1], OrError[T2], OrError[T3], OrError[T4]]]: ...
@overload
def gather(*calls: Lazy[T], return_exceptions: Literal[True], limit: int | None = ...) -> Gather[list[OrError[T]]]: ...
def gather(*calls: Lazy[Any], return_exceptions: bool = False, limit: int | None = None) -> Gather[Any]:
    """Await several calls (also sleeps, races and gathers) together; their results come as a list, in the order of the
    calls.

    return_exceptions: False, the first error of any of them is raised at the await, as ``asyncio.gather`` does; unlike
    asyncio, siblings that have not begun are then cancelled, and running ones end without a retry. True: errors stand
    in the list like results, and nothing is abandoned. limit: how many of the calls are under way at a time; each that
    ends makes room for the next one, in their order.

    To a type checker the result of calls that are written one by one is a tuple, as with ``asyncio.gather``.

    Raises:
        TypeError: an argument is not something that a workflow can await, or limit is used with something else than
            calls. ValueError: limit is not positive.
    """
    if limit is not None:
        if isinstance(limit, bool) or not isinstance(limit, int):
            raise TypeError(f"gather(limit=) takes a whole number, not {type(limit).__name__}")
        if limit < 1:
            raise ValueError(f"gather(limit={limit}) would never begin")
    return Gather(members("gather", calls), bool(return_exceptions), limit)


def members(name: str, calls: tuple[Any, ...]) -> tuple[Lazy[Any], ...]:
    """The arguments of a function that takes awaitables; raises TypeError, in its name, for anything else."""
    for position, call in enumerate(calls):
        if not isinstance(call, Lazy):
            for each in calls:
                if isinstance(each, Lazy):
                    each._used = True  # the error tells
            raise TypeError(f"{name}() argument {position + 1}: {_misfit(name, call)}")
    return calls


def _misfit(name: str, value: object) -> str:
    if isinstance(value, Placeholder):
        return f"{value._described()} stands in the arguments of a step; here the call itself does"
    if isinstance(value, list | tuple | set | dict) or inspect.isgenerator(value):
        return f"a {type(value).__name__} of calls is spread: {name}(*calls)"
    return unfit(value)
