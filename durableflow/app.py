"""DurableFlow: the client with its Celery application. The top of the package, where both sides are known."""

import functools
from collections.abc import Callable, Iterator, Mapping
from contextlib import AbstractContextManager, ExitStack, contextmanager
from typing import Any

from celery import Celery
from celery.canvas import Signature, maybe_signature
from celery.local import Proxy, maybe_evaluate

from durableflow.canvas import canvas_call, describe, single
from durableflow.client import Client, Publish
from durableflow.config import Settings
from durableflow.errors import ConfigurationError
from durableflow.language import Call
from durableflow.worker import adopt_tasks, host_of, hosts, install
from durableflow.worker.settings import celery_settings


class DurableFlow(Client):
    """An application: its steps and workflows, its Celery app, its runs.

    app: a name, or an existing Celery app, which is adopted: its own settings stay, the steps become tasks beside the
    others, and its broker is used; database: ``postgresql://...`` (default: DURABLEFLOW_DATABASE_URL); broker: Celery's
    broker (default: DURABLEFLOW_BROKER_URL); settings: everything else, as a :class:`Settings` or a mapping of its
    fields. The environment is read at the first use; nothing is connected before.
    """

    def __init__(
        self,
        app: str | Celery,
        *,
        database: str | None = None,
        broker: str | None = None,
        settings: Settings | Mapping[str, Any] | None = None,
    ) -> None:
        if isinstance(app, str):
            name, own = app, Celery(app, set_as_current=False)  # whoever uses Celery beside us keeps their current app
        else:
            name, own = app.main or "app", app
        super().__init__(name, database=database, broker=broker, settings=settings)
        self._celery = own
        self._owned = isinstance(app, str)
        self._surroundings: dict[str, Callable[[], AbstractContextManager[Any]]] = {}
        self._runtime = install(self, owned=self._owned)

    @functools.cached_property
    def settings(self) -> Settings:
        """The settings, read at the first use. An adopted app's workers listen to its own default queue: so do runs and
        steps that name none, unless the settings say otherwise. Raises ConfigurationError."""
        # First: where this raises, nothing may be cached yet, and `super().settings` is cached under the same name.
        queue = None if self._owned else self._celery.conf.task_default_queue
        settings = super().settings
        if queue is None or "queue" in settings.model_fields_set:
            return settings
        return settings.model_copy(update={"queue": queue})

    @property
    def celery(self) -> Celery:
        """The Celery app: ``app = df.celery`` in a module makes ``celery -A module worker`` work."""
        return self._celery

    @property
    def publisher(self) -> Publish:
        """Publishes over the Celery app's broker. Raises ConfigurationError where none is configured."""
        if self._owned:
            self.settings.require_broker()
        return self._runtime.publisher.publish

    def surround(self, name: str, context: Callable[[], AbstractContextManager[Any]]) -> None:
        """Have the body of every attempt run inside of ``with context():``, in the worker, whatever its pool.

        It is left before the attempt's end is recorded, so an error in leaving it is a failure of the step, and is
        tried again. name: a second context of the same name takes the first one's place; else the first is outermost.
        """
        self._surroundings[name] = context

    @contextmanager
    def surrounding(self) -> Iterator[None]:
        """All contexts of :meth:`surround`, as one."""
        with ExitStack() as stack:
            for context in self._surroundings.values():
                stack.enter_context(context())
            yield

    def close(self) -> None:
        """Close the connections of this process; they are opened again when they are needed."""
        super().close()
        self._runtime.publisher.close()

    def _forget(self) -> None:
        super()._forget()
        self._runtime.forget()
        if self._owned and self._celery.configured and self.settings.broker_url:
            self._celery.conf.update(celery_settings(self.settings))


def adopted_by(app: Celery) -> DurableFlow | None:
    """The application that has adopted a Celery app, or whose own it is. None: there is none.

    app: may be a proxy, such as ``celery.current_app``, or the copy of an app that a spawned pool child has.
    """
    given = maybe_evaluate(app)
    host = host_of(given._get_current_object() if isinstance(given, Proxy) else given)
    return host if isinstance(host, DurableFlow) else None


def _only_one() -> DurableFlow | None:
    """The application of this process, where there is one only: an empty canvas, or a shared task, names no app."""
    found = [host for host in hosts() if isinstance(host, DurableFlow)]
    return found[0] if len(found) == 1 else None


def durable(canvas: Signature | Mapping[str, Any], *args: Any, **kwargs: Any) -> Call[Any]:
    """A Celery canvas as a call: ``durable(chain(a.s(2, 3), group(b.s(), c.s()), d.s())).start(key="order-42")``, or
    ``await durable(group(...))`` in a workflow.

    canvas: a signature, a chain, group, chord, map or chunks, nested in any way, of tasks of a Celery app that a
    DurableFlow has adopted; the tasks stay as they are. args, kwargs: for its first tasks, as ``canvas(*args)`` has it.

    A canvas is a run of the workflow ``<app>.canvas``, and each of its tasks is a step; one task, without callbacks, is
    a run of that one step, under the task's own name. What Celery's rules make of it, the documentation lists.

    Raises:
        ConfigurationError: no DurableFlow has adopted the app; UnknownTask: the app has no such task; TypeError: not a
        signature, or arguments that a task does not take; NotStorable: an argument has no stored form; CallError: what
        cannot be done durably.
    """
    sig = maybe_signature(canvas) if isinstance(canvas, Mapping) else canvas
    if not isinstance(sig, Signature):
        raise TypeError(f"durable() takes a signature or a canvas, such as task.s(...), not {type(canvas).__name__}")
    df = adopted_by(sig.app) or _only_one()
    if df is None:
        raise ConfigurationError(
            f"no DurableFlow has adopted the Celery app {sig.app.main!r}, whose tasks these are: df = DurableFlow(app)"
        )
    adopt_tasks(df._runtime, df.celery)
    description = describe(sig, df.celery, args, kwargs)
    call = single(df.registry, description.document)
    return canvas_call(df.registry, description) if call is None else call
