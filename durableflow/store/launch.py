"""What a checkpoint launches: its steps, with their rows in ``ready``, their timers, join counters and children: SQL.

It hangs on a CTE ``next`` that has the new checkpoint (`successor`). A step's ``shard`` says what its end does: NULL,
it is awaited alone and moves the run on by itself; 0 and up, it counts down that counter of a join; WAKES, it has the
run look; INNER, it only lets those begin that need it. Counters from BUNDLES on are those of a *bundle*, of steps that
feed the same others: such a counter also knows how many of its steps have not succeeded, and those that they feed need
it instead of them.
"""

import math
from collections.abc import Sequence
from datetime import datetime
from functools import cache
from uuid import UUID

from durableflow.language.options import load
from durableflow.language.specs import StepSpec
from durableflow.store.children import child_ctes, child_messages, child_parameters
from durableflow.store.messages import Message, StepId, step_message

EAGER = 1000
"""So many steps of one await are published by whoever launches them: a window's worth, because a leader that was idle
looks only once a second, and the workers would wait for it. The leader sends the rest as the window allows."""

WAKES, INNER = -1, -2

BUNDLES = 1024
"""The first counter of a bundle."""

_LAST_SHARD = 32_767

_STEPS_PER_SHARD = 64
_MOST_SHARDS = 16


