"""routine: a helper of a workflow that awaits. It runs in the run of its caller, as a frame of its own."""

from collections.abc import Coroutine
from typing import Any, ParamSpec, TypeVar

from durableflow.language.compiled import Compiled
from durableflow.language.lazy import Lazy

P = ParamSpec("P")
R_co = TypeVar("R_co", covariant=True)

DEEPEST = 200
"""Frames of a run. Each of them is part of every checkpoint."""


class Routine(Compiled[P, R_co]):
    """A routine's definition; calling it gives a :class:`RoutineCall`, to be awaited by a workflow or a routine.

    name: the registered one; function: the plain ``async def``; machine: what it was compiled to; registry: of its
    application.
    """

    def __call__(self, *args: P.args, **kwargs: P.kwargs) -> "RoutineCall[R_co]":
        """Describe the call. Raises TypeError, as the function would, for arguments that it does not take."""
        self.machine.start(args, kwargs)
        return RoutineCall(self, args, kwargs)

    def run(self, *args: P.args, **kwargs: P.kwargs) -> Coroutine[Any, Any, R_co]:
        """The plain coroutine, for unit tests."""
        self.signature.check(args, kwargs)
        coroutine: Coroutine[Any, Any, R_co] = self.function(*args, **kwargs)
        return coroutine

    def __repr__(self) -> str:
        return f"<routine {self.name}, version {self.version}>"


class RoutineCall(Lazy[R_co]):
    """A routine with its arguments, which are the caller's own objects, as with any function."""

    __slots__ = ("args", "definition", "kwargs")

    def __init__(self, definition: Routine[..., R_co], args: tuple[Any, ...], kwargs: dict[str, Any]) -> None:
        self.definition = definition
        self.args = args
        self.kwargs = kwargs
        super().__init__()

    async def _evaluate(self) -> Any:
        return await self.definition.function(*self.args, **self.kwargs)

    def _described(self) -> str:
        return f"{self.definition.name}({'...' if self.args or self.kwargs else ''})"

    def _outside(self) -> str:
        return f"{self._described()} is awaited outside of a workflow: run it with {self.definition.name}.run(...)"


def misplaced(call: RoutineCall[Any]) -> str:
    """Why a routine cannot stand in a gather or a race."""
    return (
        f"{call._described()} is a routine, which runs in the workflow's own code, one at a time: await it by itself, "
        "or make it a workflow, whose runs go on side by side"
    )
