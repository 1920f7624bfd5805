"""heartbeat: a worker says that it lives, and what it holds."""

from collections.abc import Collection
from uuid import UUID

from durableflow.store.successor import Connection

_BEAT = """
UPDATE durableflow_core.worker SET seen_at = durableflow_core.now(), holds = %(holds)s
WHERE id = %(id)s AND tombstone_at IS NULL
"""


def beat(conn: Connection, worker_id: UUID, holds: Collection[str]) -> bool:
    """Note that the worker lives now.

    holds: the steps whose messages it has taken from the broker, as ``<run_id>:<rev>:<index>``. False: it was declared
    dead; nothing brings this id back to life, and its claims are lost: register again.
    """
    return conn.execute(_BEAT, {"id": worker_id, "holds": sorted(holds)}).rowcount == 1
