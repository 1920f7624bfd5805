"""A real run as its tables have it, for the export: what it awaited, and how each of that ended."""

import json
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta
from typing import Any
from uuid import UUID

import psycopg

from durableflow import codec
from durableflow.errors import RunNotFound, SimulationError
from durableflow.language.launching import Place, Shape, own_steps
from durableflow.language.outcomes import Outcome
from durableflow.store.launch import INNER
from durableflow.testing.path import Part, path

Connection = psycopg.Connection[tuple[Any, ...]]

_RUN = """
SELECT r.workflow, r.version, r.state, r.input::text, r.output::text, r.error::text, r.created_at, r.deadline_at,
       v.filename
FROM durableflow_core.run AS r
LEFT JOIN durableflow_core.workflow_version AS v ON v.name = r.workflow AND v.version = r.version
WHERE r.id = %(run_id)s
"""

_CHECKPOINTS = """
SELECT rev, kind, awaits::text, created_at FROM durableflow_core.checkpoint WHERE run_id = %(run_id)s ORDER BY rev
"""

_STEPS = """
SELECT rev, index, name, kind, state, output::text, error::text, created_at, due_at, started_at, finished_at,
       abandoned_at, sources, shard, gate
FROM durableflow_core.step WHERE run_id = %(run_id)s ORDER BY rev, index
"""

_ATTEMPTS = """
SELECT rev, index, outcome, error::text FROM durableflow_core.attempt
WHERE run_id = %(run_id)s AND outcome <> 'snoozed' ORDER BY rev, index, attempt
"""

_EVENTS = """
SELECT name, payload::text, event_id, sent_by, sent_at, received_rev, rejected_at IS NOT NULL
FROM durableflow_core.event WHERE run_id = %(run_id)s ORDER BY id
"""

_VALUES = "SELECT hash, body::text FROM durableflow_core.value WHERE run_id = %(run_id)s"


@dataclass(frozen=True, slots=True)
class RecordedStep:
    """A row of ``step``. begun: it was begun, whatever became of it; trouble: its attempts that failed or were lost, as
    (outcome, error); the rest as there."""

    rev: int
    index: int
    name: str
    kind: str
    state: str
    output: str | None
    error: str | None
    created_at: datetime
    due_at: datetime | None
    started_at: datetime | None
    finished_at: datetime | None
    abandoned_at: datetime | None
    sources: list[int] | None
    shard: int | None
    gate: int | None
    begun: bool = False
    trouble: list[tuple[str, str | None]] = field(default_factory=list)

    @property
    def is_inner(self) -> bool:
        """Whether only other steps need it."""
        return self.shard == INNER

    def outcome(self) -> Outcome:
        """How it stands, for the await that looks at it."""
        end = self.abandoned_at or self.finished_at
        state = self.state if self.abandoned_at is None else "cancelled"
        return Outcome(state, self.output, self.error, None if end is None else end.timestamp())

    def part(self, app: str) -> Part:
        """As a path tells of it."""
        seconds, until = None, None
        if self.kind == "timer" and self.due_at is not None:
            # The row does not say whether a moment was asked for. Moments of people are whole seconds; those of rows
            # are not, so that a whole moment was named rather than counted.
            if self.due_at.microsecond == 0 != self.created_at.microsecond:
                until = self.due_at
            else:
                seconds = (self.due_at - self.created_at).total_seconds()
        return Part(self.name.removeprefix(f"{app}."), self.kind, self.begun, tuple(self.sources or ()), seconds, until)


@dataclass(frozen=True, slots=True)
class RecordedEvent:
    """A row of ``event``. rev: of the checkpoint that received it, None: none did."""

    name: str
    payload: str
    event_id: str | None
    by: str | None
    sent_at: datetime
    rev: int | None
    rejected: bool


@dataclass(frozen=True, slots=True)
class Await:
    """A checkpoint that awaits. rev; shape; at: when it was committed; steps: those that it launched."""

    rev: int
    shape: Shape
    at: datetime
    steps: list[RecordedStep]


@dataclass(frozen=True, slots=True)
class Recorded:
    """A run. awaits: what it awaited, in order; values: its large values by hash; filename: of its
    workflow's source, None where that was not stored; other fields as in the table."""

    run_id: UUID
    workflow: str
    version: str
    state: str
    input: str
    output: str | None
    error: str | None
    created_at: datetime
    deadline_at: datetime | None
    filename: str | None
    awaits: list[Await]
    events: list[RecordedEvent]
    values: Mapping[str, str]

    def decode(self, text: str) -> Any:
        """A stored value of this run. Raises CorruptValue, where its class is not imported among others."""
        return codec.decode(text, blobs=self.values)

    def path(self, app: str) -> list[str]:
        """As :attr:`SimulatedRun.path` has it. app: the application's name."""
        steps = {(step.rev, step.index): step for each in self.awaits for step in each.steps}
        parts: dict[Place, Part] = {place: step.part(app) for place, step in steps.items()}
        outcomes = {place: step.outcome() for place, step in steps.items()}
        awaits = [(each.rev, each.shape) for each in self.awaits]
        return path(awaits, parts, outcomes, self.values, cancelled=self.state == "cancelled")


def record(conn: Connection, run_id: UUID) -> Recorded:
    """Read a run. Raises RunNotFound; SimulationError for one that was redriven."""
    given = {"run_id": run_id}
    row = conn.execute(_RUN, given).fetchone()
    if row is None:
        raise RunNotFound(f"there is no run {run_id}")
    workflow, version, state, input_, output, error, created_at, deadline_at, filename = row
    checkpoints = conn.execute(_CHECKPOINTS, given).fetchall()
    if any(kind == "redrive" for _, kind, _, _ in checkpoints):
        raise SimulationError(f"run {run_id} was redriven, which a simulation cannot do: it cannot be exported")
    steps = [RecordedStep(*each) for each in conn.execute(_STEPS, given).fetchall()]
    by_place = {(step.rev, step.index): step for step in steps}
    for rev, index, outcome, text in conn.execute(_ATTEMPTS, given).fetchall():
        by_place[rev, index].trouble.append((outcome, text))
    awaits = [
        _await(rev, json.loads(shape), at, steps)
        for rev, kind, shape, at in checkpoints
        if kind == "advance" and shape is not None
    ]
    events = [RecordedEvent(*each) for each in conn.execute(_EVENTS, given).fetchall()]
    values: dict[str, str] = dict(conn.execute(_VALUES, given).fetchall())
    return Recorded(
        run_id,
        workflow,
        version,
        state,
        input_,
        output,
        error,
        created_at,
        deadline_at,
        filename,
        awaits,
        events,
        values,
    )


def _await(rev: int, shape: Shape, at: datetime, steps: Iterable[RecordedStep]) -> Await:
    """A checkpoint with its steps. What it launched and does not await was begun: the row says so only for as long as
    nobody has cancelled it."""
    own = set(own_steps(shape))
    mine = [step for step in steps if step.rev == rev]
    return Await(rev, shape, at, [replace(step, begun=not step.is_inner and step.index not in own) for step in mine])


def lasted(step: RecordedStep, siblings: Mapping[int, RecordedStep]) -> timedelta | None:
    """How long a step took since it could have begun. None: it has not ended, or nobody waited for its end."""
    if step.finished_at is None or step.state == "cancelled":
        return None
    begin = step.created_at
    if step.gate is not None and step.started_at is not None:
        begin = step.started_at
    needed = [siblings[index].finished_at for index in step.sources or () if index in siblings]
    begin = max([begin, *(moment for moment in needed if moment is not None)])
    return max(step.finished_at - begin, timedelta())
