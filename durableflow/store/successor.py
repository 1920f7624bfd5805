"""The one way in which a run moves on: the insert of rev + 1 and of all that is born of it, as SQL to be shared.

A transition supplies a CTE named ``gate`` that has a row if, and only if, it may move the run on (the step was still
ours, the wakes are still there). Everything else hangs on it:

- ``prev`` locks the checkpoint that is left FOR KEY SHARE: a worker that was frozen while old checkpoints were pruned
  finds nothing, and cannot insert a rev that existed before;
- the primary key (run_id, rev) makes two successors impossible: the loser's statement fails with UniqueViolation;
- a suspended run's steps, their ``ready`` rows, timers and join counters, or a finished run's last state, are in the
  same statement, hence in the same commit.

Nothing here publishes: the messages of the steps that may go to the broker at once are given back, for afterwards.
"""

import math
from collections.abc import Sequence
from dataclasses import dataclass
from functools import cache
from typing import Any
from uuid import UUID

import psycopg

from durableflow.language.options import load
from durableflow.language.turn import Fail, Finish, StepSpec, Suspend
from durableflow.store.messages import Message, StepId, step_message

Turn = Suspend | Finish | Fail

EAGER = 1000
"""So many steps of one await are published by whoever launches them: a window's worth, because a leader that was idle
looks only once a second, and the workers would wait for it. The leader sends the rest as the window allows."""

_STEPS_PER_SHARD = 64
_MOST_SHARDS = 16


@dataclass(frozen=True, slots=True)
class Moved:
    """The run is at rev now. messages: to be published; finished: the run has ended."""

    rev: int
    messages: Sequence[Message]
    finished: bool


def shard_count(steps: int) -> int:
    """How many counters share a join of so many steps: 0 where the root row counts them all by itself."""
    return 0 if steps <= _STEPS_PER_SHARD else min(_MOST_SHARDS, math.ceil(steps / _STEPS_PER_SHARD))


_PREV = """
prev AS (
    SELECT c.run_id FROM durableflow_core.checkpoint AS c, gate
    WHERE c.run_id = %(run_id)s AND c.rev = %(rev)s
    FOR KEY SHARE OF c
)"""

_CHECKPOINT = """
next AS (
    INSERT INTO durableflow_core.checkpoint (run_id, rev, kind, state, line, variables, awaits, created_at)
    SELECT run_id, %(rev)s + 1, %(next_kind)s, %(state)s, %(line)s, %(variables)s::json, %(awaits)s::json,
           durableflow_core.now()
    FROM prev
    RETURNING run_id, rev
)"""

_VALUES = """
large AS (
    INSERT INTO durableflow_core.value (run_id, hash, body)
    SELECT prev.run_id, v.hash, v.body::json
    FROM prev, unnest(%(hashes)s::text[], %(bodies)s::text[]) AS v(hash, body)
    ON CONFLICT DO NOTHING
)"""

_LAUNCH = """
launched AS (
    INSERT INTO durableflow_core.step
        (run_id, rev, index, name, kind, state, shard, input, options, queue, priority, created_at, due_at)
    SELECT next.run_id, next.rev, n.index, n.name, n.kind, CASE n.kind WHEN 'task' THEN 'ready' ELSE 'pending' END,
           n.shard, n.input::json, n.options::json, n.queue, n.priority, durableflow_core.now(),
           durableflow_core.now() + make_interval(secs => n.delay)
    FROM next, {steps} AS n(index, name, kind, shard, input, options, queue, priority, delay)
    RETURNING run_id, rev, index, name, kind, queue, priority, due_at
), sent AS (
    INSERT INTO durableflow_core.ready
        (run_id, rev, index, name, queue, priority, due_at, dispatched_at, dispatches)
    SELECT run_id, rev, index, name, queue, priority, durableflow_core.now(),
           CASE WHEN fits THEN durableflow_core.now() END, fits::int
    FROM (SELECT l.*, l.index < {eager} AND NOT EXISTS (
              SELECT FROM durableflow_core.congestion AS g WHERE g.queue = l.queue) AS fits
          FROM launched AS l WHERE l.kind = 'task' OFFSET 0) AS task
    RETURNING index, dispatches
)"""

_ONE_STEP = """(VALUES (0, %(name)s::text, %(kind)s::text, NULL::smallint, %(input)s::text, %(options)s::text,
                 %(queue)s::text, %(priority)s::smallint, %(delay)s::float8))"""

_MANY_STEPS = """unnest(%(indexes)s::int[], %(names)s::text[], %(kinds)s::text[], %(shards)s::smallint[],
                      %(inputs)s::text[], %(options)s::text[], %(queues)s::text[], %(priorities)s::smallint[],
                      %(delays)s::float8[])"""

_TIMERS = """
timers AS (
    INSERT INTO durableflow_core.wake (run_id, reason, rev, index, due_at, visible_at)
    SELECT run_id, 'timer', rev, index, due_at, due_at FROM launched WHERE kind = 'timer'
)"""

