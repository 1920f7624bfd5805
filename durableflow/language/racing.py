"""race: several awaitables, of which the first to end decides."""

from typing import Any, Literal, TypeVar, overload

from durableflow.language.gathering import members
from durableflow.language.lazy import Lazy

T_co = TypeVar("T_co", covariant=True)
T = TypeVar("T")
T1 = TypeVar("T1")
T2 = TypeVar("T2")
T3 = TypeVar("T3")
T4 = TypeVar("T4")


class Race(Lazy[T_co]):
    """Several awaitables, of which the first to end decides. calls: its members; the result names one by its place."""

    __slots__ = ("calls",)

    def __init__(self, calls: tuple[Lazy[Any], ...]) -> None:
        self.calls = calls
        for call in calls:
            call._used = True
        super().__init__()

    async def _evaluate(self) -> Any:
        return 0, await self.calls[0]._evaluate()

    def _outside(self) -> str:
        return "race(...) is awaited outside of a workflow: await it in a workflow, and start that"

    def _described(self) -> str:
        return "race(...)"


@overload
def race(c1: Lazy[T1], c2: Lazy[T2], /) -> Race[tuple[Literal[0], T1] | tuple[Literal[1], T2]]: ...
@overload
def race(
    c1: Lazy[T1], c2: Lazy[T2], c3: Lazy[T3], /
) -> Race[tuple[Literal[0], T1] | tuple[Literal[1], T2] | tuple[Literal[2], T3]]: ...
@overload
def race(
    c1: Lazy[T1], c2: Lazy[T2], c3: Lazy[T3], c4: Lazy[T4], /
) -> Race[tuple[Literal[0], T1] | tuple[Literal[1], T2] | tuple[Literal[2], T3] | tuple[Literal[3], T4]]: ...
@overload
def race(*calls: Lazy[T]) -> Race[tuple[int, T]]: ...
def race(*calls: Lazy[Any]) -> Race[Any]:
    """Await several things at once, and go on with the first that ends: ``which, value = await race(a, b)``.

    The result is the place of the winner among the arguments, from 0, and its value; if the first to end has failed,
    its error is raised. The losers are abandoned: what has not begun never will, a running step ends without a retry
    and its result is dropped, a child run is cancelled. What was begun before (``begin``, ``spawn``) goes on: whoever
    holds its handle may await it again. Where nothing runs beside it (``Workflow.run``), the first one wins.

    Raises:
        TypeError: an argument is not something that a workflow can await. ValueError: there is none.
    """
    if not calls:
        raise ValueError("race() of nothing would never end")
    return Race(members("race", calls))
