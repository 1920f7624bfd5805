"""End the steps that no worker executes, as a run's wakes announce it: timers, children, what needs a failed step; and
let those begin that answer a failure."""

from collections.abc import Sequence
from dataclasses import dataclass, field

from durableflow import codec
from durableflow.codec import Encoded
from durableflow.errors import StepCancelled
from durableflow.language.launching import waits_for_each
from durableflow.language.turn import shape_of
from durableflow.store.advance import View, Wake
from durableflow.store.messages import Message, StepId
from durableflow.store.settle import EndedChild, Settled, ended_child, fail, failed_child, fire, succeed
from durableflow.store.spread import all_ended, spread
from durableflow.worker.errbacks import chord_error
from durableflow.worker.runtime import Runtime


@dataclass(slots=True)
class Announced:
    """messages: to be published; failure: of a child whose failure is its parent's; over: whether the await may be, so
    that the run is to be looked at. A join of thousands of children would else be read whole at the end of each."""

    messages: list[Message] = field(default_factory=list)
    failure: Encoded | None = None
    over: bool = False


def settle_announced(runtime: Runtime, view: View, wakes: Sequence[Wake]) -> Announced:
    """Do what the wakes announce, each in a transaction of its own, and what is the same in one: they stay until the
    run has moved on, or there was nothing to do."""
    found = Announced()
    transact = runtime.connections.transact
    timers: list[tuple[int, int]] = []
    for wake in wakes:
        rev, index = wake.rev, wake.index
        if rev is None or index is None:
            found.over = True
        elif wake.reason == "timer":
            timers.append((rev, index))
        elif wake.reason == "child":
            _child(runtime, view, rev, index, found)
        else:
            found.over = True
            if wake.reason == "step":
                _spread(runtime, view, rev, index, found)
    if timers:
        fired = transact(lambda conn: fire(conn, view.run_id, timers))
        if not fired.waits or fired.count < len(timers):  # perhaps somebody saw to one who did not live to look
            found.over = True
    if found.over and waits_for_each(shape_of(view.awaits)):
        found.over = transact(lambda conn: all_ended(conn, view.run_id, view.rev))
    return found


def _spread(runtime: Runtime, view: View, rev: int, index: int, found: Announced) -> None:
    def as_chord(error: str, source: int) -> Encoded:
        cause = codec.decode(error, blobs=runtime.large_values(view.run_id, error))
        return chord_error(cause, StepId(view.run_id, rev, source))

    spread_ = runtime.connections.transact(lambda conn: spread(conn, view.run_id, rev, index, as_chord))
    found.messages += spread_.messages


def _child(runtime: Runtime, view: View, rev: int, index: int, found: Announced) -> None:
    transact = runtime.connections.transact
    child = transact(lambda conn: ended_child(conn, view.run_id, rev, index))
    if child is None:  # perhaps somebody saw to it who did not live to look, or to spread its failure
        found.over = True
        failed = transact(lambda conn: failed_child(conn, view.run_id, rev, index))
        if failed is not None:
            _spread(runtime, view, failed, index, found)
        return
    outcome = _outcome_of(runtime, child)
    if child.state == "succeeded":
        settled: Settled | None = transact(lambda conn: succeed(conn, view.run_id, child.rev, index, outcome))
    else:
        settled = transact(lambda conn: fail(conn, view.run_id, child.rev, index, outcome))
        _spread(runtime, view, child.rev, index, found)
        if child.fails:
            found.failure = outcome
    if settled is None or not settled.waits or child.state != "succeeded":
        found.over = True
    if settled is not None:
        found.messages += settled.messages


def _outcome_of(runtime: Runtime, child: EndedChild) -> Encoded:
    """What the child came to, with the large values that it refers to: its parent keeps its own copies."""
    text = child.output if child.state == "succeeded" else child.error
    if child.state == "cancelled" or text is None:
        return codec.encode(StepCancelled(f"the child run {child.run_id} of {child.workflow} was cancelled"))
    return Encoded(text, runtime.large_values(child.run_id, text))
