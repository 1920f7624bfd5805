"""A transport's connection to the PostgreSQL that is its broker."""

import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any

import psycopg
from psycopg import sql
from psycopg.conninfo import make_conninfo

from durableflow.steward.link import keep_from_children

Connection = psycopg.Connection[tuple[Any, ...]]

_PATIENCE = 5  # seconds: as long as the shortest of the worker's own connections, so that both notice the same outage


class Line:
    """One autocommit connection, opened at its first use, that threads take turns at.

    pgmq's client is made for a pool, of which this is as much as it uses; a pool keeps three threads and would open
    connections that nobody has counted. It does not come back by itself: a broken line raises until it is closed, so
    that Celery and the publisher find out in the way that they know from other brokers.

    conninfo: what libpq takes; session: False behind PgBouncer in transaction mode, where nothing belongs to a session;
    hear: called, in whichever thread reads from the connection, when a channel that is listened to has been notified.
    """

    def __init__(self, conninfo: str, *, session: bool, hear: Callable[[], None]) -> None:
        self._conninfo = make_conninfo(
            conninfo,
            application_name="durableflow broker",
            connect_timeout=_PATIENCE,
            keepalives_idle=_PATIENCE,
            keepalives_interval=1,
            keepalives_count=3,
            tcp_user_timeout=_PATIENCE * 1000,
        )
        self._prepare = 5 if session else None
        self._hear = hear
        self._conn: Connection | None = None
        self._lock = threading.RLock()

    @contextmanager
    def connection(self) -> Iterator[Connection]:
        """The connection, for one thread at a time."""
        with self._lock:
            if self._conn is None:
                self._conn = psycopg.connect(self._conninfo, autocommit=True, prepare_threshold=self._prepare)
                keep_from_children(self._conn)  # nobody would read what a dead parent's session is notified of
                # Also keeps psycopg from collecting the notifications that nobody asks for.
                self._conn.add_notify_handler(lambda _notification: self._hear())
            yield self._conn

    def execute(self, statement: str, parameters: dict[str, Any]) -> list[tuple[Any, ...]]:
        """Run one statement, as a transaction of its own, and give its rows."""
        with self.connection() as conn:
            return conn.execute(statement.encode(), parameters).fetchall()

    def listen(self, channel: str) -> None:
        """Have ``hear`` called when this channel is notified."""
        with self.connection() as conn:
            conn.execute(sql.SQL("LISTEN {}").format(sql.Identifier(channel)))

    def fileno(self) -> int:
        """What to wait at for notifications; ``consume`` then takes them."""
        with self.connection() as conn:
            return conn.fileno()

    def consume(self) -> None:
        """Take what has arrived, without waiting. Raises psycopg.OperationalError where the connection is gone."""
        with self.connection() as conn:
            conn.pgconn.consume_input()
            while (notification := conn.pgconn.notifies()) is not None:
                assert conn.pgconn.notify_handler is not None
                conn.pgconn.notify_handler(notification)

    def close(self) -> None:
        """Close the connection; the next use opens another."""
        with self._lock:
            conn, self._conn = self._conn, None
            if conn is not None:
                conn.close()
