"""register: a worker process becomes known, under an id that is new each time.

The id is never used twice, so that a restarted worker cannot hide what its predecessor left behind. What tells two
lives of one process apart is the tombstone: a worker that was declared dead registers again, under the same boot.
"""

from collections.abc import Sequence
from uuid import UUID

from durableflow.store.successor import Connection

# Whatever else is alive under this boot is superseded in the same statement: `claim` finds one worker by its boot.
_REGISTER = """
WITH superseded AS (
    UPDATE durableflow_core.worker SET tombstone_at = durableflow_core.now()
    WHERE boot = %(boot)s AND tombstone_at IS NULL
)
INSERT INTO durableflow_core.worker
    (id, boot, hostname, pid, queues, versions, lock_key, postmaster_at, started_at, seen_at)
VALUES (%(id)s, %(boot)s, %(hostname)s, %(pid)s, %(queues)s, %(versions)s, %(lock_key)s, pg_postmaster_start_time(),
        durableflow_core.now(), durableflow_core.now())
"""

_REJOIN = """
UPDATE durableflow_core.worker
SET lock_key = %(lock_key)s, postmaster_at = pg_postmaster_start_time(), seen_at = durableflow_core.now()
WHERE id = %(id)s AND tombstone_at IS NULL
"""

# Stopping is dying by one's own word: what is still claimed is rescued at once, and nothing can be claimed any more.
_LEAVE = """
UPDATE durableflow_core.worker
SET stopped_at = durableflow_core.now(), tombstone_at = durableflow_core.now(), holds = '{}'
WHERE id = %(id)s AND tombstone_at IS NULL
"""


def hold_lock(conn: Connection, key: int) -> None:
    """Take the session lock whose loss tells the leader that this connection is gone. The key must be a fresh one: the
    server may still hold the old one for a connection that broke."""
    conn.execute("SELECT pg_advisory_lock(%s)", (key,))


def register(
    conn: Connection,
    worker_id: UUID,
    *,
    boot: UUID,
    hostname: str,
    pid: int,
    queues: Sequence[str],
    versions: Sequence[str],
    lock_key: int | None,
) -> None:
    """Insert the worker, alive from now on.

    versions: what it can advance, as ``name@version``; lock_key: of the session lock that it holds, None where it
    holds none, and only the full timeout can tell that it died.
    """
    conn.execute(
        _REGISTER,
        {
            "id": worker_id,
            "boot": boot,
            "hostname": hostname,
            "pid": pid,
            "queues": list(queues),
            "versions": list(versions),
            "lock_key": lock_key,
        },
    )


def rejoin(conn: Connection, worker_id: UUID, *, lock_key: int | None) -> bool:
    """The worker goes on under another connection, and perhaps another life of the server. False: it was declared dead
    meanwhile, or never got registered; it needs a new id."""
    return conn.execute(_REJOIN, {"id": worker_id, "lock_key": lock_key}).rowcount == 1


def leave(conn: Connection, worker_id: UUID) -> bool:
    """The worker has stopped. False: it had been declared dead before."""
    return conn.execute(_LEAVE, {"id": worker_id}).rowcount == 1
