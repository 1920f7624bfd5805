"""claim: ready -> running. Take one attempt of a step.

The fence is a random token made *before* the claim. A reply that got lost is asked for again under the same token and
finds what landed; two attempts never share a fence, even where PostgreSQL forgot a claim in a crash. That is why a
claim need not wait for the disk: losing one costs a repeated execution, which the promise allows, never a wrong record.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any
from uuid import UUID

import psycopg

from durableflow.store.messages import StepId


@dataclass(frozen=True, slots=True)
class Standing:
    """Where a run stands: the newest checkpoint, as stored. line counts in the workflow's file."""

    state: int
    line: int
    variables: str
    awaits: str
    frames: str | None
    opens: int

    @property
    def checkpoint(self) -> tuple[int, int, str, str, str | None, int]:
        """The fields after the rev, as a turn takes them."""
        return self.state, self.line, self.variables, self.awaits, self.frames, self.opens


@dataclass(frozen=True, slots=True)
class Claimed:
    """An attempt that is ours.

    attempt: 1 for the first; failures, losses: of the attempts before this one; input, options: codec texts; shard:
    what the step's end does (`launch`), None where it is awaited alone; feeds, gated: whether others may begin because
    they need it, or because it leaves them its place; sources: the indexes of the steps whose results it is given;
    results: those results, codec texts by index, where they are few; answers: of those one of whose failures it is
    told; expired: it came too late to begin; standing: the checkpoint that awaits it, given only to a step that is
    awaited alone and was never lost, because only such a step may advance its run by itself.
    """

    step: StepId
    token: UUID
    name: str
    attempt: int
    failures: int
    losses: int
    input: str
    options: str | None
    idempotency_key: str
    queue: str
    priority: int
    shard: int | None
    workflow: str
    version: str
    run_queue: str
    run_priority: int
    feeds: bool
    gated: bool
    sources: Sequence[int]
    results: Mapping[int, str] | None
    answers: Sequence[int]
    expired: bool
    standing: Standing | None


_CLAIM = """
WITH me AS (
    SELECT id FROM durableflow_core.worker
    WHERE boot = %(boot)s AND tombstone_at IS NULL
), taken AS (
    DELETE FROM durableflow_core.ready USING me
    WHERE run_id = %(run_id)s AND rev = %(rev)s AND index = %(index)s AND due_at <= durableflow_core.now()
    RETURNING run_id, rev, index, me.id AS worker_id
), started AS (
    UPDATE durableflow_core.step AS s
    SET state = 'running', claim = %(token)s, worker_id = taken.worker_id, attempt = s.attempt + 1,
        started_at = durableflow_core.now()
    FROM taken
    WHERE s.run_id = taken.run_id AND s.rev = taken.rev AND s.index = taken.index AND s.state = 'ready'
    RETURNING s.*
), noted AS (
    INSERT INTO durableflow_core.claim (run_id, rev, index, worker_id, pid, claimed_at)
    SELECT run_id, rev, index, worker_id, %(pid)s, durableflow_core.now() FROM started
)
"""

_COLUMNS = """
SELECT s.name, s.attempt, s.failures, s.losses, s.input::text, s.options::text, s.idempotency_key, s.queue, s.priority,
       s.shard, r.workflow, r.version, r.queue, r.priority, s.feeds IS NOT NULL, s.gate IS NOT NULL, s.sources,
       CASE WHEN cardinality(s.sources) <= 8 THEN (
           SELECT array_agg(p.index || ':' || p.output) FROM durableflow_core.step AS p
           WHERE p.run_id = s.run_id AND p.rev = s.rev AND p.index = ANY(s.sources) AND p.state = 'succeeded') END,
       s.answers, (s.expires_at <= durableflow_core.now()) IS TRUE,
       c.state, c.line, c.variables::text, c.awaits::text, c.frames::text, c.opens,
       set_config('synchronous_commit', 'off', true)
FROM {source} AS s
JOIN durableflow_core.run AS r ON r.id = s.run_id
LEFT JOIN durableflow_core.checkpoint AS c
    ON s.shard IS NULL AND s.losses = 0 AND c.run_id = s.run_id AND c.rev = s.rev
"""

_CLAIM_ONE = _CLAIM + _COLUMNS.format(source="started")

_CLAIMED_BEFORE = _COLUMNS.format(source="durableflow_core.step") + (
    "WHERE s.run_id = %(run_id)s AND s.rev = %(rev)s AND s.index = %(index)s AND s.claim = %(token)s "
    "AND s.state = 'running'"
)


_GIVEN = """
SELECT index, output::text FROM durableflow_core.step
WHERE run_id = %(run_id)s AND rev = %(rev)s AND index = ANY(%(sources)s) AND state = 'succeeded'
"""


def given(conn: psycopg.Connection[tuple[Any, ...]], step: StepId, sources: Sequence[int]) -> dict[int, str]:
    """What the steps that a step needs have come to: codec texts by index."""
    parameters = {"run_id": step.run_id, "rev": step.rev, "sources": list(sources)}
    rows: list[tuple[Any, ...]] = conn.execute(_GIVEN, parameters).fetchall()
    return dict(rows)


_WANTED = """
SELECT FROM durableflow_core.step
WHERE run_id = %(run_id)s AND rev = %(rev)s AND index = %(index)s AND claim = %(token)s AND state = 'running'
  AND abandoned_at IS NULL
"""


def is_wanted(conn: psycopg.Connection[tuple[Any, ...]], step: StepId, token: UUID) -> bool:
    """Whether this attempt still holds the step, and its run waits for it."""
    parameters = {"run_id": step.run_id, "rev": step.rev, "index": step.index, "token": token}
    return conn.execute(_WANTED, parameters).fetchone() is not None


def claim(
    conn: psycopg.Connection[tuple[Any, ...]],
    step: StepId,
    token: UUID,
    *,
    boot: UUID,
    pid: int,
    repeated: bool = False,
) -> Claimed | None:
    """Take the step's next attempt under ``token``.

    boot: the worker process' own id, which a tombstone makes powerless; pid: of the process that will run the body;
    repeated: an earlier call with this very token may have landed. None: the message is stale or doubled, the step is
    not due, or this worker was declared dead; acknowledge and forget it.
    """
    parameters = {
        "run_id": step.run_id,
        "rev": step.rev,
        "index": step.index,
        "token": token,
        "boot": boot,
        "pid": pid,
    }
    row = conn.execute(_CLAIMED_BEFORE, parameters).fetchone() if repeated else None
    if row is None:
        row = conn.execute(_CLAIM_ONE, parameters).fetchone()
    if row is None:
        return None
    name, attempt, failures, losses, text, options, key, queue, priority, shard = row[:10]
    workflow, version, run_queue, run_priority, feeds, gated, sources, results, answers, expired = row[10:20]
    state, line, variables, *rest = row[20:26]
    return Claimed(
        step=step,
        token=token,
        name=name,
        attempt=attempt,
        failures=failures,
        losses=losses,
        input=text,
        options=options,
        idempotency_key=str(step) if key is None else key,
        queue=queue,
        priority=priority,
        shard=shard,
        workflow=workflow,
        version=version,
        run_queue=run_queue,
        run_priority=run_priority,
        feeds=feeds,
        gated=gated,
        sources=sources or (),
        results=None if results is None else _by_index(results),
        answers=answers or (),
        expired=bool(expired),
        standing=None if variables is None else Standing(state, line, variables, *rest),
    )


def _by_index(results: Sequence[str]) -> dict[int, str]:
    parts = (result.partition(":") for result in results)
    return {int(index): text for index, _, text in parts}
