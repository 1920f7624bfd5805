"""Client: the face of an application. It defines steps and workflows, starts runs, and tells how they stand.

It knows PostgreSQL and no Celery: what publishes a message is handed in, as ``publisher``.
"""

import functools
import logging
from collections.abc import Callable, Coroutine, Mapping, Sequence
from datetime import datetime, timedelta
from typing import Any, ParamSpec, Protocol, TypeVar, overload
from uuid import UUID

from psycopg.rows import dict_row

from durableflow import signals
from durableflow.client.database import Connection, Database
from durableflow.client.events import new_event
from durableflow.client.joining import join
from durableflow.client.schedules import Schedule, check_names, find
from durableflow.client.starting import as_run_id, executes, insert, new_run
from durableflow.client.versions import remember
from durableflow.client.waiting import outcome, state_of, wait
from durableflow.config import Settings, redact
from durableflow.errors import DurableFlowError, RunNotFound
from durableflow.language import AsyncStep, Call, Registry, Routine, Run, Step, Workflow
from durableflow.language.options import Options, Seconds, options
from durableflow.language.schedules import Crons
from durableflow.retry import Retry
from durableflow.store import cancel as store_cancel
from durableflow.store import redrive as store_redrive
from durableflow.store.messages import Message
from durableflow.store.start import Started, start

P = ParamSpec("P")
R = TypeVar("R")

_log = logging.getLogger("durableflow")


class Publish(Protocol):
    """Hands messages to the broker. False: they may not be there."""

    def __call__(self, messages: Sequence[Message], /) -> bool: ...


class StepDecorator(Protocol):
    """What ``@df.step(...)`` gives."""

    @overload
    def __call__(self, function: Callable[P, Coroutine[Any, Any, R]], /) -> AsyncStep[P, R]: ...
    @overload
    def __call__(self, function: Callable[P, R], /) -> Step[P, R]: ...


class WorkflowDecorator(Protocol):
    """What ``@df.workflow(...)`` gives."""

    def __call__(self, function: Callable[P, Coroutine[Any, Any, R]], /) -> Workflow[P, R]: ...


