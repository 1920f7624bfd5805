"""bury: declare a worker dead, once, and only on evidence.

A worker is dead when its session lock is gone *and* it has been silent for a moment, or when it has been silent for the
full timeout. Silence counts from the later of its last beat and the moment since which the judge has watched without a
break: after a restart of PostgreSQL every lock is gone and every beat is old, and nobody died. For the same reason a
lock that was taken from another life of the server proves nothing. The tombstone is set by compare-and-swap on the very
beat that was judged.

Messages that the dead worker had taken from the broker and not begun died with its memory. What its last beat named as
held is marked as not sent in the same statement: otherwise it would wait for its repetition, up to half a minute where
the queue is busy.
"""

from dataclasses import dataclass
from datetime import datetime
from uuid import UUID

from durableflow.store.successor import Connection


@dataclass(frozen=True, slots=True)
class Sign:
    """What a judge sees of a living worker. silence: seconds without a beat while the judge was watching;
    judged_at: when it looked, by the database's clock."""

    worker_id: UUID
    hostname: str
    pid: int
    seen_at: datetime
    silence: float
    judged_at: datetime


_SIGNS = """
SELECT id, hostname, pid, seen_at,
       extract(epoch FROM durableflow_core.now() - greatest(seen_at, %(watching_since)s))::float8,
       durableflow_core.now()
FROM durableflow_core.worker WHERE tombstone_at IS NULL
"""

# The judgement holds for a moment only: a server that stood still between the two statements kept everybody silent.
# An advisory lock's 64-bit key is shown as two halves, in classid and objid, with objsubid 1.
# What it held is read with care: ids come from messages, and one that somebody forged must not keep a worker unburied.
# Rows that are being claimed just now, by way of another message, are skipped.
_BURY = """
WITH buried AS (
    UPDATE durableflow_core.worker AS w SET tombstone_at = durableflow_core.now()
    WHERE w.id = %(id)s AND w.tombstone_at IS NULL AND w.seen_at = %(seen_at)s
      AND durableflow_core.now() < %(judged_at)s + interval '2 seconds'
      AND CASE
        WHEN durableflow_core.now() - greatest(w.seen_at, %(watching_since)s) >= make_interval(secs => %(full)s)
            THEN true
        WHEN durableflow_core.now() - greatest(w.seen_at, %(watching_since)s) < make_interval(secs => %(quick)s)
            THEN false
        ELSE w.lock_key IS NOT NULL AND w.postmaster_at = pg_postmaster_start_time() AND NOT EXISTS (
            SELECT FROM pg_locks AS l
            WHERE l.locktype = 'advisory' AND l.granted AND l.objsubid = 1
              AND l.database = (SELECT oid FROM pg_database WHERE datname = current_database())
              AND (l.classid::int8 << 32 | l.objid::int8) = w.lock_key)
        END
    RETURNING w.holds
), held AS (
    SELECT CASE WHEN is_step OR is_run THEN split_part(id, ':', 1)::uuid END AS run_id,
           CASE WHEN is_step THEN split_part(id, ':', 2)::int END AS rev,
           CASE WHEN is_step THEN split_part(id, ':', 3)::int END AS index, is_run
    FROM (SELECT id, id ~ ('^' || %(uuid)s || ':[0-9]{1,9}:[0-9]{1,9}$') AS is_step,
                 id ~ ('^' || %(uuid)s || ':advance$') AS is_run
          FROM buried, unnest(buried.holds) AS id) AS message
), unsent AS (
    SELECT r.run_id, r.rev, r.index FROM durableflow_core.ready AS r JOIN held USING (run_id, rev, index)
    WHERE r.dispatched_at IS NOT NULL FOR UPDATE OF r SKIP LOCKED
), undispatched AS (
    UPDATE durableflow_core.ready AS r SET dispatched_at = NULL
    FROM unsent AS u WHERE r.run_id = u.run_id AND r.rev = u.rev AND r.index = u.index
), unseen AS (
    SELECT w.run_id, w.id FROM durableflow_core.wake AS w JOIN held ON held.is_run AND held.run_id = w.run_id
    WHERE w.leased_by IS NULL AND w.due_at <= durableflow_core.now() AND w.visible_at < 'infinity'
    FOR UPDATE OF w SKIP LOCKED
), visible AS (
    UPDATE durableflow_core.wake AS w SET visible_at = durableflow_core.now()
    FROM unseen AS u WHERE w.run_id = u.run_id AND w.id = u.id
)
SELECT count(*) FROM buried
"""

_UUID = "[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}"


def clock(conn: Connection) -> datetime:
    """The database's time: from here on, a judge on this connection can say that it has been watching."""
    row = conn.execute("SELECT durableflow_core.now()").fetchone()
    assert row is not None
    now: datetime = row[0]
    return now


def signs(conn: Connection, watching_since: datetime) -> list[Sign]:
    """Every worker that is not declared dead."""
    return [Sign(*row) for row in conn.execute(_SIGNS, {"watching_since": watching_since}).fetchall()]


def bury(conn: Connection, sign: Sign, watching_since: datetime, *, quick: float, full: float) -> bool:
    """Set the tombstone of a worker that is dead by the rule above, and have what it held sent again; quick, full:
    seconds of silence.

    False: it has beaten since, its lock is still there, or somebody else has declared it dead.
    """
    parameters = {
        "id": sign.worker_id,
        "seen_at": sign.seen_at,
        "judged_at": sign.judged_at,
        "watching_since": watching_since,
        "quick": quick,
        "full": full,
        "uuid": _UUID,
    }
    row = conn.execute(_BURY, parameters).fetchone()
    return row is not None and row[0] == 1
