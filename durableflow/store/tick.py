"""tick: what becomes of a time at which a schedule was to start its workflow. Once over all workers.

Whoever deals with a tick holds its schedule's row, which others skip; the row must still expect that tick. The tick,
the run that it starts, and the move to the next tick are one transaction: none of them is ever there without the
others. A look at the run before comes in a statement after the lock, because the one that takes the lock does not see
what was committed meanwhile. The schedule's row is locked before anything else.
"""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from uuid import UUID

from durableflow.errors import RunConflict
from durableflow.store.messages import Message
from durableflow.store.start import NewRun, Rows, start
from durableflow.store.successor import Connection


@dataclass(frozen=True, slots=True)
class Ticked:
    """What became of a tick. state: started, skipped, queued; or known: somebody had dealt with it; run_id: that it
    started; reason: why it did not; message: to be published after the commit."""

    state: str
    run_id: UUID | None = None
    reason: str | None = None
    message: Message | None = None


_KNOWN = Ticked("known")

_TAKE = """
SELECT overlap FROM durableflow_core.schedule
WHERE name = %(name)s AND next_at = %(at)s AND next_at <= durableflow_core.now()
      AND paused_at IS NULL AND removed_at IS NULL
FOR UPDATE SKIP LOCKED
"""

_HOLD_LIVE = """
SELECT FROM durableflow_core.schedule WHERE name = %(name)s AND paused_at IS NULL AND removed_at IS NULL
FOR UPDATE SKIP LOCKED
"""

_HOLD = "SELECT FROM durableflow_core.schedule WHERE name = %(name)s FOR UPDATE"

_BEFORE = """
SELECT (SELECT r.id FROM durableflow_core.run AS r WHERE r.id = s.last_run_id AND r.state = 'running'),
       (SELECT min(t.at) FROM durableflow_core.tick AS t WHERE t.schedule = s.name AND t.state = 'queued'),
       (SELECT t.state FROM durableflow_core.tick AS t WHERE t.schedule = s.name AND t.at = %(at)s)
FROM durableflow_core.schedule AS s WHERE s.name = %(name)s
"""

_NOTE = """
INSERT INTO durableflow_core.tick (schedule, at, state, run_id, reason, noted_at)
VALUES (%(name)s, %(at)s, %(state)s, %(run_id)s, %(reason)s, durableflow_core.now())
ON CONFLICT (schedule, at) DO UPDATE
    SET state = excluded.state, run_id = excluded.run_id, reason = excluded.reason, noted_at = excluded.noted_at
"""

_MOVE = """
UPDATE durableflow_core.schedule
SET next_at = coalesce(%(then)s, next_at), last_run_id = coalesce(%(run_id)s, last_run_id)
WHERE name = %(name)s
"""

_MISS = """
WITH moved AS (
    UPDATE durableflow_core.schedule SET next_at = %(then)s
    WHERE name = (
        SELECT name FROM durableflow_core.schedule
        WHERE name = %(name)s AND next_at = %(first)s AND next_at <= durableflow_core.now()
              AND paused_at IS NULL AND removed_at IS NULL
        FOR UPDATE SKIP LOCKED)
    RETURNING name
), noted AS (
    INSERT INTO durableflow_core.tick (schedule, at, state, noted_at)
    SELECT moved.name, t.at, 'missed', durableflow_core.now() FROM moved, unnest(%(ticks)s::timestamptz[]) AS t(at)
    ON CONFLICT (schedule, at) DO NOTHING
)
SELECT FROM moved
"""

_TAKEN = """
SELECT at FROM durableflow_core.tick
WHERE schedule = %(name)s AND at >= %(first)s AND at < %(end)s AND state IN ('started', 'queued')
"""

# A tick of a run that is still there stays: it tells where the run came from.
_PRUNE = """
DELETE FROM durableflow_core.tick WHERE (schedule, at) IN (
    SELECT t.schedule, t.at FROM durableflow_core.tick AS t
    WHERE t.at < durableflow_core.now() - make_interval(secs => %(retention)s) AND t.state <> 'queued'
          AND NOT EXISTS (SELECT FROM durableflow_core.run AS r WHERE r.id = t.run_id)
    ORDER BY t.at LIMIT %(limit)s FOR UPDATE SKIP LOCKED)
"""


