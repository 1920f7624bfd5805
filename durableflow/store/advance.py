"""advance: look at what a run's wakes are about, and move it on where the await it stands at is over.

``lease`` takes the wakes that are due, so that two workers do not do the same work (if they do all the same, the rev
decides, and the loser lets go). What no worker executes is settled (`settle`). ``look`` then reads how the steps stand,
in a later statement than the one that counted a join down. The worker runs the machine between transactions. ``commit``
inserts rev + 1, takes the events that it reckoned with, ends the siblings that nobody awaits any more, and deletes
*those* wakes, all fenced by the rev.
"""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Any
from uuid import UUID

from psycopg import Rollback
from psycopg.errors import UniqueViolation

from durableflow.codec import Encoded
from durableflow.language.launching import Place
from durableflow.language.turn import Suspend
from durableflow.store.abandon import abandon_await, abandon_run, abandon_steps
from durableflow.store.event import receive
from durableflow.store.look_again import lock_run, look_again, looks_outside
from durableflow.store.messages import Message, advance_message
from durableflow.store.settle import fail, succeed
from durableflow.store.successor import (
    Connection,
    Moved,
    Turn,
    moved,
    successor_parameters,
    successor_result,
    successor_sql,
)


@dataclass(frozen=True, slots=True)
class Wake:
    """One thing to look at. tries: how often it was leased, with this time; rev, index: the step it is about."""

    id: int
    reason: str
    rev: int | None
    index: int | None
    tries: int


@dataclass(frozen=True, slots=True)
class StepOutcome:
    """How one step that the await looks at stands. state: ``cancelled`` also where it was abandoned and still runs;
    order: when it ended, in seconds, None while it has not; options: of a receive, what it waits for; due: whether its
    time has come, due_at: which that is, in seconds; begun_once: whether an attempt was ever made."""

    rev: int
    index: int
    kind: str
    name: str
    state: str
    output: str | None
    error: str | None
    order: float | None
    begun: bool
    options: str | None
    due: bool
    due_at: float | None
    begun_once: bool


@dataclass(frozen=True, slots=True)
class View:
    """Where a run stands. run_state: ``running`` or a terminal one; rev, kind: of the newest checkpoint; state, line,
    variables, awaits, frames, opens: as stored; parked: whether it is held; steps: those of that rev, and those of
    earlier ones that it awaits."""

    run_id: UUID
    workflow: str
    version: str
    queue: str
    priority: int
    run_state: str
    parked: bool
    rev: int
    kind: str
    state: int | None
    line: int | None
    variables: str | None
    awaits: str | None
    frames: str | None
    opens: int
    steps: Sequence[StepOutcome] = ()


@dataclass(frozen=True, slots=True)
class Arrival:
    """An end of a receive that the turn has reckoned with, and that is recorded with it. event: the row that it takes,
    None: its time was over; output, error: either of them; at: when that was, in seconds."""

    rev: int
    index: int
    event: int | None
    output: Encoded | None
    error: Encoded | None
    at: float


@dataclass(frozen=True, slots=True)
class Lease:
    """The wakes that are ours for a while, and where the run stands; view: without its steps, None where the run is no
    more."""

    run_id: UUID
    wakes: list[Wake]
    view: View | None


# Losing a lease in a crash costs a repeated look at the most, so it does not wait for the disk. The standing is read in
# the same statement: a wake that its snapshot sees was committed with, or after, everything that it announces.
_LEASE = """
WITH leased AS (
    UPDATE durableflow_core.wake AS w
    SET leased_by = me.id, tries = w.tries + 1,
        visible_at = durableflow_core.now() + make_interval(secs => %(seconds)s)
    FROM (SELECT id FROM durableflow_core.worker WHERE boot = %(boot)s AND tombstone_at IS NULL) AS me
    WHERE w.run_id = %(run_id)s AND w.due_at <= durableflow_core.now()
          AND (w.leased_by IS NULL OR w.visible_at <= durableflow_core.now()
               OR (%(repeated)s AND w.leased_by = me.id))
    RETURNING w.id, w.reason, w.rev, w.index, w.tries
)
SELECT l.wakes, r.workflow, r.version, r.queue, r.priority, r.state, r.parked_reason IS NOT NULL, c.rev, c.kind,
       c.state, c.line, c.variables::text, c.awaits::text, c.frames::text, c.opens,
       set_config('synchronous_commit', 'off', true)
FROM (SELECT json_agg(json_build_array(id, reason, rev, index, tries) ORDER BY id) AS wakes FROM leased
      HAVING count(*) > 0) AS l
LEFT JOIN durableflow_core.run AS r ON r.id = %(run_id)s
LEFT JOIN LATERAL (
    SELECT * FROM durableflow_core.checkpoint WHERE run_id = %(run_id)s ORDER BY rev DESC LIMIT 1
) AS c ON true
"""

