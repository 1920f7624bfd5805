"""The revisions lead to the schema that the code is written for, from anywhere, any number of times, all or nothing."""

import subprocess
import sys
from pathlib import Path
from typing import Any

import psycopg
import pytest
import sqlalchemy
from alembic.autogenerate import compare_metadata
from alembic.runtime.migration import MigrationContext
from alembic.script import ScriptDirectory

import durableflow.migrations
from durableflow.errors import ConfigurationError, DatabaseUnreachable, SchemaNewer
from durableflow.migrations import current_revision, head_revision, migrate
from durableflow.migrations.environment import OPTIONS
from durableflow.store.schema import SCHEMA, VERSION_TABLE, VIEWS, metadata
from tests.schema.catalog import GOLDEN, TABLES, describe

Connection = psycopg.Connection[tuple[Any, ...]]

_scripts = ScriptDirectory(str(Path(durableflow.migrations.__file__).parent), version_locations=[
    str(Path(durableflow.migrations.__file__).parent / "versions")
])  # fmt: skip
REVISIONS = [script.revision for script in reversed(list(_scripts.walk_revisions()))]


def _connect(url: str) -> Connection:
    return psycopg.connect(url, autocommit=True)


def _engine(url: str) -> sqlalchemy.Engine:
    return sqlalchemy.create_engine(
        url.replace("postgresql://", "postgresql+psycopg://", 1), poolclass=sqlalchemy.NullPool
    )


def test_autogenerate_finds_no_difference_between_the_migrations_and_the_metadata(database_url: str) -> None:
    engine = _engine(database_url)
    with engine.connect() as connection:
        context = MigrationContext.configure(connection, opts=OPTIONS)
        assert compare_metadata(context, metadata) == []


def test_the_migrations_and_the_metadata_make_the_same_tables_to_the_last_constraint(
    database_url: str, empty_database_url: str
) -> None:
    with _connect(database_url) as migrated:
        expected = describe(migrated, SCHEMA, what=TABLES, without=(f"{SCHEMA}.{VERSION_TABLE}",))
    with _connect(empty_database_url) as empty:
        empty.execute(f"CREATE SCHEMA {SCHEMA}")
        empty.execute(f"CREATE FUNCTION {SCHEMA}.now() RETURNS timestamptz STABLE RETURN statement_timestamp()")
        engine = _engine(empty_database_url)
        metadata.create_all(engine)
        assert describe(empty, SCHEMA, what=TABLES) == expected


def test_the_schema_is_the_one_on_record(db: Connection) -> None:
    assert describe(db, SCHEMA, VIEWS) == GOLDEN.read_text(), (
        "the schema has changed: if that is meant, run `python -m tests.schema.catalog` and review the difference"
    )


def test_there_is_one_chain_of_revisions() -> None:
    assert len(_scripts.get_heads()) == 1
    assert len(_scripts.get_bases()) == 1
    assert head_revision() == REVISIONS[-1]


@pytest.mark.parametrize("revision", REVISIONS)
def test_every_revision_goes_up_down_and_up_again(empty_database_url: str, revision: str) -> None:
    before = ["base", *REVISIONS][REVISIONS.index(revision)]
    with _connect(empty_database_url) as connection:
        migrate(empty_database_url, before)
        lower = describe(connection, SCHEMA, VIEWS)
        assert migrate(empty_database_url, revision) == revision
        upper = describe(connection, SCHEMA, VIEWS)
        assert migrate(empty_database_url, before) == before
        assert describe(connection, SCHEMA, VIEWS) == lower
        migrate(empty_database_url, revision)
        assert describe(connection, SCHEMA, VIEWS) == upper != lower


def test_migrating_twice_changes_nothing(database_url: str, db: Connection) -> None:
    before = describe(db, SCHEMA, VIEWS)
    assert migrate(database_url) == head_revision()
    assert describe(db, SCHEMA, VIEWS) == before


def test_twenty_processes_that_migrate_an_empty_database_at_once_all_succeed(empty_database_url: str) -> None:
    storm = subprocess.run(
        [sys.executable, str(Path(__file__).with_name("storm.py")), empty_database_url, "20"],
        capture_output=True,
        text=True,
        check=False,
    )
    assert storm.stdout.splitlines() == [head_revision()] * 20, storm.stderr
    assert storm.returncode == 0
    with _connect(empty_database_url) as connection:
        assert describe(connection, SCHEMA, VIEWS) == GOLDEN.read_text()


def test_a_migration_that_fails_leaves_nothing_behind(empty_database_url: str) -> None:
    with _connect(empty_database_url) as connection:
        # The last table of the first revision is taken by somebody else.
        connection.execute(f"CREATE SCHEMA {SCHEMA}")
        connection.execute(f"CREATE TABLE {SCHEMA}.congestion (queue text)")
        with pytest.raises(sqlalchemy.exc.ProgrammingError, match="already exists"):
            migrate(empty_database_url)
        assert describe(connection, SCHEMA, what=TABLES) == f"{SCHEMA}.congestion\n    queue text\n"
        connection.execute(f"DROP TABLE {SCHEMA}.congestion")
        assert migrate(empty_database_url) == head_revision()


def test_migrating_leaves_a_newer_database_alone(database_url: str, db: Connection) -> None:
    db.execute(f"UPDATE {SCHEMA}.{VERSION_TABLE} SET version_num = '9999'")
    with pytest.raises(SchemaNewer, match="9999"):
        migrate(database_url)
    with pytest.raises(SchemaNewer, match="9999"):
        migrate(database_url, "base")
    assert current_revision(db) == "9999"


def test_a_revision_that_does_not_exist_is_refused_with_those_that_do(empty_database_url: str) -> None:
    with pytest.raises(ConfigurationError, match=r"no schema revision 'nonsense': there are 0001, .* and `base`"):
        migrate(empty_database_url, "nonsense")


def test_a_database_that_does_not_answer_is_named_without_its_password() -> None:
    with pytest.raises(DatabaseUnreachable) as refusal:
        migrate("postgresql://somebody:secret@127.0.0.1:1/nowhere")
    assert "somebody:***@127.0.0.1:1/nowhere" in str(refusal.value)
    assert "secret" not in str(refusal.value)


@pytest.mark.parametrize("address", ["mysql://root@127.0.0.1/test", "shop.db", ""])
def test_an_address_that_is_not_of_postgresql_is_refused(address: str) -> None:
    with pytest.raises(ConfigurationError, match=r"postgresql://|PostgreSQL"):
        migrate(address)


def test_the_users_own_tables_and_revisions_are_left_alone(empty_database_url: str) -> None:
    with _connect(empty_database_url) as connection:
        connection.execute("CREATE TABLE public.alembic_version (version_num text)")
        connection.execute("INSERT INTO public.alembic_version VALUES ('theirs')")
        connection.execute("CREATE TABLE public.run (id int)")
        migrate(empty_database_url)
        migrate(empty_database_url, "base")
        assert connection.execute("SELECT version_num FROM public.alembic_version").fetchall() == [("theirs",)]
        assert connection.execute("SELECT * FROM public.run").fetchall() == []
