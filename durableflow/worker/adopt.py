"""Make the tasks of a Celery app durable: the user's own, unchanged.

A task's *instance* is given a class with our mixin in front of its own. ``Celery(task_cls=...)`` would miss each task
that names a base of its own. Nothing about the task is different for messages that Celery sent: they carry arguments
instead of a step's id, and are traced as ever.
"""

from typing import Any

from celery import Celery, Task

from durableflow.language import AsyncStep, Step
from durableflow.language.options import NONE
from durableflow.store.messages import ADVANCE
from durableflow.worker.request import durable_request
from durableflow.worker.runtime import Runtime
from durableflow.worker.task import DurableTask

_BUILT_IN = frozenset(("celery.accumulate", "celery.map", "celery.starmap"))
"""Celery's own tasks that may be part of a canvas. The others are how Celery runs one."""


def adopt_tasks(runtime: Runtime, app: Celery) -> None:
    """Make durable every task that the app has by now, each once."""
    for name in list(app.tasks):
        if name != ADVANCE and (not name.startswith("celery.") or name in _BUILT_IN):
            adopt(runtime, app.tasks[name])


def adopt(runtime: Runtime, task: Task) -> None:
    """Make one task durable, and known to the application as a step of its name."""
    if isinstance(task, DurableTask):
        return
    kind = type(task)
    known = runtime.registry.adopted(task.name)
    step = known if known is not None else _step(runtime, task)
    attributes: dict[str, Any] = {
        "durable_runtime": runtime,
        "durable_step": step,
        "Request": durable_request(kind.Request),
        "__module__": kind.__module__,
        "__qualname__": kind.__qualname__,
        "__doc__": kind.__doc__,
    }
    tracer = task.__dict__.pop("__trace__", None)
    task.__class__ = type(kind.__name__, (DurableTask, kind), attributes)
    if tracer is not None:  # made before, by a worker's consumer or a pool child
        task.__trace__ = tracer
    runtime.registry.adopt(step)


def _step(runtime: Runtime, task: Task) -> Step[..., Any]:
    step: Step[..., Any] = Step(task.run, task.name, runtime.registry, NONE)
    return step if not step.is_async else AsyncStep(task.run, task.name, runtime.registry, NONE)
