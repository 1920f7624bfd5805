"""The client's own connections: few, opened when they are needed, never shared across a fork.

A connection is taken for one transaction or one read, and given back. There are no threads and no timers, so that a
library in somebody else's process leaves nothing behind in it; a connection that went stale is noticed by the statement
that fails on it, which is then run once more on a new one.
"""

import os
import threading
import weakref
from collections import deque
from collections.abc import Callable
from typing import Any, TypeVar
from urllib.parse import unquote

import psycopg

from durableflow.config import Settings, redact, secrets_in
from durableflow.errors import ConfigurationError, DatabaseUnreachable
from durableflow.store.faults import is_transient, lost_connection

Connection = psycopg.Connection[tuple[Any, ...]]
T = TypeVar("T")

_MOST = 4
_CONNECT_SECONDS = 5


class Database:
    """At most four connections of this process to the database in ``settings``; name: of the application, for
    ``pg_stat_activity``."""

    def __init__(self, settings: Settings, name: str) -> None:
        self._settings = settings
        self._name = name
        self._start_over()

    def _start_over(self) -> None:
        self._pid = os.getpid()
        self._idle: deque[Connection] = deque()
        weakref.finalize(self, _close, self._idle, self._pid)
        self._places = threading.BoundedSemaphore(_MOST)
        self._checked = False
        self._check = threading.Lock()

    def transact(self, work: Callable[[Connection], T], *, again: Callable[[Connection], T] | None = None) -> T:
        """Run ``work`` on an autocommit connection.

        again: what runs instead, once, where the connection was lost and ``work`` may have landed all the same.

        Raises:
            DatabaseUnreachable; SchemaMissing, SchemaOutdated, SchemaNewer at the first use; ConfigurationError.
        """
        self._after_fork()
        with self._places:
            try:
                return self._once(work)
            except psycopg.Error as error:
                if not is_transient(error):
                    raise
            try:
                return self._once(again or work)
            except psycopg.Error as error:
                if not is_transient(error):
                    raise
                raise _unreachable(error, self._settings.require_database()) from error

    def close(self) -> None:
        """Close what is idle."""
        self._after_fork()
        _close(self._idle, self._pid)

    def _once(self, work: Callable[[Connection], T]) -> T:
        conn = self._take()
        try:
            result = work(conn)
        except BaseException as error:
            # A signal in the middle of a statement leaves the connection unusable: only a plain database error on a
            # connection that still answers, or an error of our own, lets it be used again.
            if isinstance(error, Exception) and not lost_connection(error, conn):
                self._give_back(conn)
            else:
                conn.close()
                self._drop_stale()
            raise
        self._give_back(conn)
        return result

    def _take(self) -> Connection:
        try:
            return self._idle.pop()
        except IndexError:
            conn = connect(self._settings, f"durableflow client {self._name}")
        if not self._checked:
            self._check_schema(conn)
        return conn

    def _give_back(self, conn: Connection) -> None:
        if conn.info.transaction_status == psycopg.pq.TransactionStatus.IDLE:
            self._idle.append(conn)
        else:
            conn.close()

    def _drop_stale(self) -> None:
        """A lost connection rarely comes alone: after a restart of PostgreSQL, none of the idle ones is any good."""
        _close(self._idle, self._pid)

    def _check_schema(self, conn: Connection) -> None:
        from durableflow.migrations import check_schema  # imports Alembic: half a second that most imports do not need

        with self._check:
            try:
                check_schema(conn)
            except BaseException:
                conn.close()
                raise
            self._checked = True

    def _after_fork(self) -> None:
        """In a forked child: the parent's connections are not ours, and closing them would end its sessions."""
        if self._pid != os.getpid():
            _inherited.append(self._idle)
            self._start_over()


def connect(settings: Settings, application_name: str) -> Connection:
    """Open an autocommit connection, and look at nothing.

    Raises:
        DatabaseUnreachable, ConfigurationError: with a message that shows no password.
    """
    url = settings.require_database()
    try:
        return psycopg.connect(
            url,
            autocommit=True,
            application_name=application_name,
            connect_timeout=_CONNECT_SECONDS,
            prepare_threshold=5 if settings.session_locks else None,
            tcp_user_timeout=10_000,
        )
    except psycopg.ProgrammingError:
        pass  # libpq quotes the part of the URL that it does not understand: that may be the password
    except psycopg.OperationalError as error:
        unreachable = _unreachable(error, url)
        raise unreachable from (error if str(error) in str(unreachable) else None)
    raise ConfigurationError(
        f"{redact(url)} is not a PostgreSQL URL: special characters in the user, password or options have to be "
        "percent-encoded"
    )


def shows_password(text: str, url: str) -> bool:
    """Whether a driver's message gives away a part of the URL's password, which happens where it is wrongly quoted."""
    credentials = url.partition("://")[2].rpartition("@")[0]
    password = credentials.partition(":")[2]
    parts = [password, unquote(password), *password.replace(":", "@").replace("/", "@").split("@")]
    parts += [part for secret in secrets_in(url) for part in (secret, unquote(secret))]
    return any(part in text for part in parts if len(part) > 2)


def _unreachable(error: psycopg.Error, url: str) -> DatabaseUnreachable:
    said = str(error).strip()
    if shows_password(said, url):
        said = type(error).__name__
    return DatabaseUnreachable(
        f"no database answers at {redact(url)}: {said}: is PostgreSQL running there, and is "
        "DURABLEFLOW_DATABASE_URL (or database=...) right?"
    )


_inherited: list[deque[Connection]] = []


def _close(idle: deque[Connection], pid: int) -> None:
    """Close connections, in the process that opened them."""
    while idle and pid == os.getpid():
        idle.pop().close()