_JOIN = """
counters AS (
    INSERT INTO durableflow_core.join_counter (run_id, rev, shard, remaining)
    SELECT next.run_id, next.rev, n.shard, n.remaining
    FROM next, unnest(%(counter_shards)s::smallint[], %(counter_values)s::int[]) AS n(shard, remaining)
)"""

_END = """
ended AS (
    UPDATE durableflow_core.run AS r
    SET state = %(run_state)s, output = %(run_output)s::json, error = %(run_error)s::json,
        finished_at = durableflow_core.now(), parked_reason = NULL
    FROM next WHERE r.id = next.run_id AND r.state = 'running'
), quiet AS (
    DELETE FROM durableflow_core.wake AS w USING next WHERE w.run_id = next.run_id
)"""


@cache
def successor_ctes(suspends: bool, has_values: bool, has_timers: bool, joins: bool) -> str:
    """The CTEs that follow a transition's ``gate``, with only the parts that this turn needs."""
    parts = [_PREV, _CHECKPOINT]
    if has_values:
        parts.append(_VALUES)
    if suspends:
        # One step is by far the most frequent: scalars are cheaper than arrays, on both sides.
        parts.append(_LAUNCH.format(steps=_MANY_STEPS if joins else _ONE_STEP, eager=EAGER))
        if has_timers:
            parts.append(_TIMERS)
        if joins:
            parts.append(_JOIN)
    else:
        parts.append(_END)
    return ",".join(parts)


def successor_sql(turn: Turn) -> str:
    """The CTEs for this turn."""
    if isinstance(turn, Suspend):
        return successor_ctes(
            True,
            bool(turn.variables.blobs) or any(spec.input.blobs for spec in turn.steps),
            any(spec.kind == "timer" for spec in turn.steps),
            len(turn.steps) > 1,
        )
    value = turn.output if isinstance(turn, Finish) else turn.error
    return successor_ctes(False, bool(value.blobs), False, False)


def successor_result(turn: Turn) -> str:
    """The columns that ``moved`` reads."""
    if isinstance(turn, Suspend):
        return "(SELECT count(*) FROM next), ARRAY(SELECT index FROM sent WHERE dispatches = 1)"
    return "(SELECT count(*) FROM next), NULL"


def successor_parameters(run_id: UUID, rev: int, turn: Turn) -> dict[str, object]:
    """The parameters of ``successor_sql``; rev: the one that is left."""
    parameters: dict[str, object] = {"run_id": run_id, "rev": rev}
    if isinstance(turn, Suspend):
        parameters |= {
            "next_kind": "advance",
            "state": turn.state,
            "line": turn.line,
            "variables": turn.variables.text,
            "awaits": turn.awaits,
        }
        blobs = dict(turn.variables.blobs)
        for spec in turn.steps:
            blobs.update(spec.input.blobs)
        parameters |= _step_parameters(turn.steps)
    else:
        finishes = isinstance(turn, Finish)
        value = turn.output if isinstance(turn, Finish) else turn.error
        parameters |= {
            "next_kind": "finish" if finishes else "fail",
            "state": None,
            "line": None,
            "variables": None,
            "awaits": None,
            "run_state": "succeeded" if finishes else "failed",
            "run_output": value.text if finishes else None,
            "run_error": None if finishes else value.text,
        }
        blobs = dict(value.blobs)
    parameters["hashes"] = list(blobs)
    parameters["bodies"] = list(blobs.values())
    return parameters


def _step_parameters(steps: Sequence[StepSpec]) -> dict[str, object]:
    if len(steps) == 1:
        spec = steps[0]
        return {
            "name": spec.name,
            "kind": spec.kind,
            "input": spec.input.text,
            "options": spec.options,
            "queue": spec.queue,
            "priority": spec.priority,
            "delay": spec.delay,
        }
    shards = shard_count(len(steps))
    shard_of = [1 + index % shards if shards else 0 for index in range(len(steps))]
    counts = [len(steps)] if shards == 0 else [shards, *(shard_of.count(n) for n in range(1, shards + 1))]
    return {
        "indexes": list(range(len(steps))),
        "names": [spec.name for spec in steps],
        "kinds": [spec.kind for spec in steps],
        "shards": shard_of,
        "inputs": [spec.input.text for spec in steps],
        "options": [spec.options for spec in steps],
        "queues": [spec.queue for spec in steps],
        "priorities": [spec.priority for spec in steps],
        "delays": [spec.delay for spec in steps],
        "counter_shards": list(range(len(counts))),
        "counter_values": counts,
    }


def moved(row: Sequence[Any], run_id: UUID, rev: int, turn: Turn) -> Moved | None:
    """Read ``successor_result``'s columns. None: the gate was shut, or the checkpoint that is left is gone."""
    count, sent = row[0], row[1]
    if count == 0:
        return None
    if not isinstance(turn, Suspend):
        return Moved(rev + 1, (), True)
    return Moved(rev + 1, [_message(StepId(run_id, rev + 1, index), turn.steps[index]) for index in sent], False)


def _message(step: StepId, spec: StepSpec) -> Message:
    timeout = load(spec.options).timeout if '"timeout"' in spec.options else None
    return step_message(step, spec.name, spec.queue, spec.priority, 1, timeout)


Connection = psycopg.Connection[tuple[Any, ...]]
