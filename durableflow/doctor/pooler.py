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

_TRIES = 3

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
    try:
        lends = _lends_sessions(patient)
    except NoAnswer:
        yield danger(
            "the pooler has no second session for us",
            "each process of a worker needs a session of its own for as long as it lives, and each worker two more: "
            "this pool has none left",
            "raise default_pool_size of PgBouncer to what all workers need, or use transaction mode with "
            "DURABLEFLOW_SESSION_LOCKS=false",
        )
        return
    if lends:
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
            "behind PgBouncer in transaction mode, set DURABLEFLOW_SESSION_LOCKS=false; in session mode, let it take "
            "startup options: ignore_startup_parameters = options in pgbouncer.ini",
        )


def _lends_sessions(patient: Patient) -> bool:
    """Whether two connections of ours get one server process, one after the other.

    Raises:
        NoAnswer: the second one gets none, while the first one has it.
        NotMade: it is refused.
    """

    def borrow() -> int:
        with connect(patient.settings, "durableflow doctor") as second, second.transaction():
            second.prepare_threshold = None
            return _server_process(second)

    for _ in range(_TRIES):
        idle = patient.ask_database(_server_process)
        try:
            borrowed = within(patient.patience, borrow)
        except (ConfigurationError, psycopg.Error) as error:
            raise NotMade(f"a second connection is refused: {patient.said(error)}") from None
        if borrowed == idle or patient.ask_database(_server_process) != idle:
            return True
    return False


def _server_process(connection: Connection) -> int:
    row = connection.execute("SELECT pg_backend_pid()").fetchone()
    assert row is not None
    return int(row[0])
