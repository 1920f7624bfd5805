"""advance: look at what a run's wakes are about, and move it on where the await it stands at is over.

``lease`` takes the wakes that are due, so that two workers do not do the same work (if they do all the same, the rev
decides, and the loser lets go). ``fire`` ends the timers among them. ``look`` then reads how the steps stand, in a
later statement than the one that counted a join down. The worker runs the machine between transactions. ``commit``
inserts rev + 1, ends the siblings that nobody awaits any more, and deletes *those* wakes, all fenced by the rev.
"""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Any
from uuid import UUID

from psycopg import Rollback
from psycopg.errors import UniqueViolation

from durableflow.store.complete import COUNTDOWN
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
    """How one step of the await stands. order: place among the steps that ended, earliest first, None while it runs."""

    index: int
    state: str
    output: str | None
    error: str | None
    order: int | None


@dataclass(frozen=True, slots=True)
class View:
    """Where a run stands. run_state: ``running`` or a terminal one; rev, kind: of the newest checkpoint; state, line,
    variables, awaits: as stored; steps: those of that rev, by index."""

    run_id: UUID
    workflow: str
    version: str
    queue: str
    priority: int
    run_state: str
    rev: int
    kind: str
    state: int | None
    line: int | None
    variables: str | None
    awaits: str | None
    steps: Sequence[StepOutcome]


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
SELECT r.workflow, r.version, r.queue, r.priority, r.state, c.rev, c.kind, c.state, c.line, c.variables::text,
       c.awaits::text, l.id, l.reason, l.rev, l.index, l.tries, set_config('synchronous_commit', 'off', true)
FROM leased AS l
LEFT JOIN durableflow_core.run AS r ON r.id = %(run_id)s
LEFT JOIN LATERAL (
    SELECT * FROM durableflow_core.checkpoint WHERE run_id = %(run_id)s ORDER BY rev DESC LIMIT 1
) AS c ON true
"""

_LET_GO = """
DELETE FROM durableflow_core.wake AS w
WHERE w.run_id = %(run_id)s AND w.id = ANY(%(wakes)s) AND NOT EXISTS (
    SELECT FROM durableflow_core.step AS s
    WHERE s.run_id = w.run_id AND s.rev = w.rev AND s.index = w.index AND s.state = 'pending')
"""

_HAND_BACK = """
UPDATE durableflow_core.wake SET leased_by = NULL, visible_at = durableflow_core.now()
WHERE run_id = %(run_id)s AND id = ANY(%(wakes)s)
"""

# `leased_by` stays: a message that comes sooner than that must not run at once into what killed the process before.
_SHORTEN = """
UPDATE durableflow_core.wake
SET visible_at = least(visible_at, durableflow_core.now() + make_interval(secs => 0.25 * 2 ^ least(tries, 16)))
WHERE run_id = %(run_id)s AND leased_by = %(worker_id)s
"""

_FIRE = f"""
WITH ours AS (
    UPDATE durableflow_core.step
    SET state = 'succeeded', output = 'null', finished_at = durableflow_core.now()
    WHERE run_id = %(run_id)s AND rev = %(rev)s AND index = %(index)s AND state = 'pending' AND kind = 'timer'
          AND due_at <= durableflow_core.now()
    RETURNING run_id, rev, index, shard
){COUNTDOWN}
SELECT (SELECT count(*) FROM ours), (SELECT count(*) FROM done)
"""

_STEPS = """
SELECT index, state, output::text, error::text,
       CASE WHEN finished_at IS NOT NULL THEN row_number() OVER (ORDER BY finished_at, index) END
