"""Celery's settings for an app that is durableflow's own. Whoever configures the app has the last word on each."""

from typing import Any

from celery import Celery

from durableflow.config import Settings

REDIS = "durableflow.worker.redis:Transport"


def celery_settings(settings: Settings) -> dict[str, Any]:
    """What differs from Celery's defaults, and why.

    Raises:
        ConfigurationError: no broker is configured.
    """
    broker = settings.require_broker()
    return {
        "broker_url": broker,
        "broker_transport": transport_for(broker),
        "broker_connection_retry_on_startup": True,  # a worker outlives its broker, also one that comes up later
        "broker_connection_max_retries": None,
        "task_default_queue": settings.queue,
        "task_queue_max_priority": 9,  # AMQP; Redis needs no declaration
        "task_serializer": "json",
        "accept_content": ["json"],
        "task_ignore_result": True,  # results are rows in PostgreSQL
        "worker_send_task_events": False,
        "worker_prefetch_multiplier": 1,  # what one worker has prefetched, an idle one cannot run
        "worker_cancel_long_running_tasks_on_connection_loss": False,  # its claim is in PostgreSQL
    }


def transport_for(broker: str) -> str | None:
    """The transport for this broker's URL; None: the one that kombu takes by itself."""
    return REDIS if broker.startswith(("redis://", "rediss://")) else None


def adopt(app: Celery) -> None:
    """What an adopted app gets, below whatever it has chosen itself, at any time and in any way; may be called again.

    Its Redis transport, which treats other messages as kombu's does; and a prefetch of one, as its default. All else
    that durable tasks need is theirs alone (``SAFE`` in ``task.py``).
    """
    conf = app.conf
    if conf.broker_transport in (None, REDIS) and isinstance(conf.broker_url, str):
        conf.broker_transport = transport_for(conf.broker_url)
    # The last of the maps is Celery's defaults, in a copy of this app's own. `add_defaults` would not do: it wins over
    # what `config_from_object` has read. An app that writes old names has old names there.
    defaults = conf.maps[-1]
    for name in ("worker_prefetch_multiplier", "CELERYD_PREFETCH_MULTIPLIER"):
        if name in defaults:
            defaults[name] = 1
