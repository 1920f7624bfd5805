"""wake_due: have the runs looked at whose wakes are due: timers, starts that nobody published, what others left behind.

Publishing pushes ``visible_at`` ahead by a capped backoff: nothing depends on the message, which is sent again until
somebody has looked. A lease that ran out is taken off, or nobody could take it.
"""

from collections.abc import Collection
from dataclasses import dataclass

from durableflow.store.messages import Message, advance_message
from durableflow.store.successor import Connection

_NEXT = """
SELECT extract(epoch FROM min(visible_at) - durableflow_core.now())::float8
FROM durableflow_core.wake WHERE visible_at < 'infinity'
"""

# Where messages wait in the broker, the first repetition is not so soon: it would only add to the queue. Where a whole
# window waits, nothing is published at all, or a queue that nobody serves would grow by each wake, twice a minute; nor
# is anything put off, or ten thousand timers of one second would be dealt with by a window each half minute.
_DUE = """
WITH due AS (
    SELECT w.run_id, w.id, r.queue, r.priority,
           (r.state = 'running' OR (r.state IN ('failed', 'cancelled') AND w.reason = 'redrive')) IS TRUE AS runs
    FROM durableflow_core.wake AS w LEFT JOIN durableflow_core.run AS r ON r.id = w.run_id
    WHERE w.visible_at <= durableflow_core.now() AND w.due_at <= durableflow_core.now()
          AND (r.state = 'running' AND r.queue = ANY(%(full)s)) IS NOT TRUE
    ORDER BY w.visible_at LIMIT %(limit)s FOR UPDATE OF w SKIP LOCKED
), pushed AS (
    UPDATE durableflow_core.wake AS w
    SET dispatches = w.dispatches + 1, leased_by = NULL,
        visible_at = durableflow_core.now() + make_interval(secs => least(%(cap)s,
            CASE WHEN d.queue = ANY(%(busy)s) THEN 8 ELSE 2 END * 2 ^ least(w.dispatches, 16)))
    FROM due AS d WHERE w.run_id = d.run_id AND w.id = d.id AND d.runs
), pointless AS (
    DELETE FROM durableflow_core.wake AS w USING due AS d WHERE w.run_id = d.run_id AND w.id = d.id AND NOT d.runs
)
SELECT count(*), NULL, NULL, NULL FROM due
UNION ALL
(SELECT NULL, run_id, queue, priority FROM due WHERE runs
 GROUP BY run_id, queue, priority ORDER BY priority DESC, run_id)
"""

CAP = 30.0
"""Seconds after which a due wake is published again, whatever the broker says."""


@dataclass(frozen=True, slots=True)
class Due:
    """count: wakes that were due; messages: one for each run that is to be looked at now."""

    count: int
    messages: list[Message]


def next_due(conn: Connection) -> float | None:
    """Seconds until the next wake wants to be looked at, 0 or less: now. None: no wake is waiting."""
    row = conn.execute(_NEXT).fetchone()
    return None if row is None or row[0] is None else float(row[0])


def wake_due(conn: Connection, *, busy: Collection[str] = (), full: Collection[str] = (), limit: int = 500) -> Due:
    """Push up to ``limit`` due wakes ahead, and give one message for each of their runs, to be published afterwards.

    busy: queues in which messages are waiting; full: queues that hold a window of them, whose wakes are left alone.
    Wakes of runs that have ended or were pruned are deleted. Rows that another leader holds just now are skipped.
    """
    parameters = {"limit": limit, "cap": CAP, "busy": list(busy), "full": list(full)}
    first, *rows = conn.execute(_DUE, parameters).fetchall()
    return Due(first[0], [advance_message(row[1], row[2], row[3]) for row in rows])
