"""unpark: a parked run goes on, because a worker that can run its version is there."""

from uuid import UUID

from durableflow.store.successor import Connection

# A parked run's wakes are those that are never visible, which the index on visible_at finds. What it needs is in its
# newest checkpoint: with the workflow's version those of the routines that it stands in, all of them in one worker.
_PARKED = """
SELECT w.run_id
FROM (SELECT DISTINCT run_id FROM durableflow_core.wake WHERE visible_at = 'infinity') AS w
JOIN durableflow_core.run AS r ON r.id = w.run_id
CROSS JOIN LATERAL (
    SELECT ARRAY[r.workflow || '@' || r.version]
        || ARRAY(SELECT (f ->> 0) || '@' || (f ->> 1) FROM json_array_elements(c.frames) AS f) AS versions
    FROM durableflow_core.checkpoint AS c WHERE c.run_id = w.run_id ORDER BY c.rev DESC LIMIT 1
) AS needed
WHERE EXISTS (
    SELECT FROM durableflow_core.worker AS k WHERE k.tombstone_at IS NULL AND k.versions @> needed.versions)
LIMIT %(limit)s
"""

# The worker may be able to run the stored source of a version that it does not have: it has to try.
_HOPEFUL = """
SELECT DISTINCT w.run_id FROM durableflow_core.wake AS w
JOIN durableflow_core.run AS r ON r.id = w.run_id
WHERE w.visible_at = 'infinity' AND (%(after)s::uuid IS NULL OR w.run_id > %(after)s::uuid) AND EXISTS (
    SELECT FROM durableflow_core.worker AS k, unnest(k.versions) AS v
    WHERE k.tombstone_at IS NULL AND starts_with(v, r.workflow || '@'))
ORDER BY w.run_id LIMIT %(limit)s
"""

# The run before its wakes, as everywhere; one that is being decided about just now is left for the next look.
_UNPARK = """
WITH parked AS (
    SELECT id FROM durableflow_core.run WHERE id = %(run_id)s AND state = 'running' FOR UPDATE SKIP LOCKED
), freed AS (
    UPDATE durableflow_core.run AS r SET parked_reason = NULL
    FROM parked AS p WHERE r.id = p.id AND r.parked_reason IS NOT NULL
), woken AS (
    UPDATE durableflow_core.wake AS w SET visible_at = greatest(w.due_at, durableflow_core.now()), dispatches = 0
    FROM parked AS p WHERE w.run_id = p.id AND w.visible_at = 'infinity'
    RETURNING w.id
)
SELECT count(*) FROM woken
"""


def parked_but_able(conn: Connection, *, limit: int = 500) -> list[UUID]:
    """Parked runs whose version, and whose routines', a living worker has."""
    return [row[0] for row in conn.execute(_PARKED, {"limit": limit}).fetchall()]


def parked_but_hopeful(conn: Connection, *, after: UUID | None = None, limit: int = 500) -> list[UUID]:
    """Parked runs of whose workflow a living worker has some version, in the order of their ids, from ``after`` on. It
    may have the key for the stored source, or the step that was missing, or neither: then the run is parked again."""
    return [row[0] for row in conn.execute(_HOPEFUL, {"after": after, "limit": limit}).fetchall()]


def unpark(conn: Connection, run_id: UUID) -> bool:
    """Let the run be looked at again. False: it is not parked any more, or somebody is deciding about it just now."""
    row = conn.execute(_UNPARK, {"run_id": run_id}).fetchone()
    return row is not None and row[0] > 0
