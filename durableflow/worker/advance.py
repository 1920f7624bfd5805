"""The task ``durableflow.advance``: look at a run's wakes, and run the workflow's code where its await is over.

lease, settle, look, turn, commit, publish. Timers, events, children, joins, failed steps and new runs come this way; a
step that is awaited alone moves its run on by itself. Workflow code that crashes or hangs takes this process with it;
the wakes that it had leased come back, with their tries counted, and after some of them the run fails where everybody
can see it.
"""

from collections.abc import Sequence
from uuid import UUID

from psycopg import Rollback

from durableflow import codec
from durableflow.errors import DeadlineExceeded, DurableFlowError, RunStuck, UnknownDefinition
from durableflow.language import Named
from durableflow.language.frames import found, routines_of
from durableflow.language.launching import Place
from durableflow.language.outcomes import Ended, Outcome, TooEarly
from durableflow.language.turn import Defaults, Fail, Stored, awaited_places, decided_at, turn
from durableflow.store import cancel as cancelling
from durableflow.store import redrive as redriving
from durableflow.store.advance import Arrival, View, Wake, commit, hand_back, lease, let_go, look, settle
from durableflow.store.children import tell_again
from durableflow.store.messages import Message
from durableflow.store.park import park
from durableflow.store.successor import Turn
from durableflow.worker import telling
from durableflow.worker.arriving import arrivals
from durableflow.worker.connections import Connection
from durableflow.worker.runtime import Runtime
from durableflow.worker.settling import settle_announced
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
    reasons = {wake.reason for wake in wakes}
    if view is None or view.run_state != "running":
        asked = view is not None and "redrive" in reasons  # by its parent, which was
        redriven = asked and transact(lambda conn: redriving.redrive(conn, run_id, for_parent=True))
        transact(lambda conn: let_go(conn, None, run_id, wakes))
        if asked and not redriven:
            transact(lambda conn: tell_again(conn, run_id))
        return
    if "cancel" in reasons:
        cancelled = transact(lambda conn: cancelling.cancel(conn, run_id, for_parent=True))
        if cancelled is not None and not cancelled.landed:
            transact(lambda conn: hand_back(conn, run_id, wakes))
        runtime.publisher.publish([] if cancelled is None else cancelled.messages)
        if cancelled is not None and cancelled.landed:
            telling.cancelled(run_id, view.workflow)
        return
    _look_and_move(runtime, view, wakes)


def _look_and_move(runtime: Runtime, view: View, wakes: Sequence[Wake]) -> None:
    transact = runtime.connections.transact
    settled = settle_announced(runtime, view, wakes)
    runtime.publisher.publish(settled.messages)
    arrived: list[Arrival] = []
    doom = Fail(settled.failure) if settled.failure is not None else _doom(runtime, view, wakes)
    if doom is not None:
        seen = transact(lambda conn: look(conn, view))
        turned: Turn | str | None = doom
    elif not settled.over:
        seen, turned = view, None
    else:
        seen, arrived, turned = _look_and_turn(runtime, view)
    if isinstance(turned, str):
        transact(lambda conn: park(conn, view.run_id, wakes, turned))
    elif turned is None:
        transact(lambda conn: let_go(conn, seen, view.run_id, wakes))
    else:
        moved = transact(lambda conn: commit(conn, seen, wakes, turned, arrived))
        if moved is None:  # another decision was faster
            transact(lambda conn: hand_back(conn, view.run_id, wakes))
        else:
            runtime.publisher.publish(moved.messages)
            began = seen.kind == "start" and doom is None
            telling.moved(runtime, view.run_id, view.workflow, turned, first=began)


def _look_and_turn(runtime: Runtime, view: View) -> tuple[View, list[Arrival], Turn | str | None]:
    """What is seen, the events that the turn reckons with, and the turn: the next checkpoint; or the reason why no
    worker like this one can compute it; or None: the await is not over."""
    transact = runtime.connections.transact
    if view.state is None or view.line is None or view.variables is None:
        return view, [], None  # a checkpoint of another kind is the newest: the run has ended
    outside = awaited_places(_stored(view))
    while True:
        seen = transact(lambda conn: look(conn, view, outside))
        arrived = _in_time(seen, arrivals(runtime, seen))
        turned = _turn(runtime, seen, arrived)
        if turned is not None or not arrived:
            return seen, arrived, turned
        # An event is received also where the rest of the await is still to come; that may have come just now.
        runtime.publisher.publish(_receive(runtime, view.run_id, arrived))


