"""What takes the place of a task that replaced itself: a child run of the canvas that it named."""

from typing import Any

from durableflow.canvas import canvas_call, describe
from durableflow.language.ids import new_run_id
from durableflow.language.specs import NO_INPUT, StepSpec, child_of
from durableflow.store.claim import Claimed
from durableflow.worker.runtime import Runtime


def replacement(runtime: Runtime, claimed: Claimed, sig: Any) -> StepSpec:
    """The child that the step is from now on. Raises what ``describe`` does."""
    call = canvas_call(runtime.registry, describe(sig, runtime.app))
    call._used = True
    child = child_of(call, new_run_id(), claimed.run_queue)
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
