"""attempts: what the end of an attempt depends on, for whoever ends it without having claimed it."""

from dataclasses import dataclass
from uuid import UUID

from durableflow.store.messages import StepId
from durableflow.store.successor import Connection


@dataclass(frozen=True, slots=True)
class Running:
    """A running attempt. failures: of the attempts before it; options: of its call, a codec text; run_queue, priority:
    where and how the run is advanced; workflow: of its run; attempt: its number."""

    name: str
    failures: int
    options: str | None
    run_queue: str
    run_priority: int
    workflow: str
    attempt: int
    idempotency_key: str


_RUNNING = """
SELECT s.name, s.failures, s.options::text, r.queue, r.priority, r.workflow, s.attempt,
       coalesce(s.idempotency_key, s.run_id || ':' || s.rev || ':' || s.index)
FROM durableflow_core.step AS s JOIN durableflow_core.run AS r ON r.id = s.run_id
WHERE s.run_id = %(run_id)s AND s.rev = %(rev)s AND s.index = %(index)s AND s.state = 'running' AND s.claim = %(token)s
"""


def running(conn: Connection, step: StepId, token: UUID) -> Running | None:
    """The attempt that runs under this token. None: it has ended."""
    parameters = {"run_id": step.run_id, "rev": step.rev, "index": step.index, "token": token}
    row = conn.execute(_RUNNING, parameters).fetchone()
    return None if row is None else Running(*row)
