"""What a worker makes sure of before it takes work."""

import logging
from typing import Any

import psycopg

from durableflow.client.versions import remember
from durableflow.config import redact
from durableflow.errors import ConfigurationError, DatabaseUnreachable
from durableflow.language.schedules import Entry
from durableflow.migrations.pgmq import install_pgmq
from durableflow.store import schedule
from durableflow.store.successor import Connection
from durableflow.worker.connections import connect
from durableflow.worker.queues import declare
from durableflow.worker.runtime import Runtime
from durableflow.worker.settings import broker_database

_log = logging.getLogger(__name__)

_BROKER_PATIENCE = 3.0


def prepare(runtime: Runtime) -> None:
    """Check the settings, the database and its schema; store the workflow versions and schedules of this worker. Where
    a database is the broker, install pgmq there, if it is not there yet.

    Raises:
        ConfigurationError: of the class that says what is wrong, with the way out in its message.
    """
    logging.getLogger("alembic.runtime.plugins").setLevel(logging.WARNING)  # it tells of each as it is imported
    from durableflow.migrations import check_schema  # not at the top: a spawned child would spend a third of its start

    app, settings = runtime.app, runtime.settings
    if not {"json", "application/json"} & set(app.conf.accept_content):
        raise ConfigurationError("durableflow's messages are JSON: add 'json' to the Celery app's accept_content")
    url = settings.require_database()
    try:
        conn = connect(settings, "durableflow boot")
    except psycopg.OperationalError as error:
        raise DatabaseUnreachable(
            f"no database answers at {redact(url)}: {error} - is PostgreSQL running, "
            "and is DURABLEFLOW_DATABASE_URL right?"
        ) from error
    with conn:
        check_schema(conn)
        for workflow in runtime.registry.compiled:
            remember(conn, workflow, settings)
        _register_schedules(conn, runtime)
    broker = broker_database(app, settings)
    if broker is not None:
        install_pgmq(broker)


def schedules_of(runtime: Runtime) -> list[Entry]:
    """The schedules of the application, in an order that is the same in every worker."""
    found = (entry for workflow in runtime.registry.workflows for entry in workflow.schedules)
    return sorted(found, key=lambda entry: entry.name)


def _register_schedules(conn: Connection, runtime: Runtime) -> None:
    """Each in a transaction of its own: two deploys that start at once must not wait for each other's rows."""
    app, entries = runtime.registry.app, schedules_of(runtime)
    for entry in entries:
        if not schedule.register(conn, app, entry):
            _log.error(
                "schedule %s is not served: another application of this database has one of that name; give it a "
                "name of its own, Cron(..., name=...)",
                entry.name,
            )
    for name in schedule.remove(conn, app, keep=[entry.name for entry in entries]):
        _log.warning("schedule %s is not in the code any more: it is removed, its history stays", name)


def broker_trouble(runtime: Runtime) -> str | None:
    """Why the broker cannot be reached at present; None: it can. Celery goes on trying, so it is no error yet."""
    connection: Any = runtime.app.connection_for_write(connect_timeout=_BROKER_PATIENCE)
    try:
        connection.ensure_connection(max_retries=1, interval_start=0.1, timeout=_BROKER_PATIENCE)
        connection.default_channel.queue_declare  # noqa: B018 - with Redis, only a channel connects
    except Exception as error:  # each transport has errors of its own
        return (
            f"no broker answers at {redact(str(runtime.app.conf.broker_url))} ({type(error).__name__}): is it running, "
            "and is DURABLEFLOW_BROKER_URL right? The worker goes on trying"
        )
    finally:
        connection.close()
    return None


def declare_queues(runtime: Runtime) -> None:
    """Declare what this worker is going to consume, where Celery's consumer would end the worker over a queue that is
    there already, and is another kind of queue than it expects (RabbitMQ)."""
    connection: Any = runtime.app.connection_for_write(connect_timeout=_BROKER_PATIENCE)
    try:
        if connection.transport.driver_type == "amqp":
            for queue in runtime.app.amqp.queues.consume_from.values():
                declare(connection, queue)
    finally:
        connection.close()


def consume_own_queues(runtime: Runtime) -> None:
    """Let a worker that was started without ``-Q`` consume every queue that the application's definitions name."""
    queues = runtime.app.amqp.queues
    if queues._consume_from is not None:
        return
    named = {definition.queue for definition in runtime.registry.workflows}
    named |= {step.defaults.queue for step in runtime.registry.steps}
    for name in sorted({runtime.settings.queue, *(name for name in named if name is not None)}):
        queues[name]  # defines it, where it is not