# Under the run's lock. A checkpoint that came meanwhile may await what the wakes announce: then they are kept.
_LET_GO = """
DELETE FROM durableflow_core.wake AS w
WHERE w.run_id = %(run_id)s AND w.id = ANY(%(wakes)s) AND NOT EXISTS (
    SELECT FROM durableflow_core.step AS s
    WHERE s.run_id = w.run_id AND s.rev = w.rev AND s.index = w.index AND s.state = 'pending'
      AND s.kind IN ('timer', 'receive'))
"""

_MOVED_ON = "SELECT FROM durableflow_core.checkpoint WHERE run_id = %(run_id)s AND rev > %(rev)s LIMIT 1"

# Not a try: the run's code came to its end. A run that many events reach at once would be taken for a stuck one.
_HAND_BACK = """
UPDATE durableflow_core.wake
SET leased_by = NULL, visible_at = durableflow_core.now(), tries = greatest(tries - 1, 0)
WHERE run_id = %(run_id)s AND id = ANY(%(wakes)s)
"""

# `leased_by` stays: a message that comes sooner than that must not run at once into what killed the process before.
_SHORTEN = """
UPDATE durableflow_core.wake
SET visible_at = least(visible_at, durableflow_core.now() + make_interval(secs => 0.25 * 2 ^ least(tries, 16)))
WHERE run_id = %(run_id)s AND leased_by = %(worker_id)s
"""

_STEP_COLUMNS = """
SELECT rev, index, kind, name, CASE WHEN abandoned_at IS NULL THEN state ELSE 'cancelled' END, output::text,
       error::text, extract(epoch FROM coalesce(abandoned_at, CASE WHEN kind = 'timer' AND finished_at IS NOT NULL
                                                              THEN due_at ELSE finished_at END))::float8, begun,
       CASE kind WHEN 'receive' THEN options::text END, due_at <= durableflow_core.now(),
       extract(epoch FROM due_at)::float8, attempt > 0
FROM durableflow_core.step AS s WHERE s.run_id = %(run_id)s AND
"""

_STEPS = _STEP_COLUMNS + " s.rev = %(rev)s ORDER BY index"

_STEPS_OUTSIDE = (
    _STEP_COLUMNS
    + """
    (s.rev, s.index) IN (SELECT * FROM unnest(%(revs)s::int[], %(indexes)s::int[]))
ORDER BY rev, index
"""
)

_COMMIT = """
WITH gate AS (SELECT 1), {successor}, looked AS (
    DELETE FROM durableflow_core.wake AS w USING next
    WHERE w.run_id = next.run_id AND w.id = ANY(%(wakes)s)
)
SELECT {result}
"""

# A duplicate of a message may move a run on that another worker has parked meanwhile.
_UNPARKED = "UPDATE durableflow_core.run SET parked_reason = NULL WHERE id = %(run_id)s AND parked_reason IS NOT NULL"


def lease(conn: Connection, run_id: UUID, *, boot: UUID, seconds: float, repeated: bool = False) -> Lease | None:
    """Take the run's wakes that are due, for ``seconds``. None: somebody else has them, or there is nothing to do.

    repeated: an earlier call may have landed, so those that this worker has are meant too. Where another of its
    processes has them, two do the same work, and the rev decides.
    """
    parameters = {"run_id": run_id, "boot": boot, "seconds": seconds, "repeated": repeated}
    row = conn.execute(_LEASE, parameters).fetchone()
    if row is None:
        return None
    wakes = [Wake(*each) for each in row[0]]
    workflow, version, queue, priority, run_state, parked, rev, *place = row[1:15]
    if workflow is None or rev is None:  # pruned; the wakes are what is left of it
        return Lease(run_id, wakes, None)
    return Lease(run_id, wakes, View(run_id, workflow, version, queue, priority, run_state, parked, rev, *place))


def shorten_lease(conn: Connection, run_id: UUID, worker_id: UUID) -> int:
    """The worker's process that had leased the run's wakes died: have them looked at soon, and later each time, because
    it may have been the run's own code that killed it. Gives how many there were."""
    return conn.execute(_SHORTEN, {"run_id": run_id, "worker_id": worker_id}).rowcount


