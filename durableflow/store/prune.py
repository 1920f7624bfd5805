"""prune: remove what is past its retention: a run and everything that belongs to it, in one transaction.

A run that left its step outputs behind would have them found by the next one under its id. Ended runs are found by
their ids, which are ordered by the time of the start, so no index on a column that changes is needed.
"""

from datetime import datetime, timedelta
from uuid import UUID

from durableflow.store.successor import Connection

_HORIZON = "SELECT durableflow_core.now() - make_interval(secs => %(retention)s)"

_ENDED = """
SELECT id FROM durableflow_core.run
WHERE id < %(newest)s AND (%(after)s::uuid IS NULL OR id > %(after)s)
  AND state <> 'running' AND finished_at < %(horizon)s
ORDER BY id LIMIT %(limit)s
"""

# A claim is an attempt that is still under way (of a step that nobody awaits any more): the run stays until it ends. So
# does a child whose parent is running, which may not have seen yet what the child came to, or may be redriven, and then
# wants its children again.
_LOCK = """
SELECT id FROM durableflow_core.run AS r
WHERE id = %(run_id)s AND state <> 'running' AND finished_at < %(horizon)s
  AND NOT EXISTS (SELECT FROM durableflow_core.claim AS c WHERE c.run_id = r.id)
  AND NOT EXISTS (SELECT FROM durableflow_core.run AS p WHERE p.id = r.parent_id AND p.state <> 'succeeded')
FOR UPDATE SKIP LOCKED
"""

# The checkpoints go last before the run: who still wants to add one waits for the lock on them, and finds none.
_PARTS = ("ready", "wake", "attempt", "join_counter", "queued", "event", "step", "value", "checkpoint")

# A run of a hundred thousand steps takes longer than the moment that other statements are given.
_PATIENCE = "SET LOCAL statement_timeout = '60s'"

_WORKERS = """
DELETE FROM durableflow_core.worker AS w
WHERE w.tombstone_at < durableflow_core.now() - make_interval(secs => %(keep)s)
  AND NOT EXISTS (SELECT FROM durableflow_core.claim AS c WHERE c.worker_id = w.id)
  AND NOT EXISTS (SELECT FROM durableflow_core.leadership AS l WHERE l.holder = w.id)
"""


def horizon(conn: Connection, retention: float) -> datetime:
    """The moment before which a run must have ended to be pruned now; retention: in seconds."""
    row = conn.execute(_HORIZON, {"retention": retention}).fetchone()
    assert row is not None
    moment: datetime = row[0]
    return moment


def ended_before(conn: Connection, moment: datetime, *, after: UUID | None = None, limit: int = 100) -> list[UUID]:
    """Runs that ended before the moment, by id; after: where the last page ended."""
    parameters = {"newest": _first_id(moment), "after": after, "horizon": moment, "limit": limit}
    return [row[0] for row in conn.execute(_ENDED, parameters).fetchall()]


def prune(conn: Connection, run_id: UUID, moment: datetime) -> bool:
    """Remove the run with all that belongs to it. False: it was redriven meanwhile, an attempt of one of its steps is
    still under way, its parent may want it yet, or another leader is removing it."""
    with conn.transaction():
        conn.execute(_PATIENCE)
        if conn.execute(_LOCK, {"run_id": run_id, "horizon": moment}).fetchone() is None:
            return False
        for table in _PARTS:
            conn.execute(f"DELETE FROM durableflow_core.{table} WHERE run_id = %s", (run_id,))
        conn.execute("DELETE FROM durableflow_core.run WHERE id = %s", (run_id,))
    return True


def prune_workers(conn: Connection, *, keep: float) -> int:
    """Remove workers that died more than ``keep`` seconds ago, never one that a claim still names."""
    return conn.execute(_WORKERS, {"keep": keep}).rowcount


def _first_id(moment: datetime) -> UUID:
    """The smallest version 7 id that a run started then could have: a run cannot end before it starts."""
    milliseconds = int((moment + timedelta(milliseconds=1)).timestamp() * 1000)
    return UUID(int=milliseconds << 80)
