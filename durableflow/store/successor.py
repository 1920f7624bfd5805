"""The one way in which a run moves on: the insert of rev + 1 and of all that is born of it, as SQL to be shared.

A transition supplies a CTE named ``gate`` that has a row if, and only if, it may move the run on (the step was still
ours, the wakes are still there). Everything else hangs on it:

- ``prev`` locks the checkpoint that is left FOR KEY SHARE: a worker that was frozen while old checkpoints were pruned
  finds nothing, and cannot insert a rev that existed before;
- the primary key (run_id, rev) makes two successors impossible: the loser's statement fails with UniqueViolation;
- a suspended run's steps, their ``ready`` rows, timers and join counters, or a finished run's last state, are in the
  same statement, hence in the same commit.

An await that looks at something that was not born with it (a step that was begun before, an event) needs one thing
more: whoever ends that may have looked at the run just before this commit, and found that nobody waits for it.
``look_again`` answers that, in the same transaction.

Nothing here publishes: the messages of the steps that may go to the broker at once are given back, for afterwards.

A step's ``shard`` says what its end does: NULL, it is awaited alone and moves the run on by itself; 0 and up, it counts
down that counter of a join; WAKES, it has the run look; INNER, it only lets those begin that need it.
"""

import math
from collections.abc import Sequence
from dataclasses import dataclass
from functools import cache
from typing import Any
from uuid import UUID

import psycopg

from durableflow.language.options import load
from durableflow.language.specs import StepSpec
from durableflow.language.turn import Fail, Finish, Suspend
from durableflow.store.children import child_ctes, child_messages, child_parameters
from durableflow.store.messages import Message, StepId, advance_message, step_message

Turn = Suspend | Finish | Fail

EAGER = 1000
"""So many steps of one await are published by whoever launches them: a window's worth, because a leader that was idle
looks only once a second, and the workers would wait for it. The leader sends the rest as the window allows."""

WAKES, INNER = -1, -2

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
    INSERT INTO durableflow_core.checkpoint
        (run_id, rev, kind, state, line, variables, awaits, frames, opens, created_at)
    SELECT run_id, %(rev)s + 1, %(next_kind)s, %(state)s, %(line)s, %(variables)s::json, %(awaits)s::json,
           %(frames)s::json, %(opens)s, durableflow_core.now()
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

# One step that is awaited alone is by far the most frequent: scalars are cheaper than arrays, on both sides.
_LAUNCH_ONE = """
launched AS (
    INSERT INTO durableflow_core.step
        (run_id, rev, index, name, kind, state, input, options, queue, priority, created_at, due_at)
    SELECT next.run_id, next.rev, %(launch_index)s, %(name)s, %(kind)s,
           CASE %(kind)s WHEN 'task' THEN 'ready' ELSE 'pending' END,
           %(input)s::json, %(options)s::json, %(queue)s, %(priority)s, durableflow_core.now(),
           durableflow_core.now() + make_interval(secs => %(delay)s::float8)
    FROM next
    RETURNING run_id, rev, index, name, kind, state, queue, priority, due_at
)"""

_LAUNCH_MANY = """
launched AS (
    INSERT INTO durableflow_core.step
        (run_id, rev, index, name, kind, state, shard, input, options, queue, priority, created_at, due_at)
    SELECT next.run_id, next.rev, n.index, n.name, n.kind, CASE n.kind WHEN 'task' THEN 'ready' ELSE 'pending' END,
           n.shard, n.input::json, n.options::json, n.queue, n.priority, durableflow_core.now(),
           durableflow_core.now() + make_interval(secs => n.delay)
    FROM next, unnest(%(indexes)s::int[], %(names)s::text[], %(kinds)s::text[], %(shards)s::smallint[],
                      %(inputs)s::text[], %(options)s::text[], %(queues)s::text[], %(priorities)s::smallint[],
                      %(delays)s::float8[])
        AS n(index, name, kind, shard, input, options, queue, priority, delay)
    RETURNING run_id, rev, index, name, kind, state, queue, priority, due_at
)"""

