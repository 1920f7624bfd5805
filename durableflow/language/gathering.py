"""gather: several calls awaited together. All of them are launched by one checkpoint."""

from typing import Any, TypeVar, overload

from durableflow.language.lazy import Lazy
from durableflow.language.unfit import unfit

T_co = TypeVar("T_co", covariant=True)
T = TypeVar("T")
T1 = TypeVar("T1")
T2 = TypeVar("T2")
T3 = TypeVar("T3")
T4 = TypeVar("T4")
T5 = TypeVar("T5")
T6 = TypeVar("T6")


class Gather(Lazy[T_co]):
    """Several awaitables as one. calls: its members, in the order of the results."""

    __slots__ = ("calls",)

    def __init__(self, calls: tuple[Lazy[Any], ...]) -> None:
        self.calls = calls
        for call in calls:
            call._used = True
        super().__init__()

    async def _evaluate(self) -> Any:
        return [await call._evaluate() for call in self.calls]

    def _outside(self) -> str:
        return "gather(...) is awaited outside of a workflow: await it in a workflow, and start that"

    def _described(self) -> str:
        return "gather(...)" if self.calls else "gather()"


@overload
def gather(c1: Lazy[T1], /) -> Gather[tuple[T1]]: ...
@overload
def gather(c1: Lazy[T1], c2: Lazy[T2], /) -> Gather[tuple[T1, T2]]: ...
@overload
def gather(c1: Lazy[T1], c2: Lazy[T2], c3: Lazy[T3], /) -> Gather[tuple[T1, T2, T3]]: ...
@overload
def gather(c1: Lazy[T1], c2: Lazy[T2], c3: Lazy[T3], c4: Lazy[T4], /) -> Gather[tuple[T1, T2, T3, T4]]: ...
@overload
def gather(
    c1: Lazy[T1], c2: Lazy[T2], c3: Lazy[T3], c4: Lazy[T4], c5: Lazy[T5], /
) -> Gather[tuple[T1, T2, T3, T4, T5]]: ...
@overload
def gather(
    c1: Lazy[T1], c2: Lazy[T2], c3: Lazy[T3], c4: Lazy[T4], c5: Lazy[T5], c6: Lazy[T6], /
) -> Gather[tuple[T1, T2, T3, T4, T5, T6]]: ...
@overload
def gather(*calls: Lazy[T]) -> Gather[list[T]]: ...
def gather(*calls: Lazy[Any]) -> Gather[Any]:
    """Await several calls (also sleeps and gathers) together; their results come as a list, in the order of the calls.

    The first error of any of them is raised at the await, as ``asyncio.gather`` does. Unlike asyncio, siblings that
    have not begun are then cancelled, and running ones end without a retry. To a type checker the result of calls that
    are written one by one is a tuple, as with ``asyncio.gather``.

    Raises:
        TypeError: an argument is not something that a workflow can await.
    """
    for position, call in enumerate(calls):
        if not isinstance(call, Lazy):
            for each in calls:
                if isinstance(each, Lazy):
                    each._used = True  # the error tells
            raise TypeError(f"gather() argument {position + 1}: {unfit(call)}")
    return Gather(calls)
