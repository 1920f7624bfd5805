"""The database and the broker of a command, with the reason and the way out where they are not there."""

from contextlib import closing
from typing import TYPE_CHECKING, Any

from durableflow.cli.given import given_application
from durableflow.config import Settings, redact
from durableflow.errors import BrokerUnreachable

if TYPE_CHECKING:
    from durableflow import DurableFlow
    from durableflow.client.database import Database

_PATIENCE = 5  # seconds


def settings(url: str | None, broker: str | None = None) -> Settings:
    """The settings of a command: with the given URLs, or those of the application that it is given, or else of the
    environment."""
    given = given_application.get()
    if given is not None and url is None and broker is None:
        return given().settings
    return Settings.load(database_url=url, broker_url=broker)


def database(url: str | None) -> "Database":
    """The database of a command: the given URL, or that of its settings."""
    from durableflow.client.database import Database

    return Database(settings(url), "command line")


def check_servers(flow: "DurableFlow") -> None:
    """Find out before a worker starts what Celery would tell with a traceback, or by trying for ever.

    Raises:
        ConfigurationError: there is no URL.
        DatabaseUnreachable, BrokerUnreachable: nothing answers there.
        SchemaMissing, SchemaOutdated, SchemaNewer: the database is not at the revision that this code needs.
    """
    from durableflow.client.database import Database

    with closing(Database(flow.settings, "worker start")) as opened:
        opened.transact(lambda _connection: None)
    # An application that was adopted brings its broker in Celery's own settings.
    _check_broker(flow, flow.settings.broker_url or flow.celery.conf.broker_url or flow.settings.require_broker())


def _check_broker(flow: "DurableFlow", url: str) -> None:
    connection: Any = flow.celery.connection_for_write(connect_timeout=_PATIENCE)
    try:
        with connection as broker:
            broker.ensure_connection(max_retries=1, interval_start=0.2, timeout=_PATIENCE)
            broker.default_channel  # noqa: B018 - with Redis, only a channel connects
    except Exception as error:  # each transport has errors of its own
        raise BrokerUnreachable(
            f"no broker answers at {redact(url)} ({type(error).__name__}): is it running, and is "
            "DURABLEFLOW_BROKER_URL right? `durableflow dev` brings one"
        ) from None