def fire(
    conn: Connection, name: str, at: datetime, new: NewRun | str, *, then: datetime, publishes: bool
) -> Ticked | None:
    """Deal with the tick that the schedule expects, and have it expect ``then``.

    new: the run to start, or in words why there can be none; publishes: the caller publishes the message right after.
    None: the schedule expects another tick, is paused or removed, or somebody else has it in hand.
    """
    with conn.transaction():
        row = conn.execute(_TAKE, {"name": name, "at": at}).fetchone()
        if row is None:
            return None
        going, queued_at, known = _before(conn, name, at)
        if known is not None:
            ticked = _KNOWN
        elif going is not None and row[0] == "skip":
            ticked = Ticked("skipped", reason=f"run {going}, which was started before, is still going")
        elif (going is not None or queued_at is not None) and row[0] == "queue":
            ticked = Ticked("queued")
        else:
            ticked = _start(conn, new, publishes=publishes)
        if ticked is not _KNOWN:
            _note(conn, name, at, ticked)
        conn.execute(_MOVE, {"name": name, "then": then, "run_id": ticked.run_id})
    return ticked


def release(conn: Connection, name: str, at: datetime, new: NewRun | str, *, publishes: bool) -> Ticked | None:
    """Start what has waited longest, if the run before has ended. None: it has not; it is not ``at`` that has waited
    longest; the schedule is paused or removed; or somebody else has it in hand."""
    with conn.transaction():
        if conn.execute(_HOLD_LIVE, {"name": name}).fetchone() is None:
            return None
        going, queued_at, _ = _before(conn, name, at)
        if going is not None or queued_at != at:
            return None
        ticked = _start(conn, new, publishes=publishes)
        _note(conn, name, at, ticked)
        conn.execute(_MOVE, {"name": name, "then": None, "run_id": ticked.run_id})
    return ticked


def miss(conn: Connection, name: str, ticks: Sequence[datetime], *, then: datetime) -> bool:
    """Note these ticks, which begin with the one that the schedule expects, as missed, and have it expect ``then``.
    False: as for ``fire``."""
    given = {"name": name, "first": ticks[0], "ticks": list(ticks), "then": then}
    return conn.execute(_MISS, given).fetchone() is not None


def make_up(conn: Connection, name: str, at: datetime, new: NewRun, *, publishes: bool) -> Ticked:
    """Start the run of a tick that has none, whatever became of it; waits for whoever has the schedule in hand.

    Its state is ``known`` where it has a run or waits for one. Raises RunConflict.
    """
    with conn.transaction():
        conn.execute(_HOLD, {"name": name})
        if _before(conn, name, at)[2] in ("started", "queued"):
            return _KNOWN
        started = start(_executes(conn), new, publishes=publishes)
        ticked = Ticked("started", started.run_id, "a backfill", started.message)
        _note(conn, name, at, ticked)
    return ticked


def taken(conn: Connection, name: str, first: datetime, end: datetime) -> set[datetime]:
    """The ticks from ``first``, and before ``end``, that have a run or wait for one; in UTC, because a time that comes
    twice in its zone is equal to none of another zone."""
    return {
        row[0].astimezone(UTC) for row in conn.execute(_TAKEN, {"name": name, "first": first, "end": end}).fetchall()
    }


def prune(conn: Connection, retention: float, *, limit: int) -> int:
    """Remove ticks that are older than so many seconds, and have no run any more. Gives how many."""
    return conn.execute(_PRUNE, {"retention": retention, "limit": limit}).rowcount


def _before(conn: Connection, name: str, at: datetime) -> tuple[UUID | None, datetime | None, str | None]:
    """The run that was started last, if it goes on; the tick that has waited longest; the state of the tick at hand."""
    row = conn.execute(_BEFORE, {"name": name, "at": at}).fetchone()
    return (None, None, None) if row is None else (row[0], row[1], row[2])


def _start(conn: Connection, new: NewRun | str, *, publishes: bool) -> Ticked:
    """What cannot be started is noted with the reason: it must not keep the schedule from its next tick."""
    if isinstance(new, str):
        return Ticked("skipped", reason=new)
    try:
        started = start(_executes(conn), new, publishes=publishes)
    except RunConflict as conflict:
        return Ticked("skipped", reason=str(conflict))
    return Ticked("started", started.run_id, None, started.message)


def _note(conn: Connection, name: str, at: datetime, ticked: Ticked) -> None:
    given = {"name": name, "at": at, "state": ticked.state, "run_id": ticked.run_id, "reason": ticked.reason}
    conn.execute(_NOTE, given)


def _executes(conn: Connection) -> Callable[[str, Mapping[str, object]], Rows]:
    def execute(statement: str, parameters: Mapping[str, object]) -> Rows:
        return conn.execute(statement, parameters).fetchall()

    return execute