FROM durableflow_core.step WHERE run_id = %(run_id)s AND rev = %(rev)s ORDER BY index
"""

_COMMIT = """
WITH gate AS (SELECT 1), {successor}, looked AS (
    DELETE FROM durableflow_core.wake AS w USING next
    WHERE w.run_id = next.run_id AND w.id = ANY(%(wakes)s)
)
SELECT {result}
"""

# A claim takes the row in `ready` and then the step: with the steps first, the two would wait for each other.
_LOCK_READY = """
SELECT FROM durableflow_core.ready WHERE run_id = %(run_id)s AND rev = %(rev)s ORDER BY index FOR UPDATE
"""

# A later statement than the one that locked the steps: a retry, or a rescue, may have given one back until then.
_UNREADY = "DELETE FROM durableflow_core.ready WHERE run_id = %(run_id)s AND rev = %(rev)s"

# Ordered, because every transition that locks several steps locks them by (rev, index).
_ABANDON = """
WITH left_behind AS (
    SELECT run_id, rev, index FROM durableflow_core.step
    WHERE run_id = %(run_id)s AND rev = %(rev)s AND state IN ('pending', 'ready', 'running')
    ORDER BY rev, index FOR UPDATE
), ended AS (
    UPDATE durableflow_core.step AS s
    SET state = CASE WHEN s.state = 'running' THEN s.state ELSE 'cancelled' END,
        finished_at = CASE WHEN s.state = 'running' THEN s.finished_at ELSE durableflow_core.now() END,
        abandoned_at = durableflow_core.now()
    FROM left_behind AS l
    WHERE s.run_id = l.run_id AND s.rev = l.rev AND s.index = l.index AND s.state IN ('pending', 'ready', 'running')
    RETURNING s.run_id, s.rev, s.index
), silent AS (
    DELETE FROM durableflow_core.wake AS w USING left_behind AS l
    WHERE w.run_id = l.run_id AND w.rev = l.rev AND w.index = l.index AND w.reason = 'timer'
)
SELECT count(*) FROM ended
"""


def lease(conn: Connection, run_id: UUID, *, boot: UUID, seconds: float, repeated: bool = False) -> Lease | None:
    """Take the run's wakes that are due, for ``seconds``. None: somebody else has them, or there is nothing to do.

    repeated: an earlier call may have landed, so those that this worker has are meant too. Where another of its
    processes has them, two do the same work, and the rev decides.
    """
    parameters = {"run_id": run_id, "boot": boot, "seconds": seconds, "repeated": repeated}
    rows = conn.execute(_LEASE, parameters).fetchall()
    if not rows:
        return None
    wakes = [Wake(*row[11:16]) for row in rows]
    workflow, version, queue, priority, run_state, rev, kind, state, line, variables, awaits = rows[0][:11]
    if workflow is None or rev is None:  # pruned; the wakes are what is left of it
        return Lease(run_id, wakes, None)
    view = View(
        run_id=run_id,
        workflow=workflow,
        version=version,
        queue=queue,
        priority=priority,
        run_state=run_state,
        rev=rev,
        kind=kind,
        state=state,
        line=line,
        variables=variables,
        awaits=awaits,
        steps=(),
    )
    return Lease(run_id, wakes, view)


def shorten_lease(conn: Connection, run_id: UUID, worker_id: UUID) -> int:
    """The worker's process that had leased the run's wakes died: have them looked at soon, and later each time, because
    it may have been the run's own code that killed it. Gives how many there were."""
    return conn.execute(_SHORTEN, {"run_id": run_id, "worker_id": worker_id}).rowcount


def fire(conn: Connection, run_id: UUID, rev: int, index: int) -> bool:
    """End a timer whose time has come. False: it was ended or abandoned before, or it is not due."""
    row = conn.execute(_FIRE, {"run_id": run_id, "rev": rev, "index": index}).fetchone()
    return row is not None and bool(row[0])


def look(conn: Connection, view: View) -> View:
    """Read how the steps stand that the run awaits. A later statement than ``lease`` and ``fire``, because what those
    ended is to be seen."""
    if view.awaits is None:
        return view
    rows = conn.execute(_STEPS, {"run_id": view.run_id, "rev": view.rev}).fetchall()
    return replace(view, steps=[StepOutcome(*row) for row in rows])


def let_go(conn: Connection, run_id: UUID, wakes: Sequence[Wake]) -> None:
    """Delete wakes that turned out to be about nothing: what they announced was committed before them, and was seen.
    The wake of a timer that is not due after all (the server's clock was set back) stays."""
    conn.execute(_LET_GO, {"run_id": run_id, "wakes": [wake.id for wake in wakes]})


def hand_back(conn: Connection, run_id: UUID, wakes: Sequence[Wake]) -> None:
    """End a lease early, so that the wakes are looked at again at once: another decision about the run was faster, and
    what they announce may still be to be done."""
    conn.execute(_HAND_BACK, {"run_id": run_id, "wakes": [wake.id for wake in wakes]})


def commit(conn: Connection, view: View, wakes: Sequence[Wake], turn: Turn) -> Moved | None:
    """Move the run on from the checkpoint in ``view``. Steps of that await that have not ended are abandoned.

    None: another decision took the next rev; the loser lets go, and deletes no wake.
    """
    query = _COMMIT.format(successor=successor_sql(turn), result=successor_result(turn))
    parameters = successor_parameters(view.run_id, view.rev, turn)
    parameters["wakes"] = [wake.id for wake in wakes]
    unfinished = any(step.order is None for step in view.steps)
    try:
        if not unfinished:
            return _move(conn, query, parameters, view, turn)
        landed = None
        with conn.transaction() as transaction:
            abandon(conn, view.run_id, view.rev)
            landed = _move(conn, query, parameters, view, turn)
            if landed is None:
                raise Rollback(transaction)
        return landed
    except UniqueViolation:
        return None


def abandon(conn: Connection, run_id: UUID, rev: int) -> int:
    """Stop waiting for the steps of an await: those that have not begun are cancelled, those that run are marked, and
    end without a retry. Gives how many there were. Called inside the transaction that leaves the await."""
    await_left = {"run_id": run_id, "rev": rev}
    conn.execute(_LOCK_READY, await_left)
    row = conn.execute(_ABANDON, await_left).fetchone()
    conn.execute(_UNREADY, await_left)
    return int(row[0]) if row is not None else 0


def _move(conn: Connection, query: str, parameters: dict[str, Any], view: View, turn: Turn) -> Moved | None:
    row = conn.execute(query, parameters).fetchone()
    return None if row is None else moved(row, view.run_id, view.rev, turn)
