"""Put durableflow into a Celery app, its own or one that it adopts."""

import os
from typing import Any
from uuid import UUID

from celery import Celery, signals
from celery._state import connect_on_app_finalize

from durableflow.errors import DuplicateDefinition
from durableflow.store.messages import ADVANCE, SUBJECT
from durableflow.worker import settings
from durableflow.worker.advance import LEASE, advance
from durableflow.worker.bootstep import steward_step
from durableflow.worker.request import turn_request
from durableflow.worker.runtime import Host, Runtime
from durableflow.worker.task import SAFE, DurableTask, step_task


def install(host: Host, *, owned: bool = True) -> Runtime:
    """Register the application's steps and ``durableflow.advance`` as tasks of its Celery app, and the steward as a
    part of its workers. Nothing is connected, and no setting is read, before it is needed.

    owned: the app is durableflow's own and gets its settings; an adopted one keeps what it has, and only our own tasks
    are made safe. Steps may be defined after this; those that are defined after the worker has started are not known.
    """
    app = host.celery
    runtime = Runtime(host, app, owned=owned)
    if owned:
        app.add_defaults(lambda: settings.celery_settings(host.settings))
    else:
        app.on_after_configure.connect(lambda **_: settings.adopt(app), weak=False)
        if app.configured:  # it has been told that already, as where Django adopts the app of a worker that starts
            settings.adopt(app)
    app.steps["worker"].add(steward_step(runtime))
    _register_when_final(runtime)
    return runtime


def register(runtime: Runtime, app: Celery) -> None:
    """Make every step that is defined by now a task of ``app``; again where a step was defined anew."""
    if ADVANCE not in app.tasks:
        _advance_task(runtime, app)
    for step in runtime.registry.steps:
        known = app.tasks.get(step.name)
        if known is None or (isinstance(known, DurableTask) and known.step is not step):
            step_task(app, runtime, step)
        elif not isinstance(known, DurableTask):
            raise DuplicateDefinition(
                f"{step.name} is a task of the Celery app {app.main!r} already: give the step another name, "
                "such as name='" + step.name + "_step'"
            )


def _register_when_final(runtime: Runtime) -> None:
    app = runtime.app

    def on_finalize(final: Celery) -> None:
        if final is app:
            register(runtime, app)
        elif final.main == app.main and _is_spawned_child():
            # The app that a spawned child was handed: a copy, without anything that was done to the original.
            register(Runtime(runtime.host, final, owned=runtime.owned), final)

    def on_worker_init(sender: Any = None, **_: Any) -> None:
        if sender is not None and sender.app is app:
            register(runtime, app)

    connect_on_app_finalize(on_finalize)
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
        "runtime": runtime,
        "Request": turn_request(app.Task.Request),
        # A prefork child whose workflow code hangs is killed; the wake comes back, and its tries are counted.
        "time_limit": LEASE,
        "__module__": __name__,
        "__doc__": advance.__doc__,
    }
    app.register_task(type("advance", (app.Task,), attributes)())
