"""What stands between the processes and PostgreSQL: nothing, or a pooler such as PgBouncer, and in which mode.

A pooler has no sign that a client could ask for. But the process id that it gives a client for cancelling is of its own
making, while ``pg_backend_pid()`` is PostgreSQL's. And in transaction mode, a connection that is idle lends its server
process to the next one.
"""

from collections.abc import Iterator

import psycopg

from durableflow.client.database import Connection, connect
from durableflow.doctor.finding import Finding, NotMade, danger, note, warning
from durableflow.doctor.patience import NoAnswer, within
from durableflow.doctor.patient import Patient
from durableflow.errors import ConfigurationError
from durableflow.worker.connections import connect as connect_as_workers_do

_TRIES = 5

_LOCKS = (
    "set DURABLEFLOW_SESSION_LOCKS=false for every process, or let them connect past the pooler, or in session mode"
)


def find_pooler(patient: Patient) -> bool:
    """Whether there is a pooler in between. Raises NotMade."""
    return patient.ask_database(lambda connection: connection.info.backend_pid != _server_process(connection))


def pooler(patient: Patient) -> Iterator[Finding]:
    """What durableflow assumes of its sessions is so: PgBouncer in transaction mode keeps none."""
    locks = patient.settings.session_locks
    if not find_pooler(patient):
        if not locks:
            yield note(
                "session locks are off, and no pooler is in between",
                "a killed worker is noticed by its silence alone, after DURABLEFLOW_WORKER_TIMEOUT "
                f"({patient.settings.worker_timeout:g} s), and not within two seconds",
                "unset DURABLEFLOW_SESSION_LOCKS, if workers connect as this process does",
            )
        return
    if _lends_sessions(patient):
        if locks:
            yield danger(
                "PgBouncer, or another pooler, is in transaction mode",
                "session locks and prepared statements get lost between the sessions: living workers are taken for "
                "dead, and transitions fail",
                _LOCKS,
            )
    elif not locks:
        yield note(
            "session locks are off, and the pooler seems to keep sessions",
            "a killed worker is noticed by its silence alone, after DURABLEFLOW_WORKER_TIMEOUT "
            f"({patient.settings.worker_timeout:g} s), and not within two seconds",
            "unset DURABLEFLOW_SESSION_LOCKS, if the pooler is in session mode for certain",
        )
    else:
        yield warning(
            "a pooler is in between, which seems to keep sessions",
            "each process of a worker needs a session of its own for as long as it lives: with a pool that is smaller, "
            "workers wait for each other; in transaction mode, which a busy pooler may hide from this check, session "
            "locks get lost",
            f"let the pool have one session for each process and two for each worker; in transaction mode, {_LOCKS}",
        )


def way_in(patient: Patient) -> Iterator[Finding]:
    """Workers can connect as they do, with settings for their sessions."""
    patient.ask_database(lambda _: None)  # where nobody can connect, that is told elsewhere
    settings = patient.settings
    try:
        within(patient.patience, lambda: connect_as_workers_do(settings, "durableflow doctor").close())
    except NoAnswer:
        raise NotMade(f"no answer within {patient.patience:g} s") from None
    except psycopg.Error as error:
        yield danger(
            "workers cannot connect to the database",
            f"with what a worker's session asks for, the server refuses: {patient.said(error)}",
            "behind PgBouncer in transaction mode, set DURABLEFLOW_SESSION_LOCKS=false; in session mode, let it pass "
            "startup options: ignore_startup_parameters = options takes them and does nothing",
        )


def _lends_sessions(patient: Patient) -> bool:
    """Whether two connections of ours get one server process, one after the other."""

    def look(first: Connection) -> bool:
        with connect(patient.settings, "durableflow doctor") as second:
            second.prepare_threshold = None
            for _ in range(_TRIES):
                idle = _server_process(first)
                with second.transaction():
                    if _server_process(second) == idle:
                        return True
                if _server_process(first) != idle:
                    return True
        return False

    try:
        return patient.ask_database(look)
    except ConfigurationError as error:
        raise NotMade(str(error)) from None


def _server_process(connection: Connection) -> int:
    row = connection.execute("SELECT pg_backend_pid()").fetchone()
    assert row is not None
    return int(row[0])
