"""dispatch: mark ready steps as published, for whoever publishes them after the commit.

The broker holds a window of each queue; the rest waits here, the most urgent first. ``congestion`` names the queues
whose window is full: whoever inserts ready steps of such a queue leaves them to the leader. Marking and publishing are
two things: where the second fails, the row is dispatched again after a while (``redispatch``), so the mark is a time,
never a promise.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from durableflow.store.messages import Message, StepId, step_message
from durableflow.store.successor import Connection


@dataclass(frozen=True, slots=True)
class Load:
    """One queue. dispatched: steps that should be in the broker or with a worker; overdue: those among them that are a
    second old; due: whether a step waits here that may be sent now; next_in: where none does, seconds until one may,
    None: there is none; congested: as the table says."""

    queue: str
    dispatched: int
    overdue: int
    due: bool
    next_in: float | None
    congested: bool


# What is in flight is counted; what waits is only looked at, queue by queue, through its own index: this is asked
# several times a second, and a hundred thousand steps may be waiting.
_LOADS = """
WITH RECURSIVE waiting(queue) AS (
    (SELECT queue FROM durableflow_core.ready WHERE dispatched_at IS NULL ORDER BY queue LIMIT 1)
    UNION ALL
    SELECT (SELECT r.queue FROM durableflow_core.ready AS r
            WHERE r.dispatched_at IS NULL AND r.queue > w.queue ORDER BY r.queue LIMIT 1)
    FROM waiting AS w WHERE w.queue IS NOT NULL
), in_flight AS (
    SELECT queue, count(*) AS dispatched,
           count(*) FILTER (WHERE dispatched_at <= durableflow_core.now() - interval '1 second') AS overdue
    FROM durableflow_core.ready WHERE dispatched_at IS NOT NULL GROUP BY queue
), queues AS (
    SELECT queue FROM waiting WHERE queue IS NOT NULL
    UNION SELECT queue FROM in_flight
    UNION SELECT queue FROM durableflow_core.congestion
)
SELECT q.queue, coalesce(f.dispatched, 0), coalesce(f.overdue, 0), d.due IS NOT NULL, CASE WHEN d.due IS NULL THEN (
           SELECT extract(epoch FROM min(r.due_at) - durableflow_core.now())::float8 FROM durableflow_core.ready AS r
           WHERE r.queue = q.queue AND r.dispatched_at IS NULL) END, g.queue IS NOT NULL
FROM queues AS q
LEFT JOIN in_flight AS f ON f.queue = q.queue
LEFT JOIN durableflow_core.congestion AS g ON g.queue = q.queue
LEFT JOIN LATERAL (
    SELECT true AS due FROM durableflow_core.ready AS r
    WHERE r.queue = q.queue AND r.dispatched_at IS NULL AND r.due_at <= durableflow_core.now()
    ORDER BY r.priority DESC, r.due_at LIMIT 1) AS d ON true
"""

_DISPATCH = """
WITH picked AS (
    SELECT run_id, rev, index FROM durableflow_core.ready
    WHERE queue = %(queue)s AND dispatched_at IS NULL AND due_at <= durableflow_core.now()
    ORDER BY priority DESC, due_at LIMIT %(limit)s FOR UPDATE SKIP LOCKED
), sent AS (
    UPDATE durableflow_core.ready AS r SET dispatched_at = durableflow_core.now(), dispatches = r.dispatches + 1
    FROM picked AS p WHERE r.run_id = p.run_id AND r.rev = p.rev AND r.index = p.index
    RETURNING r.run_id, r.rev, r.index, r.name, r.queue, r.priority, r.dispatches, r.due_at
)
SELECT sent.run_id, sent.rev, sent.index, sent.name, sent.queue, sent.priority, sent.dispatches,
       nullif(s.options::text, '{}')