def _in_time(view: View, arrived: Sequence[Arrival]) -> list[Arrival]:
    """Those without which the await would not be over, or that came before it was: an event that loses a race is not
    taken, and waits for the next one who asks."""
    steps: dict[Place, Ended] = {(step.rev, step.index): step for step in view.steps}
    over = decided_at(_stored(view), {**steps, **_outcomes(arrived)})
    if over is None:
        return list(arrived)
    taken = [each for each in arrived if each.at < over]
    for each in arrived:
        if each.at == over and decided_at(_stored(view), {**steps, **_outcomes(taken)}) != over:
            taken.append(each)
    return taken


def _outcomes(arrived: Sequence[Arrival]) -> dict[Place, Ended]:
    return {(each.rev, each.index): _outcome(each) for each in arrived}


def _outcome(arrival: Arrival) -> Outcome:
    if arrival.output is not None:
        return Outcome("succeeded", output=arrival.output.text, order=arrival.at)
    assert arrival.error is not None
    return Outcome("failed", error=arrival.error.text, order=arrival.at)


def _receive(runtime: Runtime, run_id: UUID, arrived: Sequence[Arrival]) -> list[Message]:
    def record(conn: Connection, each: Arrival) -> list[Message]:
        settled: list[Message] | None = None
        with conn.transaction() as transaction:
            settled = settle(conn, run_id, [each])
            if settled is None:
                raise Rollback(transaction)
        return settled or []

    messages: list[Message] = []
    for each in arrived:
        messages += runtime.connections.transact(lambda conn, each=each: record(conn, each))  # type: ignore[misc]
    return messages


def _doom(runtime: Runtime, view: View, wakes: Sequence[Wake]) -> Fail | None:
    """Why the run fails, whatever it waits for."""
    if any(wake.reason == "deadline" for wake in wakes):
        return _fail(DeadlineExceeded(f"run {view.run_id} was still going at its deadline"))
    tries = max(wake.tries for wake in wakes)
    if tries > runtime.settings.max_turn_tries and view.variables is not None:
        return _fail(
            RunStuck(
                f"the code of {view.workflow} after line {view.line} did not come to its next await in {tries - 1} "
                "tries: it crashed its worker, ran longer than allowed, or could not be run; see the workers' logs"
            )
        )
    return None


def _turn(runtime: Runtime, view: View, arrived: Sequence[Arrival]) -> Turn | str | None:
    definition = runtime.definition(view.workflow, view.version)
    if isinstance(definition, str):
        return definition
    routines: dict[tuple[str, str], Named | None] = {}
    for name, version in routines_of(view.frames):
        routine = runtime.definition(name, version)
        if isinstance(routine, str):
            return routine
        routines[name, version] = routine
    return _run(runtime, view, definition, routines, arrived)


def _run(
    runtime: Runtime,
    view: View,
    definition: Named,
    routines: dict[tuple[str, str], Named | None],
    arrived: Sequence[Arrival],
) -> Turn | str | None:
    texts = [view.variables, *(text for step in view.steps for text in (step.output, step.error))]
    blobs = runtime.large_values(view.run_id, *texts)
    outcomes: dict[Place, Ended] = {(step.rev, step.index): step for step in view.steps}
    outcomes.update(_outcomes(arrived))
    for each in arrived:
        ended = each.output or each.error
        assert ended is not None
        blobs.update(ended.blobs)
    try:
        with turn_limit():
            return turn(
                definition,
                _stored(view),
                outcomes,
                blobs=blobs,
                find=lambda name, version: found(routines, name, version),
                defaults=Defaults(view.queue, view.priority, runtime.settings.max_value_bytes),
            )
    except TooEarly:  # and nothing wider: this has the wakes deleted
        return None
    except UnknownDefinition as unknown:  # a variable holds a call, or a definition, of another deploy's
        return str(unknown)
    except TurnHangs:
        raise RunStuck(f"the code of {view.workflow} ran for {TURN_LIMIT:g} s without coming to an await") from None


def _stored(view: View) -> Stored:
    return Stored(view.rev, view.state or 0, view.line or 0, view.variables or "", view.awaits, view.frames, view.opens)


def _fail(error: DurableFlowError) -> Fail:
    return Fail(codec.encode(error, where="error"))
