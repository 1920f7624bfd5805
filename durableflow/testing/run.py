"""SimulatedRun: the handle of a run in a simulation. It answers as that of a real one does, and tells more."""

import json
from collections.abc import Sequence
from typing import Any, Generic, TypeVar
from uuid import UUID

from durableflow.errors import ResultTimeout, RunCancelled, RunFailed
from durableflow.language.results import described
from durableflow.testing.engine import Engine
from durableflow.testing.path import Part, path
from durableflow.testing.receiving import send
from durableflow.testing.state import Execution, StepRecord, Work

T_co = TypeVar("T_co", covariant=True)


class SimulatedRun(Generic[T_co]):
    """A run in a simulation. Nothing happens to it but by the simulation's ``run``, ``run_until`` and ``advance``."""

    def __init__(self, run: Execution, engine: Engine) -> None:
        self._run = run
        self._engine = engine

    @property
    def id(self) -> UUID:
        """The run's id."""
        return self._run.id

    @property
    def workflow(self) -> str:
        """The registered name of its workflow."""
        return self._run.name

    # --- as of a real run

    @property
    def state(self) -> str:
        """running, succeeded, failed or cancelled."""
        return self._run.state

    def result(self) -> T_co:
        """What the workflow returned.

        Raises RunFailed with the workflow's own exception as ``__cause__``; RunCancelled; ResultTimeout where the run
        has not ended.
        """
        run = self._run
        if run.state == "cancelled":
            raise RunCancelled(f"run {run.id} of {run.name} was cancelled")
        if run.output is not None:
            result: T_co = run.decode(run.output)
            return result
        if run.error is not None:
            error = run.decode(run.error)
            raise RunFailed(f"run {run.id} of {run.name} failed: {described(error)}") from error
        raise ResultTimeout(
            f"run {run.id} of {run.name} has not ended: it waits for {self.waiting_for}. sim.run() runs it to its end, "
            "sim.advance() lets time pass"
        )

    def send(
        self,
        name: str,
        payload: Any = None,
        *,
        id: str | None = None,  # noqa: A002 - what senders call it
        by: str | None = None,
    ) -> bool:
        """Send the run an event, as ``Run.send`` does. Gives False where one of this id was sent before.

        Raises RunEnded, InvalidEvent, NotStorable, ValueTooLarge.
        """
        return send(self._engine, self._run, name, payload, id, by)

    def cancel(self) -> bool:
        """Cancel the run. Gives False where it had ended. Its children are cancelled when the simulation goes on."""
        return self._engine.cancel(self._run)

    # --- what a test wants to know

    @property
    def waiting_for(self) -> str | None:
        """What the run waits for, in words. None: it has ended."""
        run = self._run
        if run.state != "running":
            return None
        works = self._engine.open_steps(run)
        if run.looks or not works:
            return "a step that was cancelled before it began" if self._is_dead else "a worker"
        return ", ".join(map(_waiting, works))

    @property
    def _is_dead(self) -> bool:
        return not self._run.looks and self._run.checkpoints[-1].awaits is not None

    @property
    def receives(self) -> tuple[str, ...]:
        """The names of the events that it waits for now."""
        works = self._engine.open_steps(self._run) if self._run.state == "running" else []
        return tuple(work.spec.name for work in works if work.spec.kind == "receive")

    @property
    def rev(self) -> int:
        """The number of its checkpoint: how many awaits it has come to."""
        return self._run.checkpoints[-1].rev

    @property
    def children(self) -> "list[SimulatedRun[Any]]":
        """The runs that it started as steps, in their order. Those that are mocked are no runs."""
        return [SimulatedRun(child, self._engine) for child in self._run.children]

    @property
    def steps(self) -> Sequence[StepRecord]:
        """All attempts of its steps, in the order in which they began."""
        return tuple(self._run.records)

    @property
    def path(self) -> list[str]:
        """What the workflow has awaited and begun, a line each, with errors and the winners of races; see the module
        ``durableflow.testing.path``."""
        run = self._run
        parts = {place: _part(work) for place, work in run.works.items()}
        outcomes = {place: work.outcome() for place, work in run.works.items()}
        awaits = [(checkpoint.rev, json.loads(checkpoint.awaits or "null")) for checkpoint in run.checkpoints[1:]]
        return path(awaits, parts, outcomes, run.values, cancelled=run.state == "cancelled")

    @property
    def lines(self) -> list[str]:
        """The lines of source at which the workflow has awaited something, in order."""
        stored = self._run.definition.machine.stored
        source = stored.source.splitlines()
        places = [checkpoint.line - stored.first_line for checkpoint in self._run.checkpoints[1:]]
        return [source[place].strip() for place in places if 0 <= place < len(source)]

    def __repr__(self) -> str:
        waits = f", waiting for {self.waiting_for}" if self.state == "running" else ""
        return f"<simulated run of {self.workflow}, {self.state}{waits}>"

    def __eq__(self, other: object) -> bool:
        return self._run is other._run if isinstance(other, SimulatedRun) else NotImplemented

    def __hash__(self) -> int:
        return hash(self.id)


def _part(work: Work) -> Part:
    spec = work.spec
    begun = spec.begun and spec.role != "inner"
    return Part(work.run.short(spec.name), spec.kind, begun, spec.needs, spec.delay, spec.until)


def _waiting(work: Work) -> str:
    name, until = work.run.short(work.spec.name), "" if work.due_at is None else f" {work.due_at:%Y-%m-%d %H:%M:%S}"
    match work.spec.kind:
        case "timer":
            return f"sleep until{until}"
        case "receive":
            return f"event {name}{' until' if until else ''}{until}"
        case "child":
            return f"child run of {name}"
    if work.state == "ready":
        return f"{name} (attempt {work.attempt + 1}{' due at' if until else ''}{until})"
    return f"{name} (attempt {work.attempt} {work.state})" if work.state == "running" else name
