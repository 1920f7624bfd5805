"""What is examined: an application, its database, and its broker."""

import functools
from collections.abc import Callable, Mapping
from contextlib import suppress
from typing import Any, TypeVar

import psycopg
from celery import Celery

from durableflow.app import DurableFlow
from durableflow.client.database import Connection, connect, shows_password
from durableflow.config import Settings, redact
from durableflow.doctor.finding import DoesNotApply, NotMade
from durableflow.doctor.patience import PATIENCE, NoAnswer, within
from durableflow.errors import ConfigurationError
from durableflow.migrations import check_schema
from durableflow.store.messages import ADVANCE

T = TypeVar("T")

_SOCKET_SECONDS = 3.0
_STATEMENT = "5s"

_LOOKING = {
    "socket_timeout": _SOCKET_SECONDS,
    "socket_connect_timeout": _SOCKET_SECONDS,
    "init_extension": False,  # pgmq: to connect would make it
}


class Patient:
    """Opens what a check asks for when it asks. A server that has failed once is not asked again: every check that
    needs it is then one that could not be made.

    flow: the application; patience: seconds to wait for an answer.
    """

    def __init__(self, flow: DurableFlow, *, patience: float = PATIENCE) -> None:
        self.flow = flow
        self.patience = patience
        self._connection: Connection | None = None
        self._database_trouble: str | None = None
        self._broker: Any = None
        self._broker_trouble: str | None = None

    def close(self) -> None:
        """Let go of the servers; one that does not answer is left alone."""
        connection, self._connection = self._connection, None
        if connection is not None and self._database_trouble is None:
            connection.close()
        broker, self._broker = self._broker, None
        if broker is not None and self._broker_trouble is None:
            with suppress(Exception):  # each transport has errors of its own, and nothing is asked any more
                within(self.patience, broker.close)

    # --- the application

    @property
    def app(self) -> Celery:
        """The Celery app."""
        return self.flow.celery

    @property
    def settings(self) -> Settings:
        """The settings. Raises NotMade."""
        try:
            return self.flow.settings
        except Exception:  # an adopted app's own are read, too: whatever their module raises
            raise NotMade("the settings cannot be read") from None

    @functools.cached_property
    def conf(self) -> Any:
        """Celery's settings. Raises NotMade."""
        self.settings  # noqa: B018 - Celery would go on without what it could not get from them
        try:
            self.app.conf.task_always_eager  # noqa: B018 - reads the settings
        except Exception as error:  # whatever a user's configuration module raises
            raise NotMade(f"the Celery app's settings cannot be read: {self.said(error)}") from None
        return self.app.conf

    @property
    def urls(self) -> list[str]:
        """Every URL of the application that may hold a password."""
        with suppress(ConfigurationError):
            settings = self.flow.settings
            conf = self.app.conf
            given = [settings.database_url, settings.broker_url, conf.broker_url, conf.broker_read_url]
            given += [conf.broker_write_url, conf.result_backend]
            return [url for one in given for url in ([one] if isinstance(one, str) else one or [])]
        return []

    def said(self, error: BaseException) -> str:
        """What an error says, in one line; of one that gives a password away, its type."""
        text = " ".join(str(error).split())
        try:
            urls = self.urls
        except Exception:  # the very error may be that the app's settings cannot be read
            urls = []
        secret = any(shows_password(text, url) for url in urls)
        return type(error).__name__ if secret or not text else f"{type(error).__name__}: {text}"

    @functools.cached_property
    def other_tasks(self) -> dict[str, Any]:
        """The tasks that the app has beside ours and Celery's own, by name. They may run durably, and otherwise."""
        self.conf  # noqa: B018 - the app's tasks are not there before its settings are
        own = {ADVANCE, *(step.name for step in self.flow.registry.steps)}
        return {
            name: task for name, task in self.app.tasks.items() if name not in own and not name.startswith("celery.")
        }

    # --- the database

    def ask_database(self, ask: Callable[[Connection], T]) -> T:
        """What ``ask`` gives, or raises, on a connection. Raises NotMade where the database does not answer it."""
        connection = self._database()
        try:
            return within(self.patience, lambda: ask(connection))
        except NoAnswer:
            self._database_trouble = reason = f"the database gives no answer within {self.patience:g} s"
        except psycopg.Error as error:
            reason = self.said(error)
            if connection.closed:
                self._database_trouble = reason = f"the connection to the database broke: {reason}"
        raise NotMade(reason)

    def _database(self) -> Connection:
        if self._database_trouble is not None:
            raise NotMade(self._database_trouble)
        if self._connection is None:
            settings = self.settings
            try:
                self._connection = within(self.patience, lambda: connect(settings, "durableflow doctor"))
            except NoAnswer:
                self._database_trouble = f"the database gives no answer within {self.patience:g} s"
            except ConfigurationError as error:
                self._database_trouble = " ".join(str(error).split())
            if self._connection is None:
                raise NotMade(self._database_trouble)
            self._connection.prepare_threshold = None  # there may be a pooler in between
        return self._connection

    def rows(self, query: str, parameters: Mapping[str, object] | None = None) -> list[tuple[Any, ...]]:
        """What a query gives, in a read-only transaction of its own. Raises NotMade."""

        def ask(connection: Connection) -> list[tuple[Any, ...]]:
            with connection.transaction():
                connection.execute("SET TRANSACTION READ ONLY")
                connection.execute(f"SET LOCAL statement_timeout = '{_STATEMENT}'")
                return connection.execute(query.encode(), parameters).fetchall()

        return self.ask_database(ask)

    def records(self, query: str, parameters: Mapping[str, object] | None = None) -> list[tuple[Any, ...]]:
        """As ``rows``, of durableflow's own tables. Raises NotMade, also where these are not those of this code."""
        if not self.has_tables:
            raise NotMade("the database does not have the schema that this code needs")
        return self.rows(query, parameters)

    @functools.cached_property
    def has_tables(self) -> bool:
        """Whether the database has the schema that this code needs. Raises NotMade."""
        try:
            self.ask_database(check_schema)
        except ConfigurationError:
            return False
        return True

    # --- the broker

    def ask_broker(self, ask: Callable[[Any], T]) -> T:
        """What ``ask`` gives of a kombu connection. Raises NotMade."""
        broker = self._broker_connection()
        try:
            return within(self.patience, lambda: ask(broker))
        except NoAnswer:
            self._broker_trouble = reason = f"the broker gives no answer within {self.patience:g} s"
        except Exception as error:  # each transport has errors of its own
            reason = self.said(error)
        raise NotMade(reason)

    def _broker_connection(self) -> Any:
        if self._broker_trouble is not None:
            raise NotMade(self._broker_trouble)
        if self._broker is None:
            shown = self.broker_url
            try:
                self._broker = within(self.patience, self._open_broker)
            except NoAnswer:
                self._broker_trouble = f"the broker at {shown} gives no answer within {self.patience:g} s"
            except Exception as error:  # each transport has errors of its own
                self._broker_trouble = f"no broker answers at {shown}: {self.said(error)}"
            if self._broker is None:
                raise NotMade(self._broker_trouble)
        return self._broker

    def _open_broker(self) -> Any:
        broker = self.app.connection_for_write(
            connect_timeout=_SOCKET_SECONDS,
            transport_options=_LOOKING,
        )
        broker.ensure_connection(max_retries=1, interval_start=0.1, timeout=_SOCKET_SECONDS)
        broker.default_channel  # noqa: B018 - with Redis, only a channel connects
        return broker

    @property
    def broker_url(self) -> str:
        """Where the broker is, without its password. Raises NotMade."""
        url = self.conf.broker_write_url
        return redact(";".join(url) if isinstance(url, list | tuple) else str(url))

    @functools.cached_property
    def broker_kind(self) -> str:
        """What kombu calls this kind of broker: redis, amqp, memory, ... Nothing is connected. Raises NotMade."""
        self.conf  # noqa: B018 - or it cannot be read
        try:
            return str(self.app.connection_for_write().get_transport_cls().driver_type)
        except Exception as error:  # an address that kombu does not know, or whose driver is not installed
            raise NotMade(f"there is no transport for {self.broker_url}: {self.said(error)}") from None

    def ask_redis(self, ask: Callable[[Any, Any], T]) -> T:
        """What ``ask`` gives of kombu's channel and of a client of the Redis behind it. Raises DoesNotApply where the
        broker is another one, and NotMade."""
        if self.broker_kind != "redis":
            raise DoesNotApply

        def work(broker: Any) -> T:
            channel = broker.default_channel
            with channel.conn_or_acquire() as client:
                return ask(channel, client)

        return self.ask_broker(work)

    @functools.cached_property
    def redis_info(self) -> Mapping[str, Any]:
        """What Redis tells of itself. Raises DoesNotApply, NotMade."""
        info: Mapping[str, Any] = self.ask_redis(lambda _channel, client: client.info())
        return info
