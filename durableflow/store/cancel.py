"""cancel: running -> cancelled, a decision like every other: it takes the next rev.

Steps that have not begun are cancelled with the run; running ones are marked abandoned and end without a retry. Their
bodies are not interrupted: whoever completes one later finds the next rev taken, and launches nothing. Children that
were not told to outlive the run are cancelled in turn, and a parent is told, each by a wake of its own.
"""

from dataclasses import dataclass, field
from uuid import UUID

from psycopg import Rollback
from psycopg.errors import UniqueViolation

from durableflow.store.abandon import abandon_run
from durableflow.store.messages import Message
from durableflow.store.successor import TELL, TOLD, Connection, told

_NEWEST = """
SELECT r.state, (SELECT max(rev) FROM durableflow_core.checkpoint WHERE run_id = r.id)
FROM durableflow_core.run AS r WHERE r.id = %(run_id)s
"""

_CANCEL = (
    """
WITH prev AS (
    SELECT run_id FROM durableflow_core.checkpoint WHERE run_id = %(run_id)s AND rev = %(rev)s FOR KEY SHARE
), next AS (
    INSERT INTO durableflow_core.checkpoint (run_id, rev, kind, created_at)
    SELECT run_id, %(rev)s + 1, 'cancel', durableflow_core.now() FROM prev
    RETURNING run_id
), quiet AS (
    DELETE FROM durableflow_core.wake AS w USING next WHERE w.run_id = next.run_id RETURNING w.reason
), ended AS (
    UPDATE durableflow_core.run AS r
    SET state = 'cancelled', finished_at = durableflow_core.now(), parked_reason = NULL
    FROM next WHERE r.id = next.run_id AND r.state = 'running'
    RETURNING r.parent_id, r.parent_rev, r.parent_index
),"""
    + TELL
    + f"SELECT (SELECT count(*) FROM ended), {TOLD}, EXISTS (SELECT FROM quiet WHERE reason = 'cancel')"
)


@dataclass(frozen=True, slots=True)
class Cancelled:
    """What a cancel came to. landed: False where the run had ended already, in whatever way; messages: to be published,
    for its parent and its children."""

    landed: bool
    messages: list[Message] = field(default_factory=list)


def cancel(conn: Connection, run_id: UUID, *, for_parent: bool = False) -> Cancelled | None:
    """Cancel the run. for_parent: a wake asks for it; a parent that wants its child again takes that back, and then
    nothing is done. None: there is no such run."""
    while True:
        row = conn.execute(_NEWEST, {"run_id": run_id}).fetchone()
        if row is None:
            return None
        state, rev = row
        if state != "running":
            return Cancelled(False)
        landed = called_off = False
        messages: list[Message] = []
        try:
            with conn.transaction() as transaction:
                # Steps before the checkpoint, as everywhere: whoever completes one of them inserts a checkpoint next.
                messages = abandon_run(conn, run_id)
                ended = conn.execute(_CANCEL, {"run_id": run_id, "rev": rev}).fetchone()
                landed = ended is not None and bool(ended[0])
                called_off = ended is not None and for_parent and not ended[2]
                messages += told(ended[1]) if ended is not None else []
                if called_off or not landed:
                    raise Rollback(transaction)
        except UniqueViolation:
            continue  # the run moved on between the two statements: decide again on where it stands now
        if called_off:
            return Cancelled(False)
        if landed:
            return Cancelled(True, messages)
