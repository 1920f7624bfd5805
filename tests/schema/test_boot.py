"""A program refuses a database whose schema is not the one that it was written for, and says what to do."""

from typing import Any

import psycopg
import pytest

from durableflow.errors import SchemaMissing, SchemaNewer, SchemaOutdated
from durableflow.migrations import check_schema, current_revision, head_revision, migrate

Connection = psycopg.Connection[tuple[Any, ...]]


def test_a_migrated_database_is_accepted(db: Connection) -> None:
    check_schema(db)
    assert current_revision(db) == head_revision()


def test_an_empty_database_is_refused_with_the_command_to_run(empty_database_url: str) -> None:
    with psycopg.connect(empty_database_url) as connection:
        assert current_revision(connection) is None
        with pytest.raises(SchemaMissing, match=r"database 'durableflow_test_.*' has no .* run `durableflow migrate`"):
            check_schema(connection)


def test_a_database_whose_tables_were_removed_is_refused_as_an_empty_one(database_url: str, db: Connection) -> None:
    migrate(database_url, "base")
    with pytest.raises(SchemaMissing):
        check_schema(db)


def test_an_older_database_is_refused_with_both_revisions(empty_database_url: str) -> None:
    migrate(empty_database_url, "0001")
    with (
        psycopg.connect(empty_database_url) as connection,
        pytest.raises(SchemaOutdated, match=rf"schema 0001, this code needs {head_revision()}: run `durableflow mig"),
    ):
        check_schema(connection)


def test_a_newer_database_is_refused_and_the_package_is_to_be_upgraded(db: Connection) -> None:
    db.execute("UPDATE durableflow_core.schema_revision SET version_num = '9999'")
    with pytest.raises(SchemaNewer, match=r"schema 9999, which this code .* upgrade the durableflow package"):
        check_schema(db)


def test_the_check_works_whatever_rows_the_connection_gives(database_url: str) -> None:
    with psycopg.connect(database_url, row_factory=psycopg.rows.dict_row) as connection:
        check_schema(connection)
