"""park: hold a run that no worker here can advance, with the reason where the views show it.

Its wakes sleep for ever; ``unpark`` gives them back when a worker that can run the version registers.
"""

from collections.abc import Sequence
from uuid import UUID

from durableflow.store.advance import Wake
from durableflow.store.successor import Connection

_PARK = """
WITH held AS (
    UPDATE durableflow_core.wake
    SET visible_at = 'infinity', leased_by = NULL, tries = greatest(tries - 1, 0)
    WHERE run_id = %(run_id)s AND id = ANY(%(wakes)s)
    RETURNING run_id
)
UPDATE durableflow_core.run AS r SET parked_reason = %(reason)s
FROM (SELECT DISTINCT run_id FROM held) AS h WHERE r.id = h.run_id AND r.state = 'running'
RETURNING r.id
"""


def park(conn: Connection, run_id: UUID, wakes: Sequence[Wake], reason: str) -> bool:
    """Put the leased wakes to sleep, and write down why. False: the run has ended meanwhile."""
    parameters = {"run_id": run_id, "wakes": [wake.id for wake in wakes], "reason": reason}
    return conn.execute(_PARK, parameters).fetchone() is not None
