"""release: running -> ready, for an attempt whose executor is gone. Too many losses: running -> failed.

The one way in which a lost attempt ends, whoever found it: the leader, of a dead worker (``rescue``), or a worker's
parent process, of a child of its own (``audit``). The update tests everything again that was true when the loss was
found: the step runs, under this very token, for this worker, and the worker is dead unless it gives the step back
itself. A step that completed in between is left alone.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Literal
from uuid import UUID

from durableflow.codec import encode
from durableflow.errors import StepLost
from durableflow.store.countdown import COUNTDOWN
from durableflow.store.following import ADMIT
from durableflow.store.messages import StepId
from durableflow.store.successor import Connection

Ending = Literal["ready", "failed", "cancelled"]


@dataclass(frozen=True, slots=True)
class Held:
    """A row of ``claim`` with what its step says. token: None where the step is not what the claim says it is; losses:
    those before this one; pid: of the process that runs, or ran, the body."""

    step: StepId
    worker_id: UUID
    pid: int
    token: UUID | None
    name: str | None
    losses: int
    hostname: str | None


HELD = """
SELECT c.run_id, c.rev, c.index, c.worker_id, c.pid, s.claim, s.name, s.losses, w.hostname
FROM durableflow_core.claim AS c
LEFT JOIN durableflow_core.step AS s
    ON s.run_id = c.run_id AND s.rev = c.rev AND s.index = c.index AND s.state = 'running' AND s.worker_id = c.worker_id
LEFT JOIN durableflow_core.worker AS w ON w.id = c.worker_id
"""
"""Claims with their steps; a caller adds WHERE and ORDER BY, and reads the rows with ``held``."""

_STILL_LOST = """
s.run_id = %(run_id)s AND s.rev = %(rev)s AND s.index = %(index)s
AND s.state = 'running' AND s.claim = %(token)s AND s.worker_id = %(worker_id)s
AND (%(own)s OR NOT EXISTS (
    SELECT FROM durableflow_core.worker AS w WHERE w.id = s.worker_id AND w.tombstone_at IS NULL))
"""

_NOTE = """
, noted AS (
    INSERT INTO durableflow_core.attempt
        (run_id, rev, index, attempt, outcome, worker_id, hostname, started_at, finished_at)
    SELECT run_id, rev, index, attempt, 'lost', %(worker_id)s, %(hostname)s, started_at, durableflow_core.now()
    FROM ours
    ON CONFLICT (run_id, rev, index, attempt) DO NOTHING
), unclaimed AS (
    DELETE FROM durableflow_core.claim AS c USING ours
    WHERE c.run_id = ours.run_id AND c.rev = ours.rev AND c.index = ours.index
)
"""

# A row in `ready` that should not be there must not stop the rescue: it is taken over.
_AGAIN = f"""
WITH ours AS (
    UPDATE durableflow_core.step AS s
    SET state = 'ready', losses = s.losses + 1, claim = NULL, worker_id = NULL
    WHERE {_STILL_LOST} AND s.abandoned_at IS NULL AND s.losses + 1 < %(max_losses)s
    RETURNING s.run_id, s.rev, s.index, s.name, s.queue, s.priority, s.attempt, s.started_at
){_NOTE}, again AS (
    INSERT INTO durableflow_core.ready AS r (run_id, rev, index, name, queue, priority, due_at)
    SELECT run_id, rev, index, name, queue, priority, durableflow_core.now() FROM ours
    ON CONFLICT (run_id, rev, index) DO UPDATE SET due_at = excluded.due_at, dispatched_at = NULL
)
SELECT count(*) FROM ours
"""

_EXHAUST = f"""
WITH ours AS (
    UPDATE durableflow_core.step AS s
    SET state = 'failed', losses = s.losses + 1, error = %(error)s::json, finished_at = durableflow_core.now()
    WHERE {_STILL_LOST} AND s.abandoned_at IS NULL AND s.losses + 1 >= %(max_losses)s
    RETURNING s.run_id, s.rev, s.index, s.shard, s.attempt, s.started_at, s.gate
){_NOTE}{COUNTDOWN}{ADMIT}, woken AS (
    INSERT INTO durableflow_core.wake (run_id, reason, rev, index, due_at, visible_at)
    SELECT run_id, 'step', rev, index, durableflow_core.now(), durableflow_core.now() FROM ours
)
SELECT count(*) FROM ours
"""

# Nobody waits for it any more: no retry, no error, and no wake.
_END_QUIETLY = f"""
WITH ours AS (
    UPDATE durableflow_core.step AS s
    SET state = 'cancelled', losses = s.losses + 1, finished_at = durableflow_core.now()
    WHERE {_STILL_LOST} AND s.abandoned_at IS NOT NULL
    RETURNING s.run_id, s.rev, s.index, s.attempt, s.started_at
){_NOTE}
SELECT count(*) FROM ours
"""

_TIDY = """
DELETE FROM durableflow_core.claim AS c
WHERE c.run_id = %(run_id)s AND c.rev = %(rev)s AND c.index = %(index)s AND c.worker_id = %(worker_id)s
  AND NOT EXISTS (
    SELECT FROM durableflow_core.step AS s
    WHERE s.run_id = c.run_id AND s.rev = c.rev AND s.index = c.index AND s.state = 'running'
      AND s.worker_id = c.worker_id)
"""


def held(rows: Sequence[Sequence[Any]]) -> list[Held]:
    """Read rows of ``HELD``."""
    return [Held(StepId(row[0], row[1], row[2]), row[3], row[4], row[5], row[6], row[7] or 0, row[8]) for row in rows]


def release(conn: Connection, lost: Held, *, max_losses: int, own: bool) -> Ending | None:
    """End a lost attempt, and give the step's new state.

    own: its own worker gives it back, and so need not be dead. ``ready``: another attempt may be taken now; ``failed``:
    the step has lost its worker ``max_losses`` times, and its run has a wake; ``cancelled``: nobody awaits it any more.
    None: it was not lost after all, or somebody else was faster.
    """
    if lost.token is None:
        _tidy(conn, lost)
        return None
    parameters = {
        "run_id": lost.step.run_id,
        "rev": lost.step.rev,
        "index": lost.step.index,
        "token": lost.token,
        "worker_id": lost.worker_id,
        "hostname": lost.hostname,
        "own": own,
        "max_losses": max_losses,
    }
    # `abandoned_at` is only ever set, never cleared: tried in this order, the three cannot miss a step between them.
    if _landed(conn, _AGAIN, parameters):
        return "ready"
    if _landed(conn, _EXHAUST, parameters | {"error": encode(lost_error(lost)).text}):
        return "failed"
    if _landed(conn, _END_QUIETLY, parameters):
        return "cancelled"
    return None


def _landed(conn: Connection, query: str, parameters: dict[str, object]) -> bool:
    row = conn.execute(query, parameters).fetchone()
    return row is not None and row[0] == 1


def lost_error(lost: Held) -> StepLost:
    """The error of a step that has lost its worker too often, this time included."""
    times = lost.losses + 1
    return StepLost(
        f"step {lost.name} lost its worker {times} time{'s' if times > 1 else ''}, the last one on "
        f"{lost.hostname or 'a host that is not known'} (process {lost.pid}): it is not tried again"
    )


def _tidy(conn: Connection, lost: Held) -> None:
    """Delete a claim whose step is not running for that worker: left there, it would stop every later claim."""
    conn.execute(
        _TIDY,
        {
            "run_id": lost.step.run_id,
            "rev": lost.step.rev,
            "index": lost.step.index,
            "worker_id": lost.worker_id,
        },
    )
