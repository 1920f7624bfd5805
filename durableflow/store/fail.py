"""fail: an attempt ends with an error. A retry is left: running -> ready, later. None is left: running -> failed.

A step that fails for good always leaves a wake: its error is raised at the workflow's await by ``advance``, at once
even where siblings are still at work (fail fast). The failed row is the dead letter, and stays.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from uuid import UUID

from durableflow.codec import Encoded
from durableflow.store.countdown import COUNTDOWN
from durableflow.store.following import ADMIT, ADMITTED, followers
from durableflow.store.messages import Message, StepId
from durableflow.store.successor import Connection


@dataclass(frozen=True, slots=True)
class Failed:
    """The attempt's end is in the table. final: the step has failed; wakes: the caller should advance the run now;
    messages: to be published, of what begins in its place."""

    final: bool
    wakes: bool
    messages: Sequence[Message] = ()


@dataclass(frozen=True, slots=True)
class Again:
    """What is different for the next attempt, where the task said so when it asked for a retry. input: its arguments;
    queue: where it goes."""

    input: Encoded | None = None
    queue: str | None = None


AS_BEFORE = Again()

_NOTE = """
, noted AS (
    INSERT INTO durableflow_core.attempt
        (run_id, rev, index, attempt, outcome, worker_id, hostname, started_at, finished_at, error, traceback)
    SELECT ours.run_id, ours.rev, ours.index, ours.attempt, %(outcome)s, ours.worker_id,
           (SELECT hostname FROM durableflow_core.worker WHERE id = ours.worker_id), ours.started_at,
           durableflow_core.now(), %(error)s::json, %(traceback)s
    FROM ours
), released AS (
    DELETE FROM durableflow_core.claim AS c USING ours
    WHERE c.run_id = ours.run_id AND c.rev = ours.rev AND c.index = ours.index
), large AS (
    INSERT INTO durableflow_core.value (run_id, hash, body)
    SELECT ours.run_id, v.hash, v.body::json
    FROM ours, unnest(%(hashes)s::text[], %(bodies)s::text[]) AS v(hash, body)
    ON CONFLICT DO NOTHING
)
"""

# An abandoned step ends without a retry: nobody waits for it any more.
_RETRY = f"""
WITH ours AS (
    UPDATE durableflow_core.step
    SET state = 'ready', failures = failures + %(counts)s, claim = NULL, worker_id = NULL, error = %(error)s::json,
        input = coalesce(%(input)s::json, input), queue = coalesce(%(queue)s, queue)
    WHERE run_id = %(run_id)s AND rev = %(rev)s AND index = %(index)s AND state = 'running' AND claim = %(token)s
          AND abandoned_at IS NULL
    RETURNING run_id, rev, index, name, queue, priority, attempt, started_at,
              (SELECT worker_id FROM durableflow_core.claim AS c
               WHERE c.run_id = %(run_id)s AND c.rev = %(rev)s AND c.index = %(index)s) AS worker_id
){_NOTE}, again AS (
    INSERT INTO durableflow_core.ready (run_id, rev, index, name, queue, priority, due_at)
    SELECT run_id, rev, index, name, queue, priority, durableflow_core.now() + make_interval(secs => %(delay)s)
    FROM ours
)
SELECT count(*) FROM ours
"""

_FINAL = f"""
WITH ours AS (
    UPDATE durableflow_core.step
    SET state = 'failed', failures = failures + 1, error = %(error)s::json, finished_at = durableflow_core.now()
    WHERE run_id = %(run_id)s AND rev = %(rev)s AND index = %(index)s AND state = 'running' AND claim = %(token)s
    RETURNING run_id, rev, index, shard, attempt, worker_id, started_at, abandoned_at, gate
){_NOTE}{COUNTDOWN}{ADMIT}, woken AS (
    INSERT INTO durableflow_core.wake (run_id, reason, rev, index, due_at, visible_at)
    SELECT ours.run_id, 'step', ours.rev, ours.index, durableflow_core.now(),
           durableflow_core.now() + interval '2 seconds'
    FROM ours WHERE abandoned_at IS NULL
    RETURNING 1
)
SELECT (SELECT count(*) FROM ours), (SELECT count(*) FROM woken), {ADMITTED}, (SELECT count(*) FROM done)
"""


def retry_later(
    conn: Connection,
    step: StepId,
    token: UUID,
    error: Encoded,
    *,
    traceback: str,
    delay: float,
    counts: bool = True,
    again: Again = AS_BEFORE,
) -> Failed | None:
    """Give the step back, due in ``delay`` seconds. counts: False for an attempt that put itself off (snoozed), which
    uses up no failure; again: what is different for the next attempt. None: fenced, or abandoned: then end it with
    ``fail_for_good``."""
    parameters = _parameters(step, token, error, traceback)
    parameters |= {"delay": delay, "counts": int(counts), "outcome": "failed" if counts else "snoozed"}
    parameters |= {"input": None if again.input is None else again.input.text, "queue": again.queue}
    if again.input is not None:
        parameters["hashes"] = [*error.blobs, *again.input.blobs]
        parameters["bodies"] = [*error.blobs.values(), *again.input.blobs.values()]
    row = conn.execute(_RETRY, parameters).fetchone()
    return Failed(False, False) if row is not None and row[0] else None


def fail_for_good(conn: Connection, step: StepId, token: UUID, error: Encoded, *, traceback: str) -> Failed | None:
    """End the step as failed. None: fenced; the attempt was given to somebody else, or the step is over."""
    parameters = _parameters(step, token, error, traceback) | {"outcome": "failed"}
    row = conn.execute(_FINAL, parameters).fetchone()
    return Failed(True, bool(row[1]), followers(row[2], row[3])) if row is not None and row[0] else None


def _parameters(step: StepId, token: UUID, error: Encoded, traceback: str) -> dict[str, object]:
    return {
        "run_id": step.run_id,
        "rev": step.rev,
        "index": step.index,
        "token": token,
        "error": error.text,
        "traceback": traceback.replace("\x00", "\\x00"),
        "hashes": list(error.blobs),
        "bodies": list(error.blobs.values()),
    }
