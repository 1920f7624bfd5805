"""Start a run in a transaction that is somebody else's: statements go over whatever connection they hold.

A connection is known by what it can do, not by its class, so that nobody needs the libraries that others use. Where it
can tell when it commits (a SQLAlchemy session, Django's connection) the message is published then; elsewhere the leader
finds the run's wake, because it looks for rows and not for new ids, and a long transaction commits late.
"""

import re
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import psycopg
from psycopg.pq import TransactionStatus

from durableflow.store.start import Execute, Rows

_PARAMETER = re.compile(r"%\((\w+)\)s(?:::([\w\[\]]+))?")


@dataclass(frozen=True, slots=True)
class Joined:
    """A foreign connection. execute: runs a statement in its transaction; after_commit: has something done once that
    has committed, or says False where nobody can tell."""

    execute: Execute
    after_commit: Callable[[Callable[[], None]], bool]


def join(connection: Any) -> Joined:
    """Find out what kind of connection this is. Raises TypeError where it cannot be used, with the way out."""
    if hasattr(connection, "run_sync"):
        raise TypeError(
            "connection= takes a synchronous connection or session; of an async one: "
            "await session.run_sync(lambda session: call.start(connection=session))"
        )
    if isinstance(connection, psycopg.AsyncConnection | psycopg.AsyncCursor):
        raise TypeError("connection= takes a synchronous psycopg connection, not an async one")
    if isinstance(connection, psycopg.Cursor):
        connection = connection.connection
    if isinstance(connection, psycopg.Connection):
        return _psycopg(connection)
    if callable(getattr(connection, "exec_driver_sql", None)):
        return Joined(_sqlalchemy_execute(connection), _unknown)
    if callable(getattr(connection, "get_bind", None)) and callable(getattr(connection, "execute", None)):
        return _session(connection)
    if callable(getattr(connection, "cursor", None)):
        return _dbapi(connection)
    if callable(getattr(connection, "execute", None)) and callable(getattr(connection, "fetchall", None)):
        return Joined(_cursor_execute(connection), _unknown)
    raise TypeError(
        "connection= takes a SQLAlchemy connection or session, a psycopg connection, or a DB-API connection or cursor, "
        f"not {type(connection).__name__}"
    )


def _psycopg(connection: psycopg.Connection[Any]) -> Joined:
    def execute(statement: str, parameters: Mapping[str, object]) -> Rows:
        with connection.cursor(row_factory=psycopg.rows.tuple_row) as cursor:
            cursor.execute(statement, parameters)
            return cursor.fetchall()

    def after_commit(publish: Callable[[], None]) -> bool:
        if connection.info.transaction_status != TransactionStatus.IDLE:
            return False
        publish()  # it is in autocommit mode
        return True

    return Joined(execute, after_commit)


def _sqlalchemy_execute(connection: Any) -> Execute:
    from sqlalchemy import text

    def own_notation(parameter: re.Match[str]) -> str:  # in which a colon cannot follow a parameter
        name, kind = parameter.groups()
        return f"CAST(:{name} AS {kind})" if kind else f":{name}"

    def execute(statement: str, parameters: Mapping[str, object]) -> Rows:
        # In SQLAlchemy's own notation, so that the dialect puts in its driver's.
        rows: Rows = connection.execute(text(_PARAMETER.sub(own_notation, statement)), dict(parameters)).fetchall()
        return rows

    return execute


_WAITING = "durableflow.publish"
"""Where a session's ``info`` keeps what is to be published when it commits."""


def _session(session: Any) -> Joined:
    session = session.registry() if hasattr(session, "registry") else session  # what a scoped_session stands for

    def after_commit(publish: Callable[[], None]) -> bool:
        if _WAITING not in session.info:
            session.info[_WAITING] = []
            _listen(session)
        session.info[_WAITING].append(publish)
        return True

    return Joined(_sqlalchemy_execute(session), after_commit)


def _listen(session: Any) -> None:
    """Publish when the session's transaction commits. A message too many, where a savepoint took a run back, finds no
    run and does no harm; one too few is the leader's to send."""
    from sqlalchemy import event

    def take() -> list[Callable[[], None]]:
        if session.in_nested_transaction():  # the end of a savepoint decides nothing
            return []
        waiting: list[Callable[[], None]] = session.info[_WAITING]
        session.info[_WAITING] = []
        return waiting

    def committed(_: Any) -> None:
        for publish in take():
            publish()

    def rolled_back(_: Any) -> None:
        take()

    event.listen(session, "after_commit", committed)
    event.listen(session, "after_rollback", rolled_back)


def _dbapi(connection: Any) -> Joined:
    def execute(statement: str, parameters: Mapping[str, object]) -> Rows:
        cursor = connection.cursor()
        try:
            return _cursor_execute(cursor)(statement, parameters)
        finally:
            cursor.close()

    def after_commit(publish: Callable[[], None]) -> bool:
        hook = getattr(connection, "on_commit", None)  # Django's
        if not callable(hook) or _is_committed_by_hand(connection):
            return False
        hook(publish)
        return True

    return Joined(execute, after_commit)


def _is_committed_by_hand(connection: Any) -> bool:
    """Of Django's: outside of ``atomic`` and with autocommit off, it refuses to have anything done after the commit."""
    return not getattr(connection, "in_atomic_block", True) and not getattr(connection, "autocommit", True)


def _cursor_execute(cursor: Any) -> Execute:
    def execute(statement: str, parameters: Mapping[str, object]) -> Rows:
        cursor.execute(statement, dict(parameters))
        rows: Sequence[Any] = cursor.fetchall()
        return [list(row.values()) if isinstance(row, Mapping) else row for row in rows]

    return execute


def _unknown(_: Callable[[], None]) -> bool:
    return False
