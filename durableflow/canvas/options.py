"""What Celery's execution options mean for a step."""

from collections.abc import Mapping
from datetime import datetime, timedelta
from typing import Any

from celery import Celery, Task
from celery.utils.functional import maybe_list
from celery.utils.time import maybe_make_aware

from durableflow.errors import CallError

_FIELDS = ("shadow", "ignore_result")
"""Options that are fields of a task's request."""


def sent_options(
    task: Task, said: Mapping[str, Any], app: Celery, args: tuple[Any, ...], kwargs: Mapping[str, Any]
) -> dict[str, Any]:
    """The options of a task's step, as a document has them: of the call, else of the task, and routed as the app does.

    What is about Celery's message (serializer, compression, retries of publishing) means nothing here: it holds an id.
    Raises CallError for what cannot be done.
    """
    own = {name: value for name, value in task._get_exec_options().items() if value is not None}
    merged = {**own, **{name: value for name, value in said.items() if value is not None}}
    options: dict[str, Any] = {"queue": _queue(task, merged, app, args, kwargs)}
    rank = merged.get("priority", task.priority)
    if rank is not None:
        options["rank"] = int(rank)
        options["priority"] = _urgency(int(rank), app)
    for name in ("countdown", "task_id"):
        if merged.get(name) is not None:
            options[name] = float(merged[name]) if name == "countdown" else str(merged[name])
    if merged.get("eta") is not None:
        options["eta"] = _moment(merged["eta"], app)
    if merged.get("expires") is not None:
        options["expires"] = _span_or_moment(merged["expires"], app)
    for name, limit in (("soft", "soft_time_limit"), ("hard", "time_limit")):
        if said.get(limit) is not None:
            options[name] = float(said[limit])
    request = _request(merged)
    if request:
        options["request"] = request
    return options


def _queue(task: Task, merged: Mapping[str, Any], app: Celery, args: tuple[Any, ...], kwargs: Mapping[str, Any]) -> str:
    routing = {name: merged[name] for name in ("queue", "exchange", "routing_key") if merged.get(name) is not None}
    routed = app.amqp.router.route(routing, merged.get("route_name") or task.name, args, kwargs, task_type=task)
    queue = routed.get("queue")
    if queue is not None:
        return str(getattr(queue, "name", queue))
    exchange, key = routed.get("exchange"), routed.get("routing_key")
    exchange = getattr(exchange, "name", exchange)
    for known in app.amqp.queues.values():
        if known.routing_key == key and exchange in (None, "", known.exchange.name):
            return str(known.name)
    if exchange in (None, ""):
        return str(key)
    raise CallError(
        f"{task.name} is routed to exchange {exchange!r} with key {key!r}, which no queue of the app is bound to: a "
        "durable task goes to a queue; name it with queue=..., or in task_queues"
    )


def _urgency(rank: int, app: Celery) -> int:
    """The larger, the sooner: brokers disagree on that."""
    bounded = min(max(rank, 0), 9)
    return 9 - bounded if app.connection_for_write().transport.driver_type == "redis" else bounded


def _request(merged: Mapping[str, Any]) -> dict[str, Any]:
    """Fields of the request that the task sees: custom headers, and stamps."""
    request: dict[str, Any] = dict(merged.get("headers") or {})
    stamped = maybe_list(merged.get("stamped_headers")) or []
    if stamped:
        request["stamped_headers"] = sorted(stamped)
        request["stamps"] = {name: merged.get(name) for name in sorted(stamped)}
    request |= {name: merged[name] for name in _FIELDS if merged.get(name) is not None}
    return request


def _moment(moment: Any, app: Celery) -> str:
    if isinstance(moment, str):
        moment = datetime.fromisoformat(moment)
    return str(maybe_make_aware(moment, app.timezone).isoformat())


def _span_or_moment(expires: Any, app: Celery) -> float | str:
    if isinstance(expires, timedelta):
        return expires.total_seconds()
    return float(expires) if isinstance(expires, int | float) else _moment(expires, app)
