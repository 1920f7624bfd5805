"""audit: what a worker's own children are said to be executing."""

from uuid import UUID

from durableflow.store.release import HELD, Held, held
from durableflow.store.successor import Connection

_OWN = HELD + "WHERE c.worker_id = %(worker_id)s ORDER BY c.run_id, c.rev, c.index"


def own_claims(conn: Connection, worker_id: UUID) -> list[Held]:
    """The claims of one worker, each with the pid that took it."""
    return held(conn.execute(_OWN, {"worker_id": worker_id}).fetchall())
