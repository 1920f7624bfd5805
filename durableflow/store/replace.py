"""replace: running -> pending, for a task that replaced itself. Its step becomes a child run, and ends as that ends."""

from uuid import UUID

from durableflow.language.specs import StepSpec
from durableflow.store.children import child_ctes, child_messages, child_parameters
from durableflow.store.messages import Message, StepId
from durableflow.store.successor import Connection

_REPLACE = """
WITH next AS (
    UPDATE durableflow_core.step
    SET state = 'pending', kind = 'child', child_id = %(child_id)s
    WHERE run_id = %(run_id)s AND rev = %(rev)s AND index = %(index)s AND state = 'running' AND claim = %(token)s
          AND abandoned_at IS NULL
    RETURNING run_id, rev, index
), released AS (
    DELETE FROM durableflow_core.claim AS c USING next
    WHERE c.run_id = next.run_id AND c.rev = next.rev AND c.index = next.index
), {children}
SELECT count(*) FROM next
"""

_REPLACED = """
SELECT child_id = %(child_id)s FROM durableflow_core.step
WHERE run_id = %(run_id)s AND rev = %(rev)s AND index = %(index)s
"""


def replace(conn: Connection, step: StepId, token: UUID, spec: StepSpec) -> list[Message] | None:
    """Let the child in ``spec`` take the place of the attempt; gives what is to be published. None: fenced, or nobody
    waits for the step any more: then end it."""
    assert spec.child is not None
    key: dict[str, object] = {
        "run_id": step.run_id,
        "rev": step.rev,
        "index": step.index,
        "token": token,
        "child_id": spec.child.id,
    }
    blobs = spec.child.input.blobs or spec.child.variables.blobs
    query = _REPLACE.format(children=child_ctes(bool(blobs)))
    row = conn.execute(query, key | child_parameters([spec])).fetchone()
    return child_messages([spec], 1) if row is not None and row[0] else None


def was_replaced(conn: Connection, step: StepId, spec: StepSpec) -> bool:
    """Whether a replacement whose reply was lost had landed."""
    assert spec.child is not None
    parameters = {"run_id": step.run_id, "rev": step.rev, "index": step.index, "child_id": spec.child.id}
    row = conn.execute(_REPLACED, parameters).fetchone()
    return row is not None and bool(row[0])