def shard_count(steps: int) -> int:
    """How many counters share a join of so many steps: 0 where the root row counts them all by itself."""
    return 0 if steps <= _STEPS_PER_SHARD else min(_MOST_SHARDS, math.ceil(steps / _STEPS_PER_SHARD))


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
        (run_id, rev, index, name, kind, state, shard, input, options, queue, priority, created_at, due_at, expires_at,
         begun, needs, sources, feeds, answers, errbacks, gate, child_id)
    SELECT next.run_id, next.rev, n.index, n.name, n.kind,
           CASE WHEN n.kind = 'task' AND n.sources IS NULL AND n.answers IS NULL AND NOT n.held THEN 'ready'
                ELSE 'pending' END,
           n.shard, n.input::json, n.options::json, n.queue, n.priority, durableflow_core.now(),
           coalesce(n.until, CASE WHEN n.kind <> 'task' OR (n.sources IS NULL AND n.answers IS NULL)
                                  THEN durableflow_core.now() + make_interval(secs => n.delay) END),
           coalesce(n.expires_at, CASE WHEN n.sources IS NULL AND n.answers IS NULL
                                       THEN durableflow_core.now() + make_interval(secs => n.expires) END),
           n.begun, n.needs, n.sources::int[], n.feeds::int[], n.answers::int[],
           n.errbacks::int[], n.gate, n.child_id
    FROM next, unnest(%(indexes)s::int[], %(names)s::text[], %(kinds)s::text[], %(shards)s::smallint[],
                      %(inputs)s::text[], %(options)s::text[], %(queues)s::text[], %(priorities)s::smallint[],
                      %(delays)s::float8[], %(untils)s::timestamptz[], %(expires)s::float8[],
                      %(expire_ats)s::timestamptz[], %(begun)s::bool[], %(needs)s::int[], %(sources)s::text[],
                      %(feeds)s::text[], %(answers)s::text[], %(errbacks)s::text[], %(gates)s::smallint[],
                      %(held)s::bool[], %(child_ids)s::uuid[])
        AS n(index, name, kind, shard, input, options, queue, priority, delay, until, expires, expires_at, begun,
             needs, sources, feeds, answers, errbacks, gate, held, child_id)
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
    SELECT run_id, rev, index, name, queue, priority, coalesce(due_at, durableflow_core.now()),
           CASE WHEN fits THEN durableflow_core.now() END, fits::int
    FROM (SELECT l.*, l.index < {eager} AND (l.due_at <= durableflow_core.now()) IS NOT FALSE AND NOT EXISTS (
              SELECT FROM durableflow_core.congestion AS g WHERE g.queue = l.queue) AS fits
          FROM launched AS l WHERE l.state = 'ready' OFFSET 0) AS task
    RETURNING index, dispatches
)"""

_TIMERS = """
timers AS (
    INSERT INTO durableflow_core.wake (run_id, reason, rev, index, due_at, visible_at)
    SELECT run_id, 'timer', rev, index, due_at, due_at FROM launched
    WHERE due_at IS NOT NULL AND kind <> 'task'
)"""

_JOIN = """
counters AS (
    INSERT INTO durableflow_core.join_counter (run_id, rev, shard, remaining, missing)
    SELECT next.run_id, next.rev, n.shard, n.remaining, CASE WHEN n.shard >= {bundles} THEN n.remaining END
    FROM next, unnest(%(counter_shards)s::smallint[], %(counter_values)s::int[]) AS n(shard, remaining)
)"""


def launch_sql(steps: Sequence[StepSpec]) -> str:
    """The CTEs that launch these steps, with only the parts that they need; begins with a comma."""
    if not steps:
        return ""
    children = [spec.child for spec in steps if spec.child is not None]
    return _ctes(
        _launch(steps),
        any(spec.kind != "task" and (spec.delay is not None or spec.until is not None) for spec in steps),
        any(spec.role == "joined" for spec in steps),
        bool(children),
        any(child.input.blobs or child.variables.blobs for child in children),
    )


@cache
def _ctes(launch: str, timers: bool, joins: bool, children: bool, child_values: bool) -> str:
    ctes = [launch, _SEND.format(eager=EAGER)]
    if timers:
        ctes.append(_TIMERS)
    if joins:
        ctes.append(_JOIN.format(bundles=BUNDLES))
    if children:
        ctes.append(child_ctes(child_values))
    return "," + ",".join(ctes)


def launched(steps: Sequence[StepSpec]) -> str:
    """The column that ``launch_messages`` reads."""
    return "ARRAY(SELECT index FROM sent WHERE dispatches = 1)" if steps else "NULL"


def _launch(steps: Sequence[StepSpec]) -> str:
    if any(_special(spec) for spec in steps):
        return _LAUNCH_ANY
    return _LAUNCH_ONE if len(steps) == 1 and steps[0].role == "alone" else _LAUNCH_MANY


def _special(spec: StepSpec) -> bool:
    """Whether it needs columns that a step which is simply awaited leaves at their defaults."""
    return (
        spec.begun
        or bool(spec.needs)
        or bool(spec.feeds)
        or bool(spec.answers)
        or bool(spec.errbacks)
        or spec.gate is not None
        or spec.until is not None
        or spec.child is not None
        or '"sending"' in spec.options
    )


def launch_parameters(steps: Sequence[StepSpec]) -> dict[str, object]:
    """The parameters of ``launch_sql``."""
    return _step_parameters(steps) | child_parameters(steps) if steps else {}


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
    shards, counts, needs = _shards(steps)
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
        "counter_shards": list(counts),
        "counter_values": list(counts.values()),
    }
    if launch == _LAUNCH_ANY:
        expiries = [_expiry(spec) for spec in steps]
        parameters |= {
            "untils": [spec.until for spec in steps],
            "expires": [seconds for seconds, _ in expiries],
            "expire_ats": [moment for _, moment in expiries],
            "answers": [_array(spec.answers) for spec in steps],
            "errbacks": [_array(spec.errbacks) for spec in steps],
            "begun": [spec.begun for spec in steps],
            "needs": needs,
            "sources": [_array(spec.needs) for spec in steps],
            "feeds": [_array(spec.feeds) for spec in steps],
            "gates": [spec.gate for spec in steps],
            "held": [spec.held for spec in steps],
            "child_ids": [None if spec.child is None else spec.child.id for spec in steps],
        }
    return parameters


def _shards(steps: Sequence[StepSpec]) -> tuple[list[int | None], dict[int, int], list[int]]:
    """The shard of each step; what the counters begin with, the root first; and how much each step needs: steps, or
    counters of bundles."""
    shards: list[int | None] = [_PLAIN.get(spec.role) for spec in steps]
    needs = [len(spec.needs) for spec in steps]
    joined = [place for place, spec in enumerate(steps) if spec.role == "joined"]
    counts = {0: 0}
    bundles = _bundles(steps, joined)
    places = {spec.index: place for place, spec in enumerate(steps)} if bundles else {}
    first = BUNDLES
    for feeds, bundle in bundles.items():
        count = shard_count(len(bundle))
        if first + count > _LAST_SHARD:
            break
        for position, place in enumerate(bundle):
            _put(shards, counts, place, first + position % count)
        for index in feeds:
            needs[places[index]] += count - len(bundle)
        first += count
    rest = [place for place in joined if shards[place] is None]
    spread = shard_count(len(rest)) or int(len(counts) > 1)
    for position, place in enumerate(rest):
        _put(shards, counts, place, 1 + position % spread if spread else 0)
    if len(counts) > 1:
        counts[0] = len(counts) - 1
    return shards, counts, needs


_PLAIN: dict[str, int] = {"wakes": WAKES, "inner": INNER}


def _put(shards: list[int | None], counts: dict[int, int], place: int, shard: int) -> None:
    shards[place] = shard
    counts[shard] = counts.get(shard, 0) + 1


def _bundles(steps: Sequence[StepSpec], joined: Sequence[int]) -> dict[tuple[int, ...], list[int]]:
    """Those among the joined steps that feed the same others, where they are many: their places, by what they feed."""
    found: dict[tuple[int, ...], list[int]] = {}
    for place in joined:
        if steps[place].feeds:
            found.setdefault(tuple(steps[place].feeds), []).append(place)
    return {feeds: places for feeds, places in found.items() if shard_count(len(places)) > 0}


def _expiry(spec: StepSpec) -> tuple[float | None, datetime | None]:
    """After how many seconds, or when, a task does not begin any more."""
    if '"expires"' not in spec.options:
        return None, None
    said = load(spec.options).sending
    expires = None if said is None else said.expires
    return (None, datetime.fromisoformat(expires)) if isinstance(expires, str) else (expires, None)


def _array(indexes: Sequence[int]) -> str | None:
    return "{" + ",".join(map(str, indexes)) + "}" if indexes else None


def launch_messages(run_id: UUID, rev: int, steps: Sequence[StepSpec], sent: Sequence[int] | None) -> list[Message]:
    """The messages of those steps that may go to the broker at once, and of children; sent: the column ``launched``."""
    by_index = {spec.index: spec for spec in steps}
    messages = [_message(StepId(run_id, rev, index), by_index[index]) for index in sent or ()]
    return messages + child_messages(steps, EAGER)


def _message(step: StepId, spec: StepSpec) -> Message:
    return step_message(step, spec.name, spec.queue, spec.priority, 1, spec.options)
