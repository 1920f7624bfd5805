"""complete: running -> succeeded, for whoever still holds the claim's token.

A step that is awaited alone moves its run on in the same statement: outcome, rev + 1 and the steps that it launches are
one commit. A step of a join counts it down, and whoever counts the last one inserts the wake in the same transaction;
the siblings' outcomes are read by ``advance``, in a later statement, because one that waited for the counter would
still see them running.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any
from uuid import UUID

import psycopg
from psycopg import Rollback

from durableflow.codec import Encoded
from durableflow.language.turn import Suspend
from durableflow.store.abandon import abandon_steps
from durableflow.store.countdown import COUNTDOWN
from durableflow.store.faults import is_transient
from durableflow.store.following import ADMIT, ADMITTED, FED, FEED, FEED_AND_COUNT, followers
from durableflow.store.look_again import look_again, looks_outside
from durableflow.store.messages import Message, StepId
from durableflow.store.successor import (
    Connection,
    Moved,
    Turn,
    moved,
    successor_parameters,
    successor_result,
    successor_sql,
)


@dataclass(frozen=True, slots=True)
class Recorded:
    """The outcome is in the table. moved: the run went on with it; wakes: it was left a wake instead, or a join was
    emptied, so that the caller should advance the run now (False: siblings are still at work); messages: to be
    published, of what begins because of it."""

    moved: Moved | None
    wakes: bool
    messages: Sequence[Message] = ()


# The token stays in the row when the step has ended, so that a commit whose reply was lost can be recognised as ours.
_OUTCOME = """
WITH ours AS (
    UPDATE durableflow_core.step
    SET state = 'succeeded', output = %(output)s::json, finished_at = durableflow_core.now()
    WHERE run_id = %(run_id)s AND rev = %(rev)s AND index = %(index)s AND state = 'running' AND claim = %(token)s
    RETURNING run_id, rev, index, shard, abandoned_at, feeds, gate
), released AS (
    DELETE FROM durableflow_core.claim AS c USING ours
    WHERE c.run_id = ours.run_id AND c.rev = ours.rev AND c.index = ours.index
)
"""

_OUTPUT_VALUES = """
, kept AS (
    INSERT INTO durableflow_core.value (run_id, hash, body)
    SELECT ours.run_id, v.hash, v.body::json
    FROM ours, unnest(%(output_hashes)s::text[], %(output_bodies)s::text[]) AS v(hash, body)
    ON CONFLICT DO NOTHING
)
"""

_WAKE_IF_LAST = """
, woken AS (
    INSERT INTO durableflow_core.wake (run_id, reason, rev, index, due_at, visible_at)
    SELECT ours.run_id, 'join', ours.rev, ours.index, durableflow_core.now(),
           durableflow_core.now() + interval '2 seconds'
    FROM ours, done WHERE done.remaining = 0
    RETURNING 1
)
"""

# Not asked is whether the run has ended: then this is abandoned. A statement that waited for a redrive would see it so.
_WAKE = """
, woken AS (
    INSERT INTO durableflow_core.wake (run_id, reason, rev, index, due_at, visible_at)
    SELECT ours.run_id, 'step', ours.rev, ours.index, durableflow_core.now(),
           durableflow_core.now() + interval '2 seconds'
    FROM ours WHERE ours.abandoned_at IS NULL
    RETURNING 1
)
"""

_NO_WAKE = ", woken AS (SELECT 1 WHERE false) "

_WOKEN = "SELECT (SELECT count(*) FROM ours), (SELECT count(*) FROM woken)"

_GATE = ", gate AS (SELECT 1 FROM ours WHERE abandoned_at IS NULL), "

_LANDED = """
SELECT state = 'succeeded' FROM durableflow_core.step
WHERE run_id = %(run_id)s AND rev = %(rev)s AND index = %(index)s AND claim = %(token)s
"""


def complete_alone(conn: Connection, step: StepId, token: UUID, output: Encoded, turn: Turn) -> Recorded | None:
    """Record the outcome of a step that is awaited alone, and move its run on to ``turn``, in one commit.

    None: fenced; the attempt was given to somebody else or the step is over: drop the result, launch nothing. Where
    another decision took the next rev first (a cancel, say), the outcome is recorded by itself, with a wake.
    """
    outcome, parameters = _outcome(step, token, output)
    parameters |= successor_parameters(step.run_id, step.rev, turn)
    query = outcome + _GATE + successor_sql(turn) + f"SELECT {successor_result(turn)}, (SELECT count(*) FROM ours)"
    cancels = turn.cancels if isinstance(turn, Suspend) else ()
    messages: list[Message] = []
    looks = False
    try:
        if not (cancels or looks_outside(turn)):
            row = _one(conn, query, parameters)
        else:
            with conn.transaction() as transaction:
                # Before the step itself: these were launched by earlier checkpoints, and steps are locked in order.
                messages += abandon_steps(conn, step.run_id, cancels) if cancels else []
                row = _one(conn, query, parameters)
                if row[0] == 0:
                    raise Rollback(transaction)
                looks = looks_outside(turn) and look_again(conn, step.run_id, turn)
            if row[0] == 0:
                return None if row[2] == 0 else complete_outcome(conn, step, token, output)
    except psycopg.Error as error:
        # UniqueViolation: somebody else decided about the run first. Anything else that does not pass by itself must
        # not cost the step its outcome either: that is recorded, and the wake has the run looked at on its own.
        if is_transient(error):
            raise
        return complete_outcome(conn, step, token, output)
    if row[2] == 0:
        return None
    return Recorded(moved(row, step.run_id, step.rev, turn), looks, messages)


def complete_joined(
    conn: Connection, step: StepId, token: UUID, output: Encoded, *, feeds: bool = False, gated: bool = False
) -> Recorded | None:
    """Record the outcome of one step of a join and count it down. feeds: others may begin because they need it, gated:
    or because it leaves them its place; a step of a join never does both. None: fenced."""
    if feeds:
        return _record_and_follow(conn, step, token, output, FEED_AND_COUNT + _WAKE_IF_LAST, FED)
    if gated:
        return _record_and_follow(conn, step, token, output, COUNTDOWN + ADMIT + _WAKE_IF_LAST, ADMITTED)
    return _record(conn, step, token, output, COUNTDOWN + _WAKE_IF_LAST)


def complete_inner(conn: Connection, step: StepId, token: UUID, output: Encoded) -> Recorded | None:
    """Record the outcome of a step that only others need, which begin because of it. None: fenced."""
    return _record_and_follow(conn, step, token, output, FEED + _NO_WAKE, FED)


def complete_outcome(
    conn: Connection, step: StepId, token: UUID, output: Encoded, *, feeds: bool = False
) -> Recorded | None:
    """Record the outcome and a wake, without moving the run on: for a step of which the run has to see for itself what
    it means, for a worker that cannot run the workflow's code, for a step that was lost before, or after
    ``complete_alone`` could not be committed. feeds: others may begin because of it. None: fenced."""
    if feeds:
        return _record_and_follow(conn, step, token, output, FEED + _WAKE, FED)
    return _record(conn, step, token, output, _WAKE)


def was_completed(conn: Connection, step: StepId, token: UUID) -> bool:
    """Whether a commit whose reply was lost had landed: the step succeeded under this very token."""
    row = conn.execute(_LANDED, _key(step, token)).fetchone()
    return row is not None and bool(row[0])


def _record(conn: Connection, step: StepId, token: UUID, output: Encoded, tail: str) -> Recorded | None:
    outcome, parameters = _outcome(step, token, output)
    ours, woken = _one(conn, outcome + tail + _WOKEN, parameters)
    return Recorded(None, woken > 0) if ours else None


def _record_and_follow(
    conn: Connection, step: StepId, token: UUID, output: Encoded, tail: str, columns: str
) -> Recorded | None:
    outcome, parameters = _outcome(step, token, output)
    ours, woken, tasks, looks = _one(conn, f"{outcome}{tail}{_WOKEN}, {columns}", parameters)
    return Recorded(None, woken > 0, followers(tasks, looks)) if ours else None


def _outcome(step: StepId, token: UUID, output: Encoded) -> tuple[str, dict[str, object]]:
    """The statement's beginning, with its parameters. The output's large values belong to the step, not to what follows
    from it: an abandoned step's output is kept as well, and a redrive goes on with it."""
    parameters: dict[str, object] = {**_key(step, token), "output": output.text}
    if not output.blobs:
        return _OUTCOME, parameters
    parameters |= {"output_hashes": list(output.blobs), "output_bodies": list(output.blobs.values())}
    return _OUTCOME + _OUTPUT_VALUES, parameters


def _key(step: StepId, token: UUID) -> dict[str, object]:
    return {"run_id": step.run_id, "rev": step.rev, "index": step.index, "token": token}


def _one(conn: Connection, query: str, parameters: dict[str, object]) -> tuple[Any, ...]:
    row = conn.execute(query, parameters).fetchone()
    if row is None:
        raise AssertionError("a SELECT of aggregates gives one row")
    return tuple(row)
