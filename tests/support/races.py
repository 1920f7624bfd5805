"""Races that happen every time: hold the lock in one connection, watch for the other to wait on it, let go.

::

    holder = race.connection()                      # autocommit is off: it keeps what it locks
    holder.execute("SELECT ... FOR UPDATE")
    late = race.start(complete, step, token, ...)   # complete(connection, step, token, ...) in a thread
    race.wait_until_blocked(late, by=holder)
    holder.commit()
    assert late.result() is None
"""

import threading
import time
from collections.abc import Callable
from typing import Any, Generic, TypeVar

import psycopg

T = TypeVar("T")
Connection = psycopg.Connection[tuple[Any, ...]]

PATIENCE = 20.0  # seconds until a wait counts as a test that hangs


class Contender(Generic[T]):
    """A call that runs in a thread, on a connection of its own."""

    def __init__(self, connection: Connection, call: Callable[..., T], args: tuple[Any, ...], kwargs: Any) -> None:
        self.connection = connection
        self.pid = connection.info.backend_pid
        self._outcome: T | None = None
        self._error: BaseException | None = None
        self._thread = threading.Thread(target=self._run, args=(call, args, kwargs), daemon=True)
        self._thread.start()

    def _run(self, call: Callable[..., T], args: tuple[Any, ...], kwargs: Any) -> None:
        try:
            self._outcome = call(self.connection, *args, **kwargs)
        except BaseException as error:
            self._error = error

    @property
    def done(self) -> bool:
        return not self._thread.is_alive()

    def result(self, timeout: float = PATIENCE) -> T:
        """What the call returned; raises what it raised."""
        self._thread.join(timeout)
        assert self.done, f"still at work after {timeout:g} s"
        if self._error is not None:
            raise self._error
        return self._outcome  # type: ignore[return-value]


class Race:
    """Connections of one test, and an observer that sees who waits for whom."""

    def __init__(self, url: str) -> None:
        self._url = url
        self._observer: Connection = psycopg.connect(url, autocommit=True)
        self._connections: list[Connection] = [self._observer]
        self._contenders: list[Contender[Any]] = []

    def connection(self, *, autocommit: bool = False) -> Connection:
        """A connection that is closed, and its transaction rolled back, when the test ends."""
        connection: Connection = psycopg.connect(self._url, autocommit=autocommit)
        self._connections.append(connection)
        return connection

    def start(self, call: Callable[..., T], *args: Any, **kwargs: Any) -> Contender[T]:
        """Run ``call(connection, *args, **kwargs)`` in a thread, on an autocommit connection of its own."""
        contender = Contender(self.connection(autocommit=True), call, args, kwargs)
        self._contenders.append(contender)
        return contender

    def wait_until_blocked(self, contender: Contender[Any], by: Connection | Contender[Any]) -> None:
        """Return when the contender waits for a lock that ``by`` holds, or is queued for it behind others."""
        holder = by.pid if isinstance(by, Contender) else by.info.backend_pid
        deadline = time.monotonic() + PATIENCE
        while not blocked_by(self._observer, contender.pid, holder):
            assert not contender.done, f"was not blocked: it ended with {contender.result()!r}"
            assert time.monotonic() < deadline, f"is not blocked by {holder} after {PATIENCE:g} s"
            time.sleep(0.005)

    def close(self) -> None:
        for connection in self._connections:
            if connection.info.transaction_status != psycopg.pq.TransactionStatus.ACTIVE:
                connection.close()
        for contender in self._contenders:
            contender.connection.cancel_safe(timeout=5)
            contender._thread.join(PATIENCE)
            contender.connection.close()


def blocked_by(observer: Connection, waiter: int, holder: int) -> bool:
    """Whether the server process ``waiter`` waits for ``holder``, directly or through others that wait for it."""
    row = observer.execute(
        """
        WITH RECURSIVE ahead(pid) AS (
            SELECT unnest(pg_blocking_pids(%(waiter)s))
            UNION
            SELECT b FROM ahead, unnest(pg_blocking_pids(ahead.pid)) AS b
        )
        SELECT %(holder)s IN (SELECT pid FROM ahead)
        """,
        {"waiter": waiter, "holder": holder},
    ).fetchone()
    return row is not None and bool(row[0])
