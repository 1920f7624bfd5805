"""Simulation: the runs of an application in memory, in virtual time."""

from collections.abc import Callable, Iterable, Mapping
from datetime import UTC, datetime, timedelta
from typing import Any, TypeVar

from durableflow.client import Client
from durableflow.client.starting import new_run
from durableflow.errors import RunConflict, Stuck, UnknownDefinition
from durableflow.language import Call, Step, Workflow
from durableflow.language.registry import find
from durableflow.testing.agenda import Agenda
from durableflow.testing.engine import Engine
from durableflow.testing.mocks import NOTHING, Mock
from durableflow.testing.run import SimulatedRun
from durableflow.testing.state import Execution

T = TypeVar("T")

When = timedelta | datetime


class Simulation:
    """Runs an application's workflows in memory: compiled, advanced and stored as ever, without servers or waiting.

    df: the application; strict: whether every step has to be mocked, instead of running its own function; now: the time
    at which the simulation begins, by default the real one; most: how many things one call may do before it counts as
    running for ever. Settings such as DURABLEFLOW_MAX_LOSSES count as in production.
    """

    def __init__(self, df: Client, *, strict: bool = False, now: datetime | None = None, most: int = 100_000) -> None:
        if now is not None and now.tzinfo is None:
            raise ValueError(f"now={now.isoformat()} has no time zone: say which one is meant, as in tzinfo=UTC")
        self._df = df
        self._strict = strict
        self._most = most
        self._began = now or datetime.now(UTC)
        self._agenda = Agenda(self._began)
        self._mocks: dict[str, Mock] = {}
        self._engine = Engine(self._agenda, df.settings, self._mocks, strict)
        self._keys: dict[tuple[str, str], Execution] = {}
        self._started: list[Execution] = []

    @property
    def now(self) -> datetime:
        """The virtual time."""
        return self._agenda.now

    @property
    def runs(self) -> list[SimulatedRun[Any]]:
        """All runs, children too, in the order of their beginnings."""
        return [SimulatedRun(run, self._engine) for run in self._engine.runs]

    # --- mocks

    def mock(
        self,
        step: "Step[..., Any] | Workflow[..., Any] | str",
        *,
        returns: Any = NOTHING,
        raises: BaseException | type[BaseException] | None = None,
        calls: Callable[..., Any] | None = None,
        outcomes: Iterable[Any] | None = None,
        times: int | None = None,
        lost: int = 0,
        takes: float | timedelta = 0.0,
    ) -> None:
        """Say what a step comes to, instead of running its function. A later mock of the same step replaces this one,
        for what the workflow launches from then on.

        step: the step, its name, or a workflow that is awaited as a child; returns: its value; raises: its error;
        calls: a function that is called with the step's arguments, plain or ``async def``; outcomes: a value or error
        for each attempt in order, or LOST, HANGS, ``After(...)``, ``Attempts(...)``. times: only so many attempts raise
        ``raises``; lost: so many attempts lose their worker first; what comes after these is as the rest says, or the
        step's own function. takes: seconds or a timedelta, in virtual time, of each attempt.

        Errors are followed by retries as the step's policy says. Values and errors pass through their stored form.

        Raises UnknownStep, TypeError, ValueError.
        """
        definition = self._definition(step)
        is_step = isinstance(definition, Step)
        if lost and not is_step:
            raise TypeError(f"mock({definition.name!r}, lost=): a workflow has no worker that it could lose")
        own = definition.function if is_step and not self._strict else None
        self._mocks[definition.name] = Mock(
            definition.name,
            returns=returns,
            raises=raises,
            calls=calls,
            outcomes=outcomes,
            times=times,
            lost=lost,
            takes=takes,
            own=own,
        )

    def _definition(self, given: Any) -> "Step[..., Any] | Workflow[..., Any]":
        if isinstance(given, str):
            registry = self._df.registry
            for name in (given, f"{registry.app}.{given}"):
                try:
                    found = find(name, registry)
                except UnknownDefinition:
                    continue
                if isinstance(found, Step | Workflow):
                    return found
            return registry.step(given)  # raises, with the names that come closest
        if isinstance(given, Step | Workflow):
            return find(given.name, given.registry)  # type: ignore[return-value]  # also of a step with options
        raise TypeError(f"mock() takes a step, a workflow, or the name of one, not {given!r}")

    # --- runs

    def start(
        self,
        call: Call[T],
        *,
        key: str | None = None,
        labels: Mapping[str, str] | None = None,
        priority: int | None = None,
        deadline: When | None = None,
    ) -> SimulatedRun[T]:
        """Start a run of a call, as ``call.start()`` does. Its code runs when the simulation does.

        Raises InvalidInput, NotStorable, ValueTooLarge; RunConflict.
        """
        call._used = True
        if isinstance(deadline, timedelta):
            deadline = self.now + deadline
        new = new_run(call, self._df.settings, key=key, labels=labels, priority=priority, deadline=deadline)
        name = call.definition.name
        former = None if key is None else self._keys.get((name, key))
        if former is not None:
            if former.input_digest != new.input_digest:
                raise RunConflict(f"key {key!r} of workflow {name} already names a run with other input")
            return SimulatedRun(former, self._engine)
        run = self._engine.start(new, call.definition)
        self._started.append(run)
        if key is not None:
            self._keys[name, key] = run
        return SimulatedRun(run, self._engine)

    def execute(self, call: Call[T], *, deadline: When | None = None) -> T:
        """Start a run, run it to its end, and give its result. Raises what ``start``, ``run`` and ``result`` raise."""
        run = self.start(call, deadline=deadline)
        self.run()
        return run.result()

    # --- time

    def run(self) -> None:
        """Run until every run that was started has ended; time jumps to whatever comes next. Children that outlive
        those go on with ``advance``.

        Raises Stuck where nothing can happen any more; NotMocked; SimulationError where there is no end to it.
        """
        self._agenda.allow(self._most)
        while (upcoming := self._agenda.next_at()) is not None:
            if upcoming > self.now and all(run.state != "running" for run in self._started):
                return
            self._agenda.do_next()
        self._refuse_if_stuck([run for run in self._started if run.state == "running"])

    def run_until(self, when: When | Callable[[], Any]) -> None:
        """Run until a time has come, and all that it brings has happened.

        when: since the beginning of the simulation; or a datetime; or a function: until it gives something true.

        Raises Stuck where nothing can happen any more and the function still gives nothing true; ValueError for a time
        that has passed; what ``run`` raises.
        """
        self._agenda.allow(self._most)
        if callable(when):
            while not when():
                if self._agenda.next_at() is None:
                    self._refuse_if_stuck([run for run in self._started if run.state == "running"])
                    raise Stuck("nothing can happen any more: every run has ended, and its condition does not hold")
                self._agenda.do_next()
            return
        moment = self._moment(when)
        if moment < self.now:
            raise ValueError(f"it is {self.now.isoformat()} already, and time does not go back to {moment.isoformat()}")
        while (upcoming := self._agenda.next_at()) is not None and upcoming <= moment:
            self._agenda.do_next()
        self._agenda.now = moment

    def advance(self, duration: timedelta | float = 0.0) -> None:
        """Let time pass: seconds or a timedelta, from now. Without one, what is to be done now is done."""
        given = duration if isinstance(duration, timedelta) else timedelta(seconds=duration)
        self.run_until(self.now + given)

    def at(self, when: When, action: Callable[[], object]) -> None:
        """Have something done at a time: ``sim.at(timedelta(days=3), lambda: run.send("approval", form))``.

        when: since the beginning of the simulation, or a datetime.
        """
        self._agenda.at(self._moment(when), action)

    def _moment(self, when: When) -> datetime:
        return self._began + when if isinstance(when, timedelta) else when

    def _refuse_if_stuck(self, runs: list[Execution]) -> None:
        told = [f"{run.name} waits for {SimulatedRun(run, self._engine).waiting_for}" for run in runs]
        if told:
            raise Stuck(
                f"nothing can happen any more: {'; '.join(told)}. Send it what it waits for with run.send(), before or "
                "at a time with sim.at()"
            )
