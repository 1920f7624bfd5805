"""The task ``durableflow.advance``: look at a run's wakes, and run the workflow's code where its await is over.

lease, load, turn, commit, publish. Timers, joins, failed steps and new runs come this way; a step that is awaited alone
moves its run on by itself. Workflow code that crashes or hangs takes this process with it; the wakes that it had leased
come back, with their tries counted, and after some of them the run fails where everybody can see it.
"""

from collections.abc import Sequence
from uuid import UUID

from durableflow import codec
from durableflow.errors import DeadlineExceeded, DurableFlowError, RunStuck
from durableflow.language import Definition
from durableflow.language.outcomes import TooEarly
from durableflow.language.turn import Defaults, Fail, turn
from durableflow.store.advance import View, Wake, commit, fire, hand_back, lease, let_go, look
from durableflow.store.load import values
from durableflow.store.park import park
from durableflow.store.successor import Turn
from durableflow.worker.connections import Connection
from durableflow.worker.runtime import Runtime
from durableflow.worker.shield import TURN_LIMIT, TurnHangs, turn_limit

LEASE = 30.0
"""Seconds for which the wakes are ours: longer than a turn takes, shorter than anybody wants to wait for a lost one."""


def advance(runtime: Runtime, run_id: UUID) -> None:
    """Look at what the run's wakes are about. A wake that cannot be dealt with now stays, and comes back."""
    transact = runtime.connections.transact
    held = transact(
        lambda conn: lease(conn, run_id, boot=runtime.boot, seconds=LEASE),
        again=lambda conn: lease(conn, run_id, boot=runtime.boot, seconds=LEASE, repeated=True),
    )
    if held is None:
        return
    view, wakes = held.view, held.wakes
    if view is None or view.run_state != "running":
        transact(lambda conn: let_go(conn, run_id, wakes))
        return
    seen = transact(lambda conn: _fire_and_look(conn, view, wakes))
    turned = _turn(runtime, seen, wakes)
    if isinstance(turned, str):
        transact(lambda conn: park(conn, run_id, wakes, turned))
    elif turned is None:
        transact(lambda conn: let_go(conn, run_id, wakes))
    else:
        moved = transact(lambda conn: commit(conn, seen, wakes, turned))
        if moved is None:  # another decision was faster
            transact(lambda conn: hand_back(conn, run_id, wakes))
        else:
            runtime.publisher.publish(moved.messages)


def _fire_and_look(conn: Connection, view: View, wakes: Sequence[Wake]) -> View:
    """End the timers that are due, then read, in a later statement than anything that the wakes announced."""
    for wake in wakes:
        if wake.reason == "timer" and wake.rev is not None and wake.index is not None:
            fire(conn, view.run_id, wake.rev, wake.index)
    return look(conn, view)


def _turn(runtime: Runtime, view: View, wakes: Sequence[Wake]) -> Turn | str | None:
    """The next checkpoint; or the reason why no worker like this one can compute it; or None: the await is not over."""
    if any(wake.reason == "deadline" for wake in wakes):
        return _fail(DeadlineExceeded(f"run {view.run_id} was still going at its deadline"))
    if view.state is None or view.line is None or view.variables is None:
        return None  # a checkpoint of another kind is the newest: the run has ended
    tries = max(wake.tries for wake in wakes)
    if tries > runtime.settings.max_turn_tries:
        return _fail(
            RunStuck(
                f"the code of {view.workflow} after line {view.line} did not come to its next await in {tries - 1} "
                "tries: it crashed its worker, ran longer than allowed, or could not be run; see the workers' logs"
            )
        )
    definition = runtime.definition(view.workflow, view.version)
    if isinstance(definition, str):
        return definition
    return _run(runtime, view, definition)


def _run(runtime: Runtime, view: View, definition: Definition) -> Turn | None:
    texts = [view.variables, *(text for step in view.steps for text in (step.output, step.error))]
    blobs: dict[str, str] = {}
    if any(codec.references(text) for text in texts if text is not None):
        blobs = runtime.connections.transact(lambda conn: values(conn, view.run_id, texts))
    try:
        with turn_limit():
            return turn(
                definition,
                state=view.state or 0,
                line=view.line or 0,
                variables_text=view.variables or "",
                awaits=view.awaits,
                outcomes={step.index: step for step in view.steps},
                blobs=blobs,
                defaults=Defaults(view.queue, view.priority, runtime.settings.max_value_bytes),
            )
    except TooEarly:  # and nothing wider: this has the wakes deleted
        return None
    except TurnHangs:
        raise RunStuck(f"the code of {view.workflow} ran for {TURN_LIMIT:g} s without coming to an await") from None


def _fail(error: DurableFlowError) -> Fail:
    return Fail(codec.encode(error, where="error"))
