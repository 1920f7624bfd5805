"""rescue: find what dead workers had claimed or leased.

Dead means a tombstone, or no row at all: a worker's row that went before its claims would make its orphans invisible.
It is asked again and again, because a claim may be committed just after the tombstone.
"""

from dataclasses import dataclass

from durableflow.store.messages import StepId
from durableflow.store.release import HELD, Held, held
from durableflow.store.successor import Connection

_ORPHANS = (
    HELD
    + """
WHERE (w.id IS NULL OR w.tombstone_at IS NOT NULL)
  AND (%(run_id)s::uuid IS NULL OR (c.run_id, c.rev, c.index) > (%(run_id)s::uuid, %(rev)s, %(index)s))
ORDER BY c.run_id, c.rev, c.index
LIMIT %(limit)s
"""
)

# A lease lasts half a minute at the most: the index on visible_at finds them among any number of sleeping timers.
_RELEASE_LEASES = """
WITH orphaned AS (
    SELECT w.run_id, w.id FROM durableflow_core.wake AS w
    WHERE w.leased_by IS NOT NULL AND w.visible_at > durableflow_core.now()
      AND w.visible_at <= durableflow_core.now() + interval '1 minute'
      AND NOT EXISTS (
        SELECT FROM durableflow_core.worker AS k WHERE k.id = w.leased_by AND k.tombstone_at IS NULL)
    ORDER BY w.run_id, w.id LIMIT %(limit)s FOR UPDATE OF w SKIP LOCKED
)
UPDATE durableflow_core.wake AS w SET leased_by = NULL, visible_at = greatest(w.due_at, durableflow_core.now())
FROM orphaned AS o WHERE w.run_id = o.run_id AND w.id = o.id
"""


@dataclass(frozen=True, slots=True)
class Page:
    """Some of the orphans, in the order of their ids; after: where the next page begins, None at the end."""

    orphans: list[Held]
    after: StepId | None


def orphans(conn: Connection, *, after: StepId | None = None, limit: int = 200) -> Page:
    """Claims of dead workers, from ``after`` on: page by page to the end, so that rows which cannot be rescued never
    fill the batch that others wait for."""
    rows = conn.execute(
        _ORPHANS,
        {
            "run_id": after.run_id if after else None,
            "rev": after.rev if after else 0,
            "index": after.index if after else 0,
            "limit": limit,
        },
    ).fetchall()
    found = held(rows)
    return Page(found, found[-1].step if len(found) == limit else None)


def release_leases(conn: Connection, *, limit: int = 1000) -> int:
    """Let others look at the wakes that dead workers had leased. Gives how many there were."""
    return conn.execute(_RELEASE_LEASES, {"limit": limit}).rowcount