_LAUNCH_ANY = """
launched AS (
    INSERT INTO durableflow_core.step
        (run_id, rev, index, name, kind, state, shard, input, options, queue, priority, created_at, due_at, begun,
         needs, sources, feeds, gate, child_id)
    SELECT next.run_id, next.rev, n.index, n.name, n.kind,
           CASE WHEN n.kind = 'task' AND n.sources IS NULL AND NOT n.held THEN 'ready' ELSE 'pending' END,
           n.shard, n.input::json, n.options::json, n.queue, n.priority, durableflow_core.now(),
           coalesce(n.until, durableflow_core.now() + make_interval(secs => n.delay)), n.begun,
           coalesce(cardinality(n.sources::int[]), 0), n.sources::int[], n.feeds::int[], n.gate, n.child_id
    FROM next, unnest(%(indexes)s::int[], %(names)s::text[], %(kinds)s::text[], %(shards)s::smallint[],
                      %(inputs)s::text[], %(options)s::text[], %(queues)s::text[], %(priorities)s::smallint[],
                      %(delays)s::float8[], %(untils)s::timestamptz[], %(begun)s::bool[], %(sources)s::text[],
                      %(feeds)s::text[], %(gates)s::smallint[], %(held)s::bool[], %(child_ids)s::uuid[])
        AS n(index, name, kind, shard, input, options, queue, priority, delay, until, begun, sources, feeds, gate,
             held, child_id)
    RETURNING run_id, rev, index, name, kind, state, queue, priority, due_at
), waiting AS (
    INSERT INTO durableflow_core.queued (run_id, rev, gate, index)
    SELECT next.run_id, next.rev, n.gate, n.index
    FROM next, unnest(%(indexes)s::int[], %(gates)s::smallint[], %(held)s::bool[]) AS n(index, gate, held) WHERE n.held
)"""

_SEND = """
sent AS (
    INSERT INTO durableflow_core.ready
        (run_id, rev, index, name, queue, priority, due_at, dispatched_at, dispatches)
    SELECT run_id, rev, index, name, queue, priority, durableflow_core.now(),
           CASE WHEN fits THEN durableflow_core.now() END, fits::int
    FROM (SELECT l.*, l.index < {eager} AND NOT EXISTS (
              SELECT FROM durableflow_core.congestion AS g WHERE g.queue = l.queue) AS fits
          FROM launched AS l WHERE l.state = 'ready' OFFSET 0) AS task
    RETURNING index, dispatches
)"""

_TIMERS = """
timers AS (
    INSERT INTO durableflow_core.wake (run_id, reason, rev, index, due_at, visible_at)
    SELECT run_id, 'timer', rev, index, due_at, due_at FROM launched WHERE due_at IS NOT NULL
)"""

_JOIN = """
counters AS (
    INSERT INTO durableflow_core.join_counter (run_id, rev, shard, remaining)
    SELECT next.run_id, next.rev, n.shard, n.remaining
    FROM next, unnest(%(counter_shards)s::smallint[], %(counter_values)s::int[]) AS n(shard, remaining)
)"""

# A child's parent is told by a wake: never two runs in one transaction, but for the insert of something new.
_END = """
ended AS (
    UPDATE durableflow_core.run AS r
    SET state = %(run_state)s, output = %(run_output)s::json, error = %(run_error)s::json,
        finished_at = durableflow_core.now(), parked_reason = NULL
    FROM next WHERE r.id = next.run_id AND r.state = 'running'
    RETURNING r.parent_id, r.parent_rev, r.parent_index
), quiet AS (
    DELETE FROM durableflow_core.wake AS w USING next WHERE w.run_id = next.run_id
)"""

TELL = """
told AS (
    INSERT INTO durableflow_core.wake (run_id, reason, rev, index, due_at, visible_at)
    SELECT parent_id, 'child', parent_rev, parent_index, durableflow_core.now(),
           durableflow_core.now() + interval '2 seconds'
    FROM ended WHERE parent_id IS NOT NULL
    RETURNING run_id
)"""

TOLD = """(
    SELECT json_build_array(p.id, p.queue, p.priority)
    FROM told JOIN durableflow_core.run AS p ON p.id = told.run_id)"""


@dataclass(frozen=True, slots=True)
class Parts:
    """What a turn needs of the statement."""

    suspends: bool
    values: bool = False
    launches: str = ""
    timers: bool = False
    joins: bool = False
    children: bool = False
    child_values: bool = False


