"""Install pgmq, queues that are tables, into the database that is the broker: as plain SQL, without an extension."""

import psycopg

from durableflow.config import redact
from durableflow.errors import ConfigurationError, DatabaseUnreachable

# Any number that no other program is likely to lock.
_LOCK_KEY = 0x38F6_42D1_0C5A_77E4

_WHAT_IS_THERE = """
SELECT to_regclass('pgmq.meta') IS NOT NULL, to_regprocedure('pgmq.send_topic(text, jsonb)') IS NOT NULL
"""


def install_pgmq(database: str) -> bool:
    """Install pgmq, unless it is there, in whatever way it came. Any number of processes may call this at once.

    :param database: what libpq takes, such as ``postgresql://user:password@host:port/name``.
    :returns: False: it was there.
    :raises DatabaseUnreachable: no PostgreSQL answers there.
    :raises ConfigurationError: the package pgmq is missing, this user may not create a schema, or what is there is too
        old.
    """
    try:
        conn = psycopg.connect(database)
    except psycopg.OperationalError as error:
        raise DatabaseUnreachable(
            f"no database answers at {redact(database)}, which is the broker: {error} - is PostgreSQL running there, "
            "and is DURABLEFLOW_BROKER_URL right?"
        ) from error
    with conn:
        conn.execute("SELECT pg_advisory_xact_lock(%s)", (_LOCK_KEY,))
        there, complete = conn.execute(_WHAT_IS_THERE).fetchone() or (False, False)
        if there and not complete:
            raise ConfigurationError(
                f"the pgmq in {redact(database)} is older than this needs (1.11): upgrade it there, as with "
                "`ALTER EXTENSION pgmq UPDATE`, or use another database as DURABLEFLOW_BROKER_URL=pgmq://..."
            )
        if not there:
            _install(conn, database)
        return not there


def _install(conn: psycopg.Connection[tuple[bool, bool]], database: str) -> None:
    try:
        from pgmq.install import get_embedded_install_sql
    except ImportError:
        raise ConfigurationError("the broker pgmq:// needs the package pgmq: pip install 'durableflow[pgmq]'") from None
    try:
        conn.execute(get_embedded_install_sql().encode())
    except psycopg.errors.InsufficientPrivilege as error:
        raise ConfigurationError(
            f"pgmq cannot be installed in {redact(database)} ({error.diag.message_primary}): run `durableflow migrate "
            "--broker pgmq://...` once as a user who may create a schema there, and grant the workers' user its use"
        ) from error