FROM sent LEFT JOIN durableflow_core.step AS s USING (run_id, rev, index)
ORDER BY sent.priority DESC, sent.due_at
"""

# How old a mark must be. The depth may only delay within the cap: it counts stale and foreign messages, and misses
# prefetched ones. An empty queue and nobody who holds the message: it is lost. The first few times that is believed at
# once; a message that gets lost every time (no worker knows its task) must not be sent every second for ever.
_REDISPATCH = """
WITH held AS MATERIALIZED (
    SELECT DISTINCT unnest(holds) AS id FROM durableflow_core.worker WHERE tombstone_at IS NULL
), picked AS (
    SELECT r.run_id, r.rev, r.index FROM durableflow_core.ready AS r
    WHERE r.queue = %(queue)s AND r.dispatched_at <= durableflow_core.now() - make_interval(secs =>
        CASE WHEN %(depth)s::int > 0 THEN %(cap)s
             WHEN %(depth)s::int IS NULL THEN least(%(cap)s, 2 ^ least(r.dispatches - 1, 16))
             WHEN (r.run_id || ':' || r.rev || ':' || r.index) IN (SELECT id FROM held) THEN %(cap)s
             ELSE greatest(1, least(%(cap)s, 2 ^ least(r.dispatches - 4, 16))) END)
    ORDER BY r.priority DESC, r.dispatched_at LIMIT %(limit)s FOR UPDATE SKIP LOCKED
), sent AS (
    UPDATE durableflow_core.ready AS r SET dispatched_at = durableflow_core.now(), dispatches = r.dispatches + 1
    FROM picked AS p WHERE r.run_id = p.run_id AND r.rev = p.rev AND r.index = p.index
    RETURNING r.run_id, r.rev, r.index, r.name, r.queue, r.priority, r.dispatches, r.due_at
)
SELECT sent.run_id, sent.rev, sent.index, sent.name, sent.queue, sent.priority, sent.dispatches,
       nullif(s.options::text, '{}')
FROM sent LEFT JOIN durableflow_core.step AS s USING (run_id, rev, index)
ORDER BY sent.priority DESC, sent.due_at
"""

REDISPATCH_CAP = 30.0
"""Seconds after which a dispatched step is published again, whatever the broker says."""


def loads(conn: Connection) -> list[Load]:
    """Every queue that has ready steps, or is marked as congested."""
    return [Load(*row) for row in conn.execute(_LOADS).fetchall()]


def dispatch(conn: Connection, queue: str, *, limit: int) -> list[Message]:
    """Mark up to ``limit`` due steps of the queue, most urgent first. Publish the messages after this returned.

    Rows that another leader is marking just now are skipped.
    """
    return _messages(conn.execute(_DISPATCH, {"queue": queue, "limit": limit}).fetchall())


def redispatch(conn: Connection, queue: str, *, depth: int | None, limit: int) -> list[Message]:
    """Mark again what was dispatched long enough ago; depth: messages in the broker's queue, None: it cannot tell."""
    parameters = {"queue": queue, "depth": depth, "cap": REDISPATCH_CAP, "limit": limit}
    return _messages(conn.execute(_REDISPATCH, parameters).fetchall())


def congest(conn: Connection, queue: str) -> bool:
    """The queue's window is full. False: that was known."""
    return (
        conn.execute(
            "INSERT INTO durableflow_core.congestion (queue, since) VALUES (%s, durableflow_core.now()) "
            "ON CONFLICT (queue) DO NOTHING",
            (queue,),
        ).rowcount
        == 1
    )


def relieve(conn: Connection, queue: str) -> bool:
    """The queue has room again, and nothing waits. False: that was known."""
    return conn.execute("DELETE FROM durableflow_core.congestion WHERE queue = %s", (queue,)).rowcount == 1


def _messages(rows: Sequence[Sequence[Any]]) -> list[Message]:
    return [step_message(StepId(row[0], row[1], row[2]), *row[3:8]) for row in rows]
