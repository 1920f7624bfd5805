"""cancel: running -> cancelled, a decision like every other: it takes the next rev.

Steps that have not begun are cancelled with the run; running ones are marked abandoned and end without a retry. Their
bodies are not interrupted: whoever completes one later finds the next rev taken, and launches nothing.
"""

from uuid import UUID

from psycopg import Rollback
from psycopg.errors import UniqueViolation

from durableflow.store.advance import abandon
from durableflow.store.successor import Connection

_NEWEST = """
SELECT r.state, (SELECT max(rev) FROM durableflow_core.checkpoint WHERE run_id = r.id)
FROM durableflow_core.run AS r WHERE r.id = %(run_id)s
"""

_CANCEL = """
WITH prev AS (
    SELECT run_id FROM durableflow_core.checkpoint WHERE run_id = %(run_id)s AND rev = %(rev)s FOR KEY SHARE
), next AS (
    INSERT INTO durableflow_core.checkpoint (run_id, rev, kind, created_at)
    SELECT run_id, %(rev)s + 1, 'cancel', durableflow_core.now() FROM prev
    RETURNING run_id
), quiet AS (
    DELETE FROM durableflow_core.wake AS w USING next WHERE w.run_id = next.run_id
), ended AS (
    UPDATE durableflow_core.run AS r
    SET state = 'cancelled', finished_at = durableflow_core.now(), parked_reason = NULL
    FROM next WHERE r.id = next.run_id AND r.state = 'running'
    RETURNING r.id
)
SELECT count(*) FROM ended
"""


def cancel(conn: Connection, run_id: UUID) -> bool | None:
    """Cancel the run. False: it had ended already, in whatever way; None: there is no such run."""
    while True:
        row = conn.execute(_NEWEST, {"run_id": run_id}).fetchone()
        if row is None:
            return None
        state, rev = row
        if state != "running":
            return False
        landed = False
        try:
            with conn.transaction() as transaction:
                # Steps before the checkpoint, as everywhere: whoever completes one of them inserts a checkpoint next.
                abandon(conn, run_id, rev)
                ended = conn.execute(_CANCEL, {"run_id": run_id, "rev": rev}).fetchone()
                landed = ended is not None and bool(ended[0])
                if not landed:
                    raise Rollback(transaction)
        except UniqueViolation:
            continue  # the run moved on between the two statements: decide again on where it stands now
        if landed:
            return True
