"""begin, spawn, cancel: work that goes on beside the workflow, and the handles by which it is awaited later."""

import asyncio
from typing import Any, Literal, TypeVar, overload
from uuid import UUID

from durableflow.errors import CallError, OutsideWorkflow
from durableflow.language.call import Call
from durableflow.language.inline import inline
from durableflow.language.lazy import Lazy, Scope, scope
from durableflow.language.timer import Sleep
from durableflow.language.unfit import unfit

T = TypeVar("T")
T_co = TypeVar("T_co", covariant=True)


NEVER = -1
"""The rev of a handle that was cancelled before the checkpoint that would have launched its step."""


class Handle(Lazy[T_co]):
    """What was begun: await it, as often as you like, for its result. name: of the step; rev, index: the step's place
    in the run; below: the indexes of the steps that it needs first."""

    __slots__ = ("_task", "below", "index", "name", "rev")

    def __init__(self, name: str, rev: int, index: int, below: tuple[int, ...] = ()) -> None:
        self.name = name
        self.rev = rev
        self.index = index
        self.below = below
        self._task: asyncio.Task[Any] | None = None
        self._used = True  # what was begun needs nobody to wait for it

    async def _evaluate(self) -> Any:
        assert self._task is not None
        return await self._task

    def _outside(self) -> str:
        return f"the handle of {self.name} is awaited outside of the workflow that began it"

    def _described(self) -> str:
        return f"the handle of {self.name}"

    def _hint(self) -> str:
        return "await it first"


class ChildHandle(Handle[T_co]):
    """A child run that was spawned. id: of its run, as ``df.run(id)`` takes it."""

    __slots__ = ("id",)

    def __init__(self, name: str, rev: int, index: int, run_id: UUID) -> None:
        super().__init__(name, rev, index)
        self.id = run_id


class Spawn(Lazy[ChildHandle[T_co]]):
    """A child run to be started. call: of the workflow; leaves: it goes on when its parent ends; fails: its failure is
    its parent's."""

    __slots__ = ("call", "fails", "leaves")

    def __init__(self, call: Call[T_co], leaves: bool, fails: bool) -> None:
        self.call = call
        self.leaves = leaves
        self.fails = fails
        call._used = True
        super().__init__()

    async def _evaluate(self) -> ChildHandle[T_co]:
        handle: ChildHandle[T_co] = ChildHandle(self.call.definition.name, 0, 0, UUID(int=0))
        handle._task = asyncio.ensure_future(self.call._evaluate())
        return handle

    def _outside(self) -> str:
        return "spawn(...) is awaited outside of a workflow: start the run with .start()"

    def _described(self) -> str:
        return f"spawn({self.call._described()})"


@overload
def begin(call: Call[T]) -> Handle[T]: ...
@overload
def begin(call: Sleep) -> Handle[None]: ...
def begin(call: Call[Any] | Sleep) -> Handle[Any]:
    """Launch a call now, and go on: ``parcel = begin(ship(item))``, and later ``await parcel``.

    It is launched with the workflow's next checkpoint, the one that its next ``await`` writes, as
    ``asyncio.create_task`` starts at the next await. The handle may be awaited after other awaits, in another turn of a
    loop, in a gather or a race, and more than once; ``cancel(handle)`` ends it. What nobody awaits is recorded all the
    same, an error included, and ends with the run.

    call: a call of a step (with its ``later`` arguments) or workflow, or a sleep.

    Raises:
        TypeError: something else; OutsideWorkflow.
    """
    if not isinstance(call, Call | Sleep):
        if isinstance(call, Lazy):
            call._used = True  # the error tells
            raise TypeError(f"begin() takes a call or a sleep, not {call._described()}: await that")
        raise TypeError(f"begin() takes a call: {unfit(call)}")
    call._used = True
    here = scope.get()
    if here is not None:
        return here.launcher.begin(call)
    if not inline.get():
        raise OutsideWorkflow(f"begin({call._described()}) outside of a workflow: start a run with .start()")
    handle: Handle[Any] = Handle(call._described(), 0, 0)
    handle._task = asyncio.ensure_future(call._evaluate())
    return handle


def spawn(
    call: Call[T], *, parent_ends: Literal["cancel", "leave"] = "cancel", failure: Literal["keep", "fail"] = "keep"
) -> Spawn[T]:
    """Start a child run and go on with its handle: ``child = await spawn(shipping(order))``, and later ``await child``.

    parent_ends: what becomes of the child when the run that spawned it ends first, in whatever way: it is cancelled, or
    left to go on. failure: what a failing child does to its parent: "keep" raises its error where the handle is
    awaited, and only there; "fail" fails the parent at once, whatever that is waiting for.

    Raises:
        TypeError: not a call of a workflow; ValueError: no such policy.
    """
    from durableflow.language.workflow import Workflow

    if not isinstance(call, Call) or not isinstance(call.definition, Workflow):
        told = call._described() if isinstance(call, Lazy) else type(call).__name__
        if isinstance(call, Lazy):
            call._used = True  # the error tells
        raise TypeError(f"spawn() takes a call of a workflow, not {told}; a step is begun with begin()")
    if parent_ends not in ("cancel", "leave"):
        raise ValueError(f'spawn(parent_ends=) is "cancel" or "leave", not {parent_ends!r}')
    if failure not in ("keep", "fail"):
        raise ValueError(f'spawn(failure=) is "keep" or "fail", not {failure!r}')
    return Spawn(call, parent_ends == "leave", failure == "fail")


def cancel(handle: Handle[Any]) -> None:
    """End what was begun, with the next checkpoint: a step that has not started never will, a running one ends without
    a retry, a child run is cancelled. Awaiting it afterwards raises StepCancelled; one that has ended stays as it is.

    Raises:
        TypeError: not a handle; OutsideWorkflow.
    """
    if not isinstance(handle, Handle):
        raise TypeError(f"cancel() takes the handle that begin() or spawn() gave, not {type(handle).__name__}")
    here: Scope | None = scope.get()
    if here is not None:
        here.launcher.cancel(handle)
    elif handle._task is not None:
        handle._task.cancel()
    else:
        raise CallError(f"cancel() of {handle._described()} outside of the workflow that began it")
