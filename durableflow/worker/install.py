"""Put durableflow into a Celery app, its own or one that it adopts."""

import os
from typing import Any
from uuid import UUID
from weakref import ReferenceType, WeakKeyDictionary, ref

from celery import Celery, signals
from celery._state import connect_on_app_finalize

from durableflow.canvas import canvas_workflow
from durableflow.errors import DuplicateDefinition
from durableflow.store.messages import ADVANCE, SUBJECT
from durableflow.worker import settings
from durableflow.worker.adopt import adopt_tasks
from durableflow.worker.advance import LEASE, advance
from durableflow.worker.bootstep import steward_step
from durableflow.worker.request import turn_request
from durableflow.worker.runtime import Host, Runtime
from durableflow.worker.task import SAFE, DurableTask, step_task

_hosts: WeakKeyDictionary[Any, ReferenceType[Host]] = WeakKeyDictionary()
"""Which application is in which Celery app."""


def host_of(app: Celery) -> Host | None:
    """The application that was put into a Celery app, or into the one that this is a spawned child's copy of."""
    known = _hosts.get(app)
    return None if known is None else known()


def hosts() -> list[Host]:
    """The applications of this process."""
    return [host for known in list(_hosts.values()) if (host := known()) is not None]


def install(host: Host, *, owned: bool = True) -> Runtime:
    """Register the application's steps and ``durableflow.advance`` as tasks of its Celery app, and the steward as a
    part of its workers. Nothing is connected, and no setting is read, before it is needed.

    owned: the app is durableflow's own and gets its settings; an adopted one keeps what it has, and only our own tasks
    are made safe. Steps may be defined after this; those that are defined after the worker has started are not known.
    """
    app = host.celery
    _hosts[app] = ref(host)
    runtime = Runtime(host, app, owned=owned)
    if owned:
        app.add_defaults(lambda: settings.celery_settings(host.settings))
    else:
        app.on_after_configure.connect(lambda **_: settings.adopt(app, host), weak=False)
        if app.configured:  # its settings have been read before: that signal is not sent again
            settings.adopt(app, host)
    app.steps["worker"].add(steward_step(runtime))
    _register_when_final(runtime)
    return runtime


def register(runtime: Runtime, app: Celery) -> None:
    """Make every step that is defined by now a task of ``app``, again where a step was defined anew; and make every
    task that it has durable."""
    if ADVANCE not in app.tasks:
        _advance_task(runtime, app)
    for step in runtime.registry.steps:
        known = app.tasks.get(step.name)
        if known is None or (isinstance(known, DurableTask) and known.durable_step is not step):
            step_task(app, runtime, step)
        elif not isinstance(known, DurableTask):
            raise DuplicateDefinition(
                f"{step.name} is a task of the Celery app {app.main!r} already: give the step another name, "
                "such as name='" + step.name + "_step'"
            )
    adopt_tasks(runtime, app)
    canvas_workflow(runtime.registry)


def _register_when_final(runtime: Runtime) -> None:
    app = runtime.app

    def on_finalize(final: Celery) -> None:
        if final is app:
            register(runtime, app)
        elif final.main == app.main and _is_spawned_child():
            # The app that a spawned child was handed: a copy, without anything that was done to the original.
            _hosts[final] = ref(runtime.host)
            own = Runtime(runtime.host, final, owned=runtime.owned)
            register(own, final)
            signals.worker_process_init.connect(lambda **_: register(own, final), weak=False)

    def on_worker_init(sender: Any = None, **_: Any) -> None:
        if sender is not None and sender.app is app:
            if not runtime.owned:
                settings.adopt(app, runtime.host)  # its broker may have been set after its settings were first read
            register(runtime, app)

    connect_on_app_finalize(on_finalize)
    app.on_after_finalize.connect(lambda **_: register(runtime, app), weak=False)  # the app's own tasks come last
    signals.worker_init.connect(on_worker_init, weak=False)
    if app.finalized:
        register(runtime, app)


def _is_spawned_child() -> bool:
    return bool(os.environ.get("FORKED_BY_MULTIPROCESSING"))


def _advance_task(runtime: Runtime, app: Celery) -> None:
    def run(**message: str) -> None:
        advance(runtime, UUID(message[SUBJECT]))

    attributes = SAFE | {
        "name": ADVANCE,
        "run": staticmethod(run),
        "queue": None,
        "durable_runtime": runtime,
        "Request": turn_request(app.Task.Request),
        # A prefork child whose workflow code hangs is killed; the wake comes back, and its tries are counted.
        "time_limit": LEASE,
        "__module__": __name__,
        "__doc__": advance.__doc__,
    }
    app.register_task(type("advance", (app.Task,), attributes)())
