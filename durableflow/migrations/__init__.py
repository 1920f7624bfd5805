"""Bring a database to the schema that this code needs, and tell whether it is there.

The revisions live in ``durableflow/migrations/versions``, inside the package, so that an installed wheel can migrate;
they form an Alembic chain whose state is ``durableflow_core.schema_revision``.
"""

import threading
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from functools import cache
from pathlib import Path
from typing import Any

import psycopg
from alembic.operations import Operations
from alembic.runtime.migration import MigrationContext
from alembic.script import ScriptDirectory
from sqlalchemy import URL, Connection, Engine, create_engine, make_url
from sqlalchemy.exc import ArgumentError, OperationalError
from sqlalchemy.pool import NullPool

from durableflow.errors import ConfigurationError, DatabaseUnreachable, SchemaMissing, SchemaNewer, SchemaOutdated
from durableflow.migrations.environment import OPTIONS, prepare
from durableflow.store.schema import SCHEMA, VERSION_TABLE

__all__ = ["check_schema", "current_revision", "head_revision", "migrate"]

# Alembic's `op` is one proxy for the whole process: two threads that migrate at once would share a connection.
_one_at_a_time = threading.Lock()


def migrate(database: str | URL | Engine, revision: str = "head") -> str:
    """Bring a database to a revision, by default to the newest one that this code knows.

    Any number of processes may call this at once, also on an empty database: they wait for each other, and all of them
    return when the schema is there. Everything happens in one transaction: it is done, or nothing was.

    :param database: ``postgresql://user:password@host:port/name``, or a SQLAlchemy engine on psycopg.
    :param revision: a revision's id, ``head``, or ``base`` (removes durableflow's tables **and what is in them**).
    :returns: the revision that the database is at now.
    :raises DatabaseUnreachable: no PostgreSQL answers there.
    :raises SchemaNewer: a newer durableflow has migrated this database.
    :raises ConfigurationError: the address is not one of PostgreSQL, or the revision does not exist.
    """
    _resolve(revision)
    with _one_at_a_time, _engine(database) as engine:
        try:
            connection = engine.connect()
        except OperationalError as error:
            raise DatabaseUnreachable(
                f"no database answers at {_shown(engine.url)}: {error.orig}"
                ": is PostgreSQL running there, and is DURABLEFLOW_DATABASE_URL right?"
            ) from error
        with connection, connection.begin():
            prepare(connection)
            return _run(connection, revision)


def current_revision(connection: psycopg.Connection[Any]) -> str | None:
    """The revision that a database is at, or ``None`` when it has no durableflow schema."""
    with connection.cursor(row_factory=psycopg.rows.tuple_row) as cursor:
        cursor.execute("SELECT to_regclass(%s) IS NOT NULL", (f"{SCHEMA}.{VERSION_TABLE}",))
        there = cursor.fetchone()
        if there is None or not there[0]:
            return None
        cursor.execute(f"SELECT version_num FROM {SCHEMA}.{VERSION_TABLE}")
        row = cursor.fetchone()
    return None if row is None else str(row[0])


def head_revision() -> str:
    """The newest revision that this code knows: the one that it needs."""
    head = _scripts().get_current_head()
    if head is None:
        raise ConfigurationError("durableflow's installation is damaged: durableflow/migrations/versions is empty")
    return head


def _shown(url: URL) -> str:
    """The URL as its owner wrote it, without the driver that we have put in, and without the password."""
    return url.set(drivername="postgresql").render_as_string(hide_password=True)


def check_schema(connection: psycopg.Connection[Any]) -> None:
    """Refuse a database whose schema is not the one that this code was written for.

    :raises SchemaMissing: it has none.
    :raises SchemaOutdated: it is at an older revision.
    :raises SchemaNewer: it is at a revision that this code does not know.
    """
    found, needed = current_revision(connection), head_revision()
    if found == needed:
        return
    name = connection.info.dbname
    if found is None:
        raise SchemaMissing(
            f"database {name!r} has no durableflow schema: run `durableflow migrate` once, then start again"
        )
    if found in _known():
        raise SchemaOutdated(
            f"database {name!r} is at durableflow schema {found}, this code needs {needed}: run `durableflow migrate`"
        )
    raise _newer(name, found, needed)


def _newer(name: str, found: str, needed: str) -> SchemaNewer:
    return SchemaNewer(
        f"database {name!r} is at durableflow schema {found}, which this code (schema {needed}) does not know:"
        " upgrade the durableflow package, or check that this is the database you meant"
    )


def _run(connection: Connection, revision: str) -> str:
    scripts = _scripts()
    target = _resolve(revision)

    def steps(found: tuple[str, ...], context: MigrationContext) -> Iterable[Any]:
        at = found[0] if found else None
        if at is not None and at not in _known():
            raise _newer(str(connection.engine.url.database), at, head_revision())
        if at is not None and (target == "base" or _known().index(at) > _known().index(target)):
            return scripts._downgrade_revs(target, at)
        return scripts._upgrade_revs(target, at)  # type: ignore[arg-type]  # None: an empty database

    context = MigrationContext.configure(connection, opts=OPTIONS | {"fn": steps, "script": scripts})
    with context.begin_transaction(), Operations.context(context):
        context.run_migrations()
    return context.get_current_revision() or "base"


def _resolve(revision: str) -> str:
    if revision == "head":
        return head_revision()
    if revision == "base" or revision in _known():
        return revision
    raise ConfigurationError(f"no schema revision {revision!r}: there are {', '.join(_known())}, `head` and `base`")


@cache
def _scripts() -> ScriptDirectory:
    here = str(Path(__file__).parent)
    return ScriptDirectory(here, version_locations=[f"{here}/versions"])


@cache
def _known() -> tuple[str, ...]:
    """Every revision of this code, oldest first."""
    return tuple(reversed([script.revision for script in _scripts().walk_revisions()]))


@contextmanager
def _engine(database: str | URL | Engine) -> Iterator[Engine]:
    if isinstance(database, Engine):
        yield database
        return
    engine = create_engine(_psycopg_url(database), poolclass=NullPool)
    try:
        yield engine
    finally:
        engine.dispose()


def _psycopg_url(address: str | URL) -> URL:
    try:
        url = make_url(address)
    except ArgumentError:
        raise ConfigurationError(
            "the database's address cannot be read: write postgresql://user:password@host:5432/name"
        ) from None
    if url.get_backend_name() not in ("postgresql", "postgres"):
        raise ConfigurationError(
            f"durableflow stores its runs in PostgreSQL; {url.get_backend_name()!r} in the database's address is not"
        )
    return url.set(drivername="postgresql+psycopg")
