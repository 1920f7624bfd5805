"""event: durable messages from outside to a run. ``send`` keeps one until the run receives it.

An event is taken in the transaction that ends the wait for it, and, where nothing else is waited for, moves the run on
(`advance`). Whoever sends leaves a wake; a run that begins to wait looks for events in the transaction of its
checkpoint (`look_again`): neither can miss the other.
"""

from dataclasses import dataclass
from datetime import datetime
from typing import Literal
from uuid import UUID

from durableflow.codec import Encoded
from durableflow.store.messages import Message, advance_message
from durableflow.store.start import Execute
from durableflow.store.successor import Connection

_GRACE = 2.0

_SEND = """
WITH target AS (
    SELECT id, queue, priority FROM durableflow_core.run WHERE id = %(run_id)s::uuid AND state = 'running'
), sent AS (
    INSERT INTO durableflow_core.event (run_id, name, event_id, payload, sent_by, sent_at)
    SELECT id, %(name)s, %(event_id)s, %(payload)s::json, %(sent_by)s, durableflow_core.now() FROM target
    ON CONFLICT (run_id, event_id) WHERE event_id IS NOT NULL DO NOTHING
    RETURNING run_id
), large AS (
    INSERT INTO durableflow_core.value (run_id, hash, body)
    SELECT sent.run_id, v.hash, v.body::json
    FROM sent, unnest(%(hashes)s::text[], %(bodies)s::text[]) AS v(hash, body)
    ON CONFLICT DO NOTHING
), woken AS (
    INSERT INTO durableflow_core.wake (run_id, reason, due_at, visible_at)
    SELECT run_id, 'event', durableflow_core.now(), durableflow_core.now() + make_interval(secs => %(grace)s) FROM sent
)
SELECT t.queue, t.priority, (SELECT count(*) FROM sent) FROM target AS t
"""

_STATE = "SELECT state FROM durableflow_core.run WHERE id = %(run_id)s::uuid"

_UNRECEIVED = """
SELECT id, name, payload::text, event_id, sent_by, sent_at, extract(epoch FROM sent_at)::float8
FROM durableflow_core.event
WHERE run_id = %(run_id)s AND name = %(name)s AND id > %(after)s AND received_at IS NULL AND rejected_at IS NULL
ORDER BY id LIMIT 1
"""

_REJECT = """
UPDATE durableflow_core.event SET rejected_at = durableflow_core.now(), rejection = %(reason)s
WHERE run_id = %(run_id)s AND id = %(id)s AND received_at IS NULL AND rejected_at IS NULL
"""

_RECEIVE = """
UPDATE durableflow_core.event
SET received_at = durableflow_core.now(), received_rev = %(rev)s, received_index = %(index)s
WHERE run_id = %(run_id)s AND id = %(id)s AND received_at IS NULL AND rejected_at IS NULL
"""


@dataclass(frozen=True, slots=True)
class Event:
    """One that was sent. payload: codec text; at: seconds, to be compared with the ends of steps."""

    id: int
    name: str
    payload: str
    event_id: str | None
    sent_by: str | None
    sent_at: datetime
    at: float


@dataclass(frozen=True, slots=True)
class Sent:
    """What a send came to. kept: False where an event of this id was sent before; message: what to publish after the
    commit, None where nothing is to be."""

    kept: bool
    message: Message | None


def send(
    execute: Execute,
    run_id: UUID,
    name: str,
    payload: Encoded,
    *,
    event_id: str | None,
    sent_by: str | None,
    publishes: bool,
) -> Sent | Literal["unknown", "ended"]:
    """Keep an event for a run. publishes: the caller publishes the message right after the commit. ``unknown``, or
    ``ended``: the run takes none."""
    parameters = {
        "run_id": str(run_id),
        "name": name,
        "event_id": event_id,
        "payload": payload.text,
        "sent_by": sent_by,
        "hashes": list(payload.blobs),
        "bodies": list(payload.blobs.values()),
        "grace": _GRACE if publishes else 0.0,
    }
    rows = execute(_SEND, parameters)
    if not rows:
        return "ended" if execute(_STATE, {"run_id": str(run_id)}) else "unknown"
    queue, priority, kept = rows[0]
    if not kept:
        return Sent(False, None)
    return Sent(True, advance_message(run_id, str(queue), int(str(priority))))


def unreceived(conn: Connection, run_id: UUID, name: str, after: int = 0) -> Event | None:
    """The oldest of the run's events of a name that nobody has received; after: the row of one to begin behind."""
    row = conn.execute(_UNRECEIVED, {"run_id": run_id, "name": name, "after": after}).fetchone()
    return None if row is None else Event(*row)


def reject(conn: Connection, run_id: UUID, event: Event, reason: str) -> bool:
    """Set an event aside that does not fit what is waited for. False: it was received or set aside before."""
    parameters = {"run_id": run_id, "id": event.id, "reason": reason.replace("\x00", "\\x00")}
    return conn.execute(_REJECT, parameters).rowcount == 1


def receive(conn: Connection, run_id: UUID, event_row: int, rev: int, index: int) -> bool:
    """Give an event to the step that waits for it. False: somebody was faster."""
    parameters = {"run_id": run_id, "id": event_row, "rev": rev, "index": index}
    return conn.execute(_RECEIVE, parameters).rowcount == 1
