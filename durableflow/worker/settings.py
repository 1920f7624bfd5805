"""Celery's settings for an app that is durableflow's own. Whoever configures the app has the last word on each."""

from importlib.util import find_spec
from typing import Any, Protocol
from urllib.parse import quote

from celery import Celery
from psycopg.conninfo import conninfo_to_dict

from durableflow.config import Settings
from durableflow.errors import ConfigurationError

REDIS = "durableflow.worker.redis:Transport"
PGMQ = "durableflow.worker.pgmq:Transport"

PATIENCE = 30.0
"""Seconds until a pool process that has not come up is killed. Celery's own four are too few for a spawned one, which
imports the application anew, on a machine that is busy: the worker would start processes for ever, and run nothing."""


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
        # RabbitMQ closes the channel over a message that is not acknowledged in half an hour, and ours are acknowledged
        # at the end of their step. Without this the worker ends then.
        "broker_channel_error_retry": True,
        "task_default_queue": settings.queue,
        "task_queue_max_priority": 9,  # AMQP; Redis needs no declaration
        "task_serializer": "json",
        "accept_content": ["json"],
        "task_ignore_result": True,  # results are rows in PostgreSQL
        "worker_send_task_events": False,
        "worker_prefetch_multiplier": 1,  # what one worker has prefetched, an idle one cannot run
        "worker_proc_alive_timeout": PATIENCE,
        "worker_cancel_long_running_tasks_on_connection_loss": False,  # its claim is in PostgreSQL
        **_of_pgmq(settings, broker),
    }


def transport_for(broker: str) -> str | None:
    """The transport for this broker's URL; None: the one that kombu takes by itself.

    Raises:
        ConfigurationError: it is pgmq's, and a package is missing.
    """
    if broker.startswith("pgmq://"):
        _require_pgmq()
        return PGMQ
    return REDIS if broker.startswith(("redis://", "rediss://")) else None


class Configured(Protocol):
    """Whose settings are read when they are needed."""

    @property
    def settings(self) -> Settings: ...


def adopt(app: Celery, host: Configured) -> None:
    """What an adopted app gets, below whatever it has chosen itself, at any time and in any way; may be called again.

    The transport for its broker, which treats other messages as kombu's does, and where that is PostgreSQL, the way to
    it. As its defaults: a prefetch of one; time for a pool process to come up; on RabbitMQ, a worker that survives a
    step of more than half an hour. All else that durable tasks need is theirs alone (``SAFE`` in ``task.py``).

    Raises:
        ConfigurationError: as ``transport_for``.
    """
    conf = app.conf
    if conf.broker_transport in (None, REDIS) and isinstance(conf.broker_url, str):
        _adopt_broker(conf, conf.broker_url, host)
    _default(conf, 1, "worker_prefetch_multiplier", "CELERYD_PREFETCH_MULTIPLIER")
    _default(conf, PATIENCE, "worker_proc_alive_timeout", "CELERYD_PROC_ALIVE_TIMEOUT")


def _default(conf: Any, value: object, *names: str) -> None:
    """Give an app another default for a setting, by whichever of its names, new and old, the app writes."""
    # The last of the maps is Celery's defaults, in a copy of this app's own. `add_defaults` would not do: it wins over
    # what `config_from_object` has read.
    defaults = conf.maps[-1]
    for name in names:
        if name in defaults:
            defaults[name] = value


def _adopt_broker(conf: Any, broker: str, host: Configured) -> None:
    if broker.startswith(("amqp://", "amqps://", "pyamqp://")):
        # As above, because steps are acknowledged late whatever the app's own tasks are.
        _default(conf, True, "broker_channel_error_retry", "BROKER_CHANNEL_ERROR_RETRY")
    conf.broker_transport = transport_for(broker)
    if conf.broker_transport == PGMQ:
        database = host.settings.broker_database(broker)
        if database is not None:
            conf.broker_url = _shown(database)
            conf.broker_transport_options = _options(host.settings, database) | conf.broker_transport_options


def broker_database(app: Celery, settings: Settings) -> str | None:
    """What libpq takes to reach the database that is this app's broker. None: its broker is none."""
    if app.conf.broker_transport != PGMQ:
        return None
    given = app.conf.broker_transport_options.get("database")
    return str(given) if given else settings.broker_database(app.conf.broker_url)


def _of_pgmq(settings: Settings, broker: str) -> dict[str, Any]:
    database = settings.broker_database(broker)
    if database is None:
        return {}
    return {
        "broker_url": _shown(database),
        "broker_transport_options": _options(settings, database),
        # A worker's mailbox is a pair of tables here, which nobody drops when the worker dies.
        "worker_enable_remote_control": False,
    }


def _options(settings: Settings, database: str) -> dict[str, Any]:
    return {"database": database, "use_notify": settings.session_locks}


def _shown(database: str) -> str:
    """A URL that kombu can read, for its messages; it takes one host, and no parameters."""
    parts = {name: str(part) for name, part in conninfo_to_dict(database).items() if part is not None}
    user, password = quote(parts.get("user", ""), safe=""), quote(parts.get("password", ""), safe="")
    host, port = (parts.get(name, "").partition(",")[0] for name in ("host", "port"))
    credentials = f"{user}:{password}@" if password else f"{user}@" if user else ""
    name = quote(parts.get("dbname", ""), safe="")
    return f"pgmq://{credentials}{host if not host.startswith('/') else ''}{f':{port}' if port else ''}/{name}"


def _require_pgmq() -> None:
    missing = [name for name in ("pgmq", "kombu.transport.pgmq") if find_spec(name) is None]
    if missing:
        raise ConfigurationError(
            f"the broker pgmq:// needs packages that are not here ({', '.join(missing)}): "
            "pip install 'durableflow[pgmq]'"
        )