def look(conn: Connection, view: View, outside: Sequence[Place] = ()) -> View:
    """Read how the steps stand that the run awaits. outside: those of earlier revs among them. A later statement than
    ``lease`` and what settles steps, because what those ended is to be seen."""
    if view.awaits is None:
        return view
    steps = conn.execute(_STEPS, {"run_id": view.run_id, "rev": view.rev}).fetchall()
    if outside:
        parameters = {
            "run_id": view.run_id,
            "revs": [place[0] for place in outside],
            "indexes": [place[1] for place in outside],
        }
        steps += conn.execute(_STEPS_OUTSIDE, parameters).fetchall()
    return replace(view, steps=[StepOutcome(*row) for row in steps])


def let_go(conn: Connection, view: View | None, run_id: UUID, wakes: Sequence[Wake]) -> bool:
    """Delete wakes that turned out to be about nothing: what they announced was committed before them, and was seen.
    The wake of a timer that is not due after all (the server's clock was set back) stays.

    view: what was seen, None where the run is over. False: the run has moved on meanwhile, and may await now what they
    announce; they are handed back.
    """
    parameters: dict[str, Any] = {"run_id": run_id, "wakes": [wake.id for wake in wakes]}
    if view is None:
        conn.execute(_LET_GO, parameters)
        return True
    with conn.transaction():
        lock_run(conn, run_id)
        if conn.execute(_MOVED_ON, {"run_id": run_id, "rev": view.rev}).fetchone() is None:
            conn.execute(_LET_GO, parameters)
            return True
        hand_back(conn, run_id, wakes)
    return False


def hand_back(conn: Connection, run_id: UUID, wakes: Sequence[Wake]) -> None:
    """End a lease early, so that the wakes are looked at again at once: another decision about the run was faster, and
    what they announce may still be to be done."""
    conn.execute(_HAND_BACK, {"run_id": run_id, "wakes": [wake.id for wake in wakes]})


def settle(conn: Connection, run_id: UUID, arrivals: Sequence[Arrival]) -> list[Message] | None:
    """Record ends of receives: the events are taken, and the steps are over. Called inside a transaction. None:
    somebody else has ended one of them, or taken its event; then nothing of this may be committed."""
    messages: list[Message] = []
    for each in arrivals:
        if each.output is not None:
            settled = succeed(conn, run_id, each.rev, each.index, each.output)
        else:
            assert each.error is not None
            settled = fail(conn, run_id, each.rev, each.index, each.error)
        if settled is None:
            return None
        if each.event is not None and not receive(conn, run_id, each.event, each.rev, each.index):
            return None
        messages += settled.messages
    return messages


def commit(
    conn: Connection, view: View, wakes: Sequence[Wake], turn: Turn, arrivals: Sequence[Arrival] = ()
) -> Moved | None:
    """Move the run on from the checkpoint in ``view``. Steps of that await that have not ended are abandoned; of a run
    that ends, whatever it has under way. arrivals: what the turn has reckoned with.

    None: another decision took the next rev; the loser lets go, and deletes no wake.
    """
    query = _COMMIT.format(successor=successor_sql(turn), result=successor_result(turn))
    parameters = successor_parameters(view.run_id, view.rev, turn)
    parameters["wakes"] = [wake.id for wake in wakes]
    ends = not isinstance(turn, Suspend)
    arrived = {(each.rev, each.index) for each in arrivals}
    unfinished = any(
        step.order is None and not step.begun and step.rev == view.rev and (step.rev, step.index) not in arrived
        for step in view.steps
    )
    cancels = turn.cancels if isinstance(turn, Suspend) else ()
    outside = looks_outside(turn)
    if not (unfinished or cancels or arrivals or outside or view.parked or (ends and view.opens)):
        try:
            return _move(conn, query, parameters, view, turn)
        except UniqueViolation:
            return None
    messages: list[Message] = []
    landed = None
    try:
        with conn.transaction() as transaction:
            if cancels:
                messages += abandon_steps(conn, view.run_id, cancels)
            settled = settle(conn, view.run_id, arrivals)
            if settled is None:
                raise Rollback(transaction)
            if ends and view.opens:
                messages += abandon_run(conn, view.run_id)
            elif unfinished:
                messages += abandon_await(conn, view.run_id, view.rev)
            landed = _move(conn, query, parameters, view, turn)
            if landed is None:
                raise Rollback(transaction)
            if outside and look_again(conn, view.run_id, turn):
                messages.append(advance_message(view.run_id, view.queue, view.priority))
            if view.parked:
                conn.execute(_UNPARKED, {"run_id": view.run_id})
    except UniqueViolation:
        return None
    return None if landed is None else replace(landed, messages=[*landed.messages, *messages])


def _move(conn: Connection, query: str, parameters: dict[str, Any], view: View, turn: Turn) -> Moved | None:
    row = conn.execute(query, parameters).fetchone()
    return None if row is None else moved(row, view.run_id, view.rev, turn)
