"""Checks of what the broker does to the app's other tasks: a message that is not acknowledged in time comes again.

Durable messages do not mind, also those of the same tasks: the row of their step says whether it may run.
"""

import json
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from typing import Any

from durableflow.doctor.finding import DoesNotApply, Finding, danger, warning
from durableflow.doctor.patient import Patient

_VISIBILITY = 3600.0
"""Seconds: kombu's default."""

_RABBITMQ = 1800.0
"""Seconds: RabbitMQ's default ``consumer_timeout``, which a client cannot ask for."""

_SAMPLE = 200


def visibility_timeout(patient: Patient) -> Iterator[Finding]:
    """Redis: no task runs, or waits for its time, longer than messages stay invisible."""
    if patient.broker_kind != "redis":
        raise DoesNotApply
    timeout = float((patient.conf.broker_transport_options or {}).get("visibility_timeout", _VISIBILITY))
    mending = (
        "raise broker_transport_options={'visibility_timeout': seconds} above the longest time, in every process; or "
        "run these tasks durably, durable(task.s(...)).start(), which does not depend on it"
    )
    late = {name: task for name, task in patient.other_tasks.items() if task.acks_late}
    running = {name: _time_limit(patient, task) for name, task in late.items()}
    if over := _over(running, timeout):
        yield danger(
            f"tasks may run longer than the visibility timeout of {timeout:g} s",
            f"{over}: with acks_late, such a task is delivered to another worker while it runs, and runs twice",
            mending,
        )
    if over := _over({name: _retry_delay(task) for name, task in patient.other_tasks.items()}, timeout):
        yield danger(
            f"retries wait longer than the visibility timeout of {timeout:g} s",
            f"{over}: each time that the timeout passes, such a retry is delivered once more, and in the end runs so "
            "many times",
            mending,
        )
    if over := _over(_beat_countdowns(patient), timeout):
        yield danger(
            f"scheduled tasks wait longer than the visibility timeout of {timeout:g} s",
            f"{over} (their countdown in beat_schedule): each is delivered once more whenever the timeout passes",
            mending,
        )
    unlimited = sorted(name for name, limit in running.items() if limit is None)
    if unlimited:
        yield warning(
            "tasks with acks_late have no time limit",
            f"{_some(unlimited)}: one that runs longer than the visibility timeout of {timeout:g} s runs twice",
            "give them a time_limit below the visibility timeout, or run them durably: durable(task.s(...)).start()",
        )
    waiting = _waiting_too_long(patient, timeout)
    if waiting:
        yield danger(
            f"messages wait for a time that is further away than the visibility timeout of {timeout:g} s",
            f"{_some(waiting)}: workers hold messages with such an ETA; each is delivered once more whenever the "
            "timeout passes, and in the end runs so many times",
            mending,
        )


def consumer_timeout(patient: Patient) -> Iterator[Finding]:
    """RabbitMQ: no task with acks_late runs longer than RabbitMQ waits for an acknowledgement."""
    if patient.broker_kind != "amqp":
        raise DoesNotApply
    late = {name: task for name, task in patient.other_tasks.items() if task.acks_late}
    over = _over({name: _time_limit(patient, task) for name, task in late.items()}, _RABBITMQ)
    if over:
        yield warning(
            f"tasks may run longer than RabbitMQ's consumer timeout, {_RABBITMQ:g} s unless it is configured otherwise",
            f"{over}: with acks_late, RabbitMQ then closes the worker's channel and delivers the message again",
            "raise consumer_timeout in rabbitmq.conf, or run these tasks durably: durable(task.s(...)).start()",
        )


def _time_limit(patient: Patient, task: Any) -> float | None:
    limits = (task.time_limit, task.soft_time_limit, patient.conf.task_time_limit, patient.conf.task_soft_time_limit)
    return next((float(limit) for limit in limits if limit), None)


def _retry_delay(task: Any) -> float | None:
    """The longest wait before a retry, of a task that says by itself that it is tried again."""
    if not getattr(task, "autoretry_for", None):
        return None
    if getattr(task, "retry_backoff", False):
        return float(getattr(task, "retry_backoff_max", 600))
    return float(task.default_retry_delay or 0)


def _beat_countdowns(patient: Patient) -> dict[str, float | None]:
    found: dict[str, float | None] = {}
    for name, entry in (patient.conf.beat_schedule or {}).items():
        options = (entry.get("options") if isinstance(entry, dict) else getattr(entry, "options", None)) or {}
        countdown = options.get("countdown")
        found[name] = float(countdown) if countdown else None
    return found


def _waiting_too_long(patient: Patient, timeout: float) -> list[str]:
    """Names of the tasks of some messages that workers hold for a time that is too far away."""

    def look(channel: Any, client: Any) -> Any:
        key = f"{channel.global_keyprefix or ''}{channel.unacked_key}"
        return client.execute_command("HSCAN", key, 0, "COUNT", _SAMPLE)

    _cursor, found = patient.ask_redis(look)
    texts = found.values() if isinstance(found, dict) else found[1::2]
    horizon = datetime.now(UTC) + timedelta(seconds=timeout)
    names = set()
    for text in texts:
        try:
            headers = json.loads(text)[0]["headers"]
            eta = datetime.fromisoformat(headers["eta"])
        except (ValueError, TypeError, KeyError, IndexError):
            continue  # it has no ETA, or is no message of Celery's
        if (eta if eta.tzinfo else eta.replace(tzinfo=UTC)) > horizon:
            names.add(str(headers.get("task")))
    return sorted(names)


def _over(seconds: dict[str, float | None], limit: float) -> str:
    return _some(sorted(f"{name} ({value:g} s)" for name, value in seconds.items() if value and value > limit))


def _some(names: list[str], most: int = 5) -> str:
    shown = ", ".join(names[:most])
    return f"{shown} and {len(names) - most} more" if len(names) > most else shown
