"""What takes the place of a task that replaced itself: a child run of the canvas that it named."""

from typing import Any

from celery import Celery

from durableflow.canvas import canvas_call, describe
from durableflow.language.ids import new_run_id
from durableflow.language.registry import Registry
from durableflow.language.specs import NO_INPUT, ChildSpec, StepSpec, child_of
from durableflow.store.claim import Claimed
from durableflow.worker.runtime import Runtime


def child_in_place(registry: Registry, app: Celery, sig: Any, queue: str) -> ChildSpec:
    """The child run that a task becomes which replaced itself. queue: of its run. Raises what ``describe`` does."""
    call = canvas_call(registry, describe(sig, app))
    call._used = True
    return child_of(call, new_run_id(), queue)


def replacement(runtime: Runtime, claimed: Claimed, sig: Any) -> StepSpec:
    """The child that the step is from now on. Raises what ``describe`` does."""
    child = child_in_place(runtime.registry, runtime.app, sig, claimed.run_queue)
    return StepSpec(
        claimed.name,
        "child",
        NO_INPUT,
        "{}",
        claimed.run_queue,
        claimed.run_priority,
        None,
        claimed.step.index,
        child=child,
    )