class Client:
    """An application: its name, its definitions, its settings, and its runs.

    name: the first part of its definitions' names; database: ``postgresql://...`` (default: DURABLEFLOW_DATABASE_URL);
    broker: Celery's broker (default: DURABLEFLOW_BROKER_URL); settings: everything else, as a :class:`Settings` or a
    mapping of its fields. The environment is read at the first use, nothing is connected before.
    """

    def __init__(
        self,
        name: str,
        *,
        database: str | None = None,
        broker: str | None = None,
        settings: Settings | Mapping[str, Any] | None = None,
    ) -> None:
        if not name or not isinstance(name, str):
            raise TypeError(f"an application has a name, such as DurableFlow('shop'), not {name!r}")
        self.name = name
        self.registry = Registry(name)
        self.registry.owner = self
        self._given = (database, broker, settings)
        self._configured: Mapping[str, Any] = {}
        self._saved_versions: set[tuple[str, str]] = set()

    @functools.cached_property
    def settings(self) -> Settings:
        """The settings, read at the first use. Raises ConfigurationError."""
        return self._load_settings(self._configured)

    def _load_settings(self, configured: Mapping[str, Any]) -> Settings:
        database, broker, given = self._given
        fields = given.model_dump(exclude_unset=True) if isinstance(given, Settings) else given or {}
        own = {"database_url": database, "broker_url": broker}
        both = {name: value for name, value in (*fields.items(), *own.items()) if value is not None}
        return Settings.load(**{**configured, **both})

    def configure(self, **settings: Any) -> None:
        """Give settings after the construction, as a web application's configuration does. Those that were given to
        the constructor win over them, and they over the environment. Connections with other settings are closed.

        settings: fields of :class:`Settings`. Raises ConfigurationError where they cannot be used.
        """
        self._load_settings(settings)
        self._configured = settings
        known = self.__dict__.pop("settings", None)
        if known is not None and known != self.settings:
            self._forget()

    def _forget(self) -> None:
        """Leave what was made with other settings."""
        self.close()
        self.__dict__.pop("database", None)
        self._saved_versions.clear()

    @functools.cached_property
    def database(self) -> Database:
        """The connections of this process."""
        return Database(self.settings, self.name)

    @property
    def publisher(self) -> Publish | None:
        """What publishes; None: this client has no broker, and leaves it to the workers."""
        return None

    # --- definitions

    @overload
    def step(self, function: Callable[P, Coroutine[Any, Any, R]], /) -> AsyncStep[P, R]: ...
    @overload
    def step(self, function: Callable[P, R], /) -> Step[P, R]: ...
    @overload
    def step(
        self,
        /,
        *,
        name: str | None = None,
        retry: Retry | None = None,
        queue: str | None = None,
        priority: int | None = None,
        timeout: Seconds | None = None,
    ) -> StepDecorator: ...
    def step(
        self,
        function: Callable[..., Any] | None = None,
        /,
        *,
        name: str | None = None,
        retry: Retry | None = None,
        queue: str | None = None,
        priority: int | None = None,
        timeout: Seconds | None = None,
    ) -> Any:
        """Make a function (``def`` or ``async def``) a step.

        name: instead of ``app.function``; retry: the policy, by default no retry; queue: the Celery queue; priority: 0
        to 9, larger first; timeout: seconds, or a timedelta, that an attempt may take (Celery's hard time limit).

        Raises DuplicateDefinition, ValueError, TypeError.
        """
        defaults = options(queue, retry, timeout, priority)

        def define(function: Callable[..., Any]) -> Step[..., Any]:
            return self._define_step(function, name, defaults)

        return define if function is None else define(function)

    @overload
    def workflow(self, function: Callable[P, Coroutine[Any, Any, R]], /) -> Workflow[P, R]: ...
    @overload
    def workflow(
        self, /, *, name: str | None = None, queue: str | None = None, schedule: Crons | None = None
    ) -> WorkflowDecorator: ...
    def workflow(
        self,
        function: Callable[..., Any] | None = None,
        /,
        *,
        name: str | None = None,
        queue: str | None = None,
        schedule: Crons | None = None,
    ) -> Any:
        """Compile an ``async def`` function at module level to a workflow.

        name: instead of ``app.function``; queue: the Celery queue on which its code between the awaits runs; schedule:
        a Cron, or a list of them, by which it starts by itself; it then takes the tick, a datetime, or nothing.

        Raises WorkflowDefinitionError with file, line and the way out; DuplicateDefinition; TypeError.
        """
        options(queue)

        def define(function: Callable[..., Any]) -> Workflow[..., Any]:
            workflow: Workflow[..., Any] = Workflow(
                function, name or self.registry.name_of(function), self.registry, queue, schedule
            )
            check_names(self.registry, workflow)
            self.registry.add(workflow)
            return workflow

        return define if function is None else define(function)

    def routine(self, function: Callable[P, Coroutine[Any, Any, R]], /) -> Routine[P, R]:
        """Compile an ``async def`` at module level to a helper that workflows await as they would a function: it awaits
        steps and all else, in the run of its caller.

        Raises WorkflowDefinitionError with file, line and the way out; DuplicateDefinition.
        """
        routine: Routine[P, R] = Routine(function, self.registry.name_of(function), self.registry)
        self.registry.add(routine)
        return routine

    def _define_step(self, function: Callable[..., Any], name: str | None, defaults: Options) -> Step[..., Any]:
        if isinstance(function, Step | Workflow):
            raise TypeError(f"{function!r} is a definition already: @df.step goes on the plain function")
        if not callable(function) or not hasattr(function, "__code__"):
            raise TypeError(f"@df.step takes a function, not {function!r}")
        kind = AsyncStep if function.__code__.co_flags & _COROUTINE else Step
        step: Step[..., Any] = kind(function, name or self.registry.name_of(function), self.registry, defaults)
        self.registry.add(step)
        return step

    # --- runs

    def start(
        self,
        call: Call[R],
        *,
        key: str | None = None,
        labels: Mapping[str, str] | None = None,
        priority: int | None = None,
        deadline: datetime | timedelta | None = None,
        connection: Any = None,
    ) -> Run[R]:
        """Start a run of a call; see :meth:`durableflow.Call.start`."""
        new = new_run(call, self.settings, key=key, labels=labels, priority=priority, deadline=deadline)
        publisher = self.publisher
        self._save_version(call.definition)
        rides_on = self._transaction(connection)
        if rides_on is None:
            started = insert(self.database, new, publishes=publisher is not None)
            self._publish(publisher, started)
        else:
            joined = join(rides_on)
            started = start(joined.execute, new, publishes=False)
            joined.after_commit(lambda: self._publish(publisher, started))
        return Run(started.run_id, self)

    def run(self, run_id: UUID | str) -> Run[Any]:
        """The handle of a run. The database is not asked until something is asked of the handle."""
        return Run(as_run_id(run_id), self)

    def state(self, run_id: UUID) -> str:
        """running, succeeded, failed or cancelled. Raises RunNotFound."""
        return state_of(self.database, run_id).state

    def result(self, run_id: UUID, timeout: float | timedelta | None = None) -> Any:
        """Wait for the end of a run; see :meth:`durableflow.Run.result`."""
        return outcome(self.database, wait(self.database, run_id, timeout))

    def cancel(self, run_id: UUID) -> bool:
        """Cancel a run. False: it had ended already. Raises RunNotFound."""
        cancelled = self.database.transact(lambda conn: store_cancel.cancel(conn, run_id))
        if cancelled is None:
            raise RunNotFound(f"there is no run {run_id}")
        self._post(cancelled.messages)
        if cancelled.landed:
            self._tell_cancelled(run_id)
        return cancelled.landed

    def send(
        self,
        run_id: UUID | str,
        name: str,
        payload: Any = None,
        *,
        id: str | None = None,  # noqa: A002 - what senders call it
        by: str | None = None,
        connection: Any = None,
    ) -> bool:
        """Send an event to a run; see :meth:`durableflow.Run.send`."""
        event = new_event(self.registry, as_run_id(run_id), name, payload, id, by, self.settings.max_value_bytes)
        publisher = self.publisher
        rides_on = self._transaction(connection)
        if rides_on is None:
            sent = self.database.transact(lambda conn: event.send(executes(conn), publishes=publisher is not None))
            self._post([] if sent.message is None else [sent.message])
        else:
            joined = join(rides_on)
            sent = event.send(joined.execute, publishes=False)
            joined.after_commit(lambda: self._post([] if sent.message is None else [sent.message]))
        return sent.kept

    def _transaction(self, given: Any) -> Any:
        """What a start or an event rides on: what the caller has given, or what a framework has open. None: nothing."""
        return given

    def redrive(self, run_id: UUID) -> bool:
        """Let a failed run go on; see :meth:`durableflow.Run.redrive`. Raises RunNotFound."""
        redriven = self.database.transact(lambda conn: store_redrive.redrive(conn, run_id))
        if redriven is None:
            raise RunNotFound(f"there is no run {run_id}")
        return redriven

    def info(self, run_id: UUID) -> Mapping[str, Any]:
        """The run's row of the view ``durableflow.runs``. Raises RunNotFound."""

        def read(conn: Connection) -> dict[str, Any] | None:
            with conn.cursor(row_factory=dict_row) as cursor:
                return cursor.execute("SELECT * FROM durableflow.runs WHERE id = %s", (run_id,)).fetchone()

        row = self.database.transact(read)
        if row is None:
            raise RunNotFound(f"there is no run {run_id}")
        return row

    # --- schedules

    def schedule(self, name: str | Workflow[..., Any]) -> Schedule:
        """The handle of a schedule, by its name or that workflow's only one. Raises UnknownSchedule, ValueError."""
        return Schedule(find(self.registry, name), self)

    def close(self) -> None:
        """Close the connections of this process; they are opened again when they are needed."""
        self.database.close()

    def _save_version(self, workflow: object) -> None:
        """Have the source of the workflow in the database before the first run of it, once a process."""
        if isinstance(workflow, Workflow) and (workflow.name, workflow.version) not in self._saved_versions:
            self.database.transact(lambda conn: remember(conn, workflow, self.settings))
            self._saved_versions.add((workflow.name, workflow.version))

    def _tell_cancelled(self, run_id: UUID) -> None:
        """The cancel is committed: that its workflow cannot be read does not undo it."""
        if not signals.run_cancelled.receivers:
            return
        try:
            workflow = state_of(self.database, run_id).workflow
        except DurableFlowError as trouble:
            _log.error("run_cancelled is not told of run %s: %s", run_id, trouble)
            return
        signals.run_cancelled.send(workflow, run_id=run_id, workflow=workflow)

    def _post(self, messages: Sequence[Message]) -> None:
        """Publish messages that only make things quicker: a worker finds what they are about."""
        publisher = self.publisher
        if publisher is not None and messages:
            try:
                publisher(messages)
            except Exception as error:
                _log.info("the broker did not take a message, a worker will find its run: %s", type(error).__name__)

    def _publish(self, publisher: Publish | None, started: Started) -> None:
        """The run is in the database: whatever is wrong with the broker, this only takes a moment longer."""
        if publisher is None or started.message is None:
            return
        try:
            sent = publisher([started.message])
            why = ""
        except Exception as error:
            sent, why = False, f" ({type(error).__name__})"
        if not sent:
            _log.warning(
                "run %s is stored, but the broker at %s did not take its message%s: a worker will find the run",
                started.run_id,
                redact(self.settings.broker_url or "(unknown)"),
                why,
            )

    def __repr__(self) -> str:
        return f"<{type(self).__name__} {self.name}>"


_COROUTINE = 0x80  # inspect.CO_COROUTINE
