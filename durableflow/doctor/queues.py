"""Whether every queue has a worker that consumes it."""

from collections.abc import Iterator
from typing import Any

from durableflow.doctor.finding import Finding, counted, danger, warning
from durableflow.doctor.patient import Patient
from durableflow.doctor.workers import living

_WAITING = """
SELECT queue, count(*) FROM (
    SELECT queue FROM durableflow_core.ready
    UNION ALL
    SELECT r.queue FROM durableflow_core.wake AS w JOIN durableflow_core.run AS r ON r.id = w.run_id
    WHERE w.visible_at <= durableflow_core.now()
) AS waiting GROUP BY queue ORDER BY queue
"""


def queues(patient: Patient) -> Iterator[Finding]:
    """Some worker consumes each queue that work waits in, or may go to."""
    waiting: dict[str, int] = dict(patient.records(_WAITING))
    alive = living(patient)
    consumed = {queue for worker in alive for queue in worker.queues}
    for queue, count in waiting.items():
        if queue not in consumed:
            yield danger(
                f"{counted(count, 'step or run waits', 'steps or runs wait')} in {queue!r}, which nobody consumes",
                "they wait until a worker does" if alive else "no worker is alive at all",
                f"start a worker with -Q {queue}, or without -Q where the application's definitions name the queue",
            )
    if not alive:
        return  # told elsewhere, once
    unserved = {queue: users for queue, users in _named(patient).items() if queue not in consumed | waiting.keys()}
    for queue, users in sorted(unserved.items()):
        some = ", ".join(sorted(users)[:5])
        yield warning(
            f"no durableflow worker consumes the queue {queue!r}",
            f"what is sent to it waits for ever: {some}{' and more' if len(users) > 5 else ''}",
            f"start a worker with -Q {queue}, or let them go to another queue; workers of another application that "
            "consume it are not known here",
        )
    yield from _routers(patient)


def _named(patient: Patient) -> dict[str, set[str]]:
    """Queue to what goes there: the application's definitions, and its other tasks by their routes."""
    registry, default = patient.flow.registry, patient.settings.queue
    found: dict[str, set[str]] = {}
    for workflow in registry.workflows:
        found.setdefault(workflow.queue or default, set()).add(workflow.name)
    for step in registry.steps:
        found.setdefault(step.defaults.queue or default, set()).add(step.name)
    for name, task in patient.other_tasks.items():
        queue = _route(patient, name, task)
        if isinstance(queue, str):
            found.setdefault(queue, set()).add(name)
    return found


def _routers(patient: Patient) -> Iterator[Finding]:
    for name, task in patient.other_tasks.items():
        error = _route(patient, name, task)
        if isinstance(error, Exception):
            yield warning(
                f"the route of {name} cannot be found",
                f"a router of task_routes fails without arguments: {patient.said(error)}. The queue of this task is "
                "not checked",
                "let the router return None where it knows no route",
            )


def _route(patient: Patient, name: str, task: Any) -> str | Exception | None:
    given = {"queue": task.queue} if getattr(task, "queue", None) else {}
    try:
        queue = patient.app.amqp.router.route(given, name, (), {}, task).get("queue")
    except Exception as error:  # a router is the user's code
        return error
    return None if queue is None else str(getattr(queue, "name", queue))
