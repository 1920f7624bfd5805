"""PostgreSQL for the processes that run steps: few connections, opened late, never shared across a fork.

A connection is taken for one transition and given back at once, so that a process holds as many as it has transitions
at the same moment: one in a prefork child, however long its step runs, and a few where steps are threads or greenlets,
however many there are.
"""

import os
from collections.abc import Callable
from typing import Any, TypeVar
from weakref import WeakSet

import psycopg
from tenacity import Retrying, retry_if_exception, stop_after_delay, wait_random_exponential

from durableflow.config import Settings
from durableflow.store.faults import is_transient, lost_connection
from durableflow.worker.lanes import Lanes

Connection = psycopg.Connection[tuple[Any, ...]]

T = TypeVar("T")

PATIENCE = 60.0
"""Seconds for which a commit is tried again in place while the database is away."""


class Connections:
    """The connections of this process to the database in ``settings``."""

    def __init__(self, settings: Settings) -> None:
        self._settings = settings
        self._lanes: Lanes[Connection] = Lanes()
        _instances.add(self)

    def transact(
        self,
        work: Callable[[Connection], T],
        *,
        again: Callable[[Connection], T] | None = None,
        patience: float = PATIENCE,
    ) -> T:
        """Run ``work`` on a connection, and again where an error passes by itself.

        again: runs instead of ``work`` from the second time on, because the first may have landed although its reply
        was lost; patience: seconds after which the last error is raised. Errors that do not pass are raised at once.
        """
        try:
            return self._once(work)
        except psycopg.Error as error:
            if not is_transient(error):
                raise
        retrying = Retrying(
            retry=retry_if_exception(is_transient),
            wait=wait_random_exponential(multiplier=0.05, max=2.0),
            stop=stop_after_delay(patience),
            reraise=True,
        )
        result: T = retrying(self._once, again or work)
        return result

    def close(self) -> None:
        """Close what is idle."""
        for conn in self._lanes.idle():
            conn.close()

    def forget(self) -> None:
        """In a forked child: the parent's connections are not ours, and to close them would end its sessions."""
        _inherited.extend(self._lanes.start_over())

    def _once(self, work: Callable[[Connection], T]) -> T:
        lane = self._lanes.here()
        with lane.places:
            try:
                conn = lane.idle.pop()
            except IndexError:
                conn = connect(self._settings, "durableflow step")
            try:
                result = work(conn)
            except BaseException as error:
                # A signal in the middle of a statement leaves the connection unusable: only a plain database error on a
                # connection that still answers lets it be used again.
                if isinstance(error, psycopg.Error) and not lost_connection(error, conn):
                    lane.idle.append(conn)
                else:
                    conn.close()
                raise
            lane.idle.append(conn)
            return result


def connect(settings: Settings, application_name: str) -> Connection:
    """Open an autocommit connection that notices a dead network well before its worker counts as dead."""
    patience = max(1, int(settings.worker_timeout / 2))
    session: dict[str, Any] = {}
    if settings.session_locks:  # without PgBouncer in between, which refuses startup options and prepared statements
        session["options"] = (
            f"-c idle_in_transaction_session_timeout={patience * 1000} -c plan_cache_mode=force_generic_plan "
            "-c jit=off"  # compiling one of our statements takes longer than running it
        )
    return psycopg.connect(
        settings.require_database(),
        autocommit=True,
        prepare_threshold=0 if settings.session_locks else None,
        application_name=application_name,
        connect_timeout=patience,
        keepalives_idle=patience,
        keepalives_interval=1,
        keepalives_count=3,
        tcp_user_timeout=patience * 1000,
        **session,
    )


_instances: WeakSet[Connections] = WeakSet()
_inherited: list[Connection] = []


def _forget_all() -> None:
    for connections in list(_instances):
        connections.forget()


if hasattr(os, "register_at_fork"):
    os.register_at_fork(after_in_child=_forget_all)