def _parts(turn: Turn) -> Parts:
    if not isinstance(turn, Suspend):
        value = turn.output if isinstance(turn, Finish) else turn.error
        return Parts(False, bool(value.blobs))
    steps = turn.steps
    children = [spec.child for spec in steps if spec.child is not None]
    return Parts(
        True,
        bool(turn.variables.blobs) or any(spec.input.blobs for spec in steps),
        _launch(steps),
        any(spec.delay is not None or spec.until is not None for spec in steps),
        any(spec.role == "joined" for spec in steps),
        bool(children),
        any(child.input.blobs or child.variables.blobs for child in children),
    )


def _launch(steps: Sequence[StepSpec]) -> str:
    if not steps:
        return ""
    if any(_special(spec) for spec in steps):
        return _LAUNCH_ANY
    return _LAUNCH_ONE if len(steps) == 1 and steps[0].role == "alone" else _LAUNCH_MANY


def _special(spec: StepSpec) -> bool:
    """Whether it needs columns that a step which is simply awaited leaves at their defaults."""
    return (
        spec.begun
        or bool(spec.needs)
        or bool(spec.feeds)
        or spec.gate is not None
        or spec.until is not None
        or spec.child is not None
    )


@cache
def successor_ctes(parts: Parts) -> str:
    """The CTEs that follow a transition's ``gate``, with only the parts that this turn needs."""
    ctes = [_PREV, _CHECKPOINT]
    if parts.values:
        ctes.append(_VALUES)
    if not parts.suspends:
        return ",".join([*ctes, _END, TELL])
    if parts.launches:
        ctes += [parts.launches, _SEND.format(eager=EAGER)]
    if parts.timers:
        ctes.append(_TIMERS)
    if parts.joins:
        ctes.append(_JOIN)
    if parts.children:
        ctes.append(child_ctes(parts.child_values))
    return ",".join(ctes)


def successor_sql(turn: Turn) -> str:
    """The CTEs for this turn."""
    return successor_ctes(_parts(turn))


def successor_result(turn: Turn) -> str:
    """The columns that ``moved`` reads."""
    if not isinstance(turn, Suspend):
        return f"(SELECT count(*) FROM next), {TOLD}"
    if not turn.steps:
        return "(SELECT count(*) FROM next), NULL"
    return "(SELECT count(*) FROM next), ARRAY(SELECT index FROM sent WHERE dispatches = 1)"


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
            "frames": turn.frames,
            "opens": turn.opens,
        }
        blobs = dict(turn.variables.blobs)
        for spec in turn.steps:
            blobs.update(spec.input.blobs)
        parameters |= _step_parameters(turn.steps)
        parameters |= child_parameters(turn.steps)
    else:
        finishes = isinstance(turn, Finish)
        value = turn.output if isinstance(turn, Finish) else turn.error
        parameters |= {
            "next_kind": "finish" if finishes else "fail",
            "state": None,
            "line": None,
            "variables": None,
            "awaits": None,
            "frames": None,
            "opens": 0,
            "run_state": "succeeded" if finishes else "failed",
            "run_output": value.text if finishes else None,
            "run_error": None if finishes else value.text,
        }
        blobs = dict(value.blobs)
    parameters["hashes"] = list(blobs)
    parameters["bodies"] = list(blobs.values())
    return parameters


def _step_parameters(steps: Sequence[StepSpec]) -> dict[str, object]:
    launch = _launch(steps)
    if launch == _LAUNCH_ONE:
        spec = steps[0]
        return {
            "launch_index": spec.index,  # the transition has an index of its own
            "name": spec.name,
            "kind": spec.kind,
            "input": spec.input.text,
            "options": spec.options,
            "queue": spec.queue,
            "priority": spec.priority,
            "delay": spec.delay,
        }
    shards, counts = _shards(steps)
    parameters: dict[str, object] = {
        "indexes": [spec.index for spec in steps],
        "names": [spec.name for spec in steps],
        "kinds": [spec.kind for spec in steps],
        "shards": shards,
        "inputs": [spec.input.text for spec in steps],
        "options": [spec.options for spec in steps],
        "queues": [spec.queue for spec in steps],
        "priorities": [spec.priority for spec in steps],
        "delays": [spec.delay for spec in steps],
        "counter_shards": list(range(len(counts))),
        "counter_values": counts,
    }
    if launch == _LAUNCH_ANY:
        parameters |= {
            "untils": [spec.until for spec in steps],
            "begun": [spec.begun for spec in steps],
            "sources": [_array(spec.needs) for spec in steps],
            "feeds": [_array(spec.feeds) for spec in steps],
            "gates": [spec.gate for spec in steps],
            "held": [spec.held for spec in steps],
            "child_ids": [None if spec.child is None else spec.child.id for spec in steps],
        }
    return parameters


