"""A connection of the steward's own, that comes back by itself, and that no forked child keeps alive.

A child that is forked while a connection is open inherits its socket. PostgreSQL then holds the session, with its lock,
until the child has died too: the dead parent looks alive. So a fork replaces the child's copy with ``/dev/null`` (never
closes it: the number would be used again, and libpq's goodbye would go to whatever got it).
"""

import logging
import os
import random
import weakref
from contextlib import suppress

import psycopg
from psycopg.conninfo import make_conninfo

from durableflow.config import redact
from durableflow.steward import threads
from durableflow.steward.settings import StewardSettings
from durableflow.store.successor import Connection

log = logging.getLogger("durableflow.steward")

_open: "weakref.WeakSet[Connection]" = weakref.WeakSet()
_forks = 0


def _count_fork() -> None:
    global _forks
    _forks += 1


def _let_go_in_child() -> None:
    nothing = os.open(os.devnull, os.O_RDWR)
    for conn in list(_open):
        if not conn.closed:
            os.dup2(nothing, conn.fileno(), inheritable=False)
    os.close(nothing)
    _open.clear()


if hasattr(os, "register_at_fork"):
    os.register_at_fork(before=_count_fork, after_in_child=_let_go_in_child)


def keep_from_children(conn: Connection) -> None:
    """Have a forked child's copy of this connection lead nowhere."""
    _open.add(conn)


class Link:
    """One connection: made on demand, made anew after it broke, at growing intervals; logs once per outage.

    name: what the connection is for, shown in pg_stat_activity and in the log.
    """

    def __init__(self, database: str, settings: StewardSettings, name: str) -> None:
        self._database = database
        self._settings = settings
        self._name = name
        self._conn: Connection | None = None
        self._tries = 0
        self._broken_at: float | None = None

    def present(self) -> Connection | None:
        """The open connection. None: there is none, or it broke."""
        if self._conn is not None and self._conn.closed:
            self._note_outage("the connection broke")
            self._conn = None
        return self._conn

    def connect(self) -> Connection | None:
        """Make the connection. None: it did not work; try again after ``pause`` seconds."""
        try:
            self._conn = self._fresh()
        except psycopg.Error as error:
            self._note_outage(str(error).strip().replace("\n", " "))
            self._tries += 1
            return None
        return self._conn

    def works(self) -> None:
        """The connection has been used: an outage is over."""
        self._tries = 0
        if self._broken_at is not None:
            log.info("%s: the database is back after %.1f s", self._name, threads.monotonic() - self._broken_at)
            self._broken_at = None

    def failed(self) -> None:
        """The connection was made, but could not be used: the next one is made after a longer pause."""
        self.drop()
        self._tries += 1

    def pause(self) -> float:
        """Seconds to wait before the next try. Growing, but always less than the silence that counts against a worker
        whose lock is gone: when a database is back, whoever returns first must not bury those who come a moment later.
        """
        longest = self._settings.quick_timeout / 2
        return float(min(longest, 0.1 * 2 ** min(self._tries, 5))) * random.uniform(0.75, 1.25)

    def drop(self) -> None:
        """Give the connection up, whatever state it is in."""
        conn, self._conn = self._conn, None
        if conn is not None:
            _open.discard(conn)
            with suppress(psycopg.Error):
                conn.close()

    def _fresh(self) -> Connection:
        while True:
            forks = _forks
            conn: Connection = psycopg.connect(self._conninfo(), autocommit=True, prepare_threshold=self._prepare())
            keep_from_children(conn)
            if forks == _forks:
                break
            conn.close()  # a child was forked while we connected, and may hold a copy of the socket
        self._configure(conn)
        return conn

    def _prepare(self) -> int | None:
        return 5 if self._settings.session_locks else None

    def _conninfo(self) -> str:
        # A server that is gone without a word must be noticed well before this worker counts as dead.
        patience = max(int(self._settings.worker_timeout / 2), 2)
        return make_conninfo(
            self._database,
            application_name=f"durableflow {self._name}",
            connect_timeout=min(patience, 3),
            keepalives=1,
            keepalives_idle=patience,
            keepalives_interval=1,
            keepalives_count=2,
            tcp_user_timeout=patience * 1000,
        )

    def _configure(self, conn: Connection) -> None:
        """Session settings, where the session is ours alone."""
        if not self._settings.session_locks:
            return
        patience = f"{max(int(self._settings.worker_timeout * 500), 1000)}ms"
        conn.execute(
            "SELECT set_config('jit', 'off', false),"  # compiling one of our statements takes longer than running it
            " set_config('statement_timeout', %(patience)s, false), set_config('lock_timeout', '1s', false),"
            " set_config('idle_in_transaction_session_timeout', %(patience)s, false),"
            " set_config('tcp_user_timeout', %(patience)s, false), set_config('tcp_keepalives_idle', '2', false),"
            " set_config('tcp_keepalives_interval', '1', false), set_config('tcp_keepalives_count', '3', false)",
            {"patience": patience},
        )

    def _note_outage(self, reason: str) -> None:
        if self._broken_at is None:
            self._broken_at = threads.monotonic()
            log.warning("%s: no connection to %s: %s", self._name, redact(self._database), reason)