def _shards(steps: Sequence[StepSpec]) -> tuple[list[int | None], list[int]]:
    """The shard of each step, and what the counters begin with, the root first."""
    joined = sum(spec.role == "joined" for spec in steps)
    count = shard_count(joined)
    found: list[int | None] = []
    shares = [0] * (count + 1)
    for spec in steps:
        shard: int | None
        match spec.role:
            case "alone":
                shard = None
            case "joined":
                shard = 1 + sum(shares) % count if count else 0
                shares[shard] += 1
            case "wakes":
                shard = WAKES
            case "inner":
                shard = INNER
        found.append(shard)
    if count:
        shares[0] = count
    return found, shares


def _array(indexes: Sequence[int]) -> str | None:
    return "{" + ",".join(map(str, indexes)) + "}" if indexes else None


def moved(row: Sequence[Any], run_id: UUID, rev: int, turn: Turn) -> Moved | None:
    """Read ``successor_result``'s columns. None: the gate was shut, or the checkpoint that is left is gone."""
    count, sent = row[0], row[1]
    if count == 0:
        return None
    if not isinstance(turn, Suspend):
        return Moved(rev + 1, told(sent), True)
    by_index = {spec.index: spec for spec in turn.steps}
    messages = [_message(StepId(run_id, rev + 1, index), by_index[index]) for index in sent or ()]
    return Moved(rev + 1, messages + child_messages(turn.steps, EAGER), False)


def told(parent: Sequence[Any] | None) -> list[Message]:
    """The message that has a parent look, from the column ``TOLD``."""
    return [] if parent is None else [advance_message(UUID(parent[0]), parent[1], parent[2])]


def _message(step: StepId, spec: StepSpec) -> Message:
    timeout = load(spec.options).timeout if '"timeout"' in spec.options else None
    return step_message(step, spec.name, spec.queue, spec.priority, 1, timeout)


Connection = psycopg.Connection[tuple[Any, ...]]

_LOCK_RUN = "SELECT FROM durableflow_core.run WHERE id = %(run_id)s FOR NO KEY UPDATE"

_LOOK_AGAIN = """
INSERT INTO durableflow_core.wake (run_id, reason, due_at, visible_at)
SELECT %(run_id)s, 'look', durableflow_core.now(), durableflow_core.now() + interval '2 seconds'
WHERE EXISTS (
    SELECT FROM durableflow_core.step AS s, unnest(%(revs)s::int[], %(indexes)s::int[]) AS o(rev, index)
    WHERE s.run_id = %(run_id)s AND s.rev = o.rev AND s.index = o.index
      AND (s.finished_at IS NOT NULL OR s.abandoned_at IS NOT NULL)
) OR EXISTS (
    SELECT FROM durableflow_core.event AS e
    WHERE e.run_id = %(run_id)s AND e.name = ANY(%(events)s) AND e.received_at IS NULL AND e.rejected_at IS NULL)
RETURNING 1
"""


def looks_outside(turn: Turn) -> bool:
    """Whether the new await looks at something that was not born with it: then call ``look_again``."""
    return isinstance(turn, Suspend) and (bool(turn.outside) or turn.listens)


def lock_run(conn: Connection, run_id: UUID) -> None:
    """Keep others from deciding that a wake of this run is about nothing, or wait for those who are at it."""
    conn.execute(_LOCK_RUN, {"run_id": run_id})


def look_again(conn: Connection, run_id: UUID, turn: Turn) -> bool:
    """After the successor's statement, in its transaction: leave a wake if what the await looks at is there already.

    Whoever ended it left a wake too, but that may have been looked at before this await was committed. Both sides lock
    the run's row: either that one sees this checkpoint, or this sees what that one did. True: there is a wake.
    """
    assert isinstance(turn, Suspend)
    lock_run(conn, run_id)
    parameters = {
        "run_id": run_id,
        "revs": [place[0] for place in turn.outside],
        "indexes": [place[1] for place in turn.outside],
        "events": [spec.name for spec in turn.steps if spec.kind == "receive"],
    }
    return conn.execute(_LOOK_AGAIN, parameters).fetchone() is not None
