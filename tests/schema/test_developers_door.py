"""The ``alembic`` command, through the repository's own ``alembic.ini``, works on the revisions in the package."""

import os
import subprocess
import sys
from pathlib import Path

import psycopg
import pytest

from durableflow.migrations import current_revision, head_revision
from durableflow.store.schema import SCHEMA, VIEWS
from tests.schema.catalog import GOLDEN, describe

ROOT = Path(__file__).parents[2]


def _alembic(*arguments: str, url: str | None, cwd: Path = ROOT) -> "subprocess.CompletedProcess[str]":
    environment = {name: value for name, value in os.environ.items() if name != "DURABLEFLOW_DATABASE_URL"}
    if url is not None:
        environment["DURABLEFLOW_DATABASE_URL"] = url
    return subprocess.run(
        [sys.executable, "-m", "alembic.config", "-c", str(ROOT / "alembic.ini"), *arguments],
        cwd=cwd, env=environment, capture_output=True, text=True, check=False,
    )  # fmt: skip


def test_it_goes_up_finds_nothing_to_do_and_comes_down(empty_database_url: str, tmp_path: Path) -> None:
    with psycopg.connect(empty_database_url, autocommit=True) as connection:
        up = _alembic("upgrade", "head", url=empty_database_url, cwd=tmp_path)
        assert up.returncode == 0, up.stderr
        assert current_revision(connection) == head_revision()
        check = _alembic("check", url=empty_database_url)
        assert (check.returncode, check.stdout.strip()) == (0, "No new upgrade operations detected.")
        down = _alembic("downgrade", "base", url=empty_database_url)
        assert down.returncode == 0, down.stderr
        assert current_revision(connection) is None


def test_it_writes_sql_that_makes_the_same_schema(empty_database_url: str) -> None:
    script = _alembic("upgrade", "head", "--sql", url="postgresql://nobody@nowhere/nothing")
    assert script.returncode == 0, script.stderr
    with psycopg.connect(empty_database_url, autocommit=True) as connection:
        connection.execute(script.stdout)  # type: ignore[call-overload]
        assert current_revision(connection) == head_revision()
        assert describe(connection, SCHEMA, VIEWS) == GOLDEN.read_text()


def test_it_says_which_variable_names_the_database() -> None:
    refused = _alembic("current", url=None)
    assert refused.returncode != 0
    assert "DURABLEFLOW_DATABASE_URL" in refused.stderr


def test_the_directory_does_not_hide_the_library() -> None:
    with pytest.raises(FileNotFoundError):
        (ROOT / "alembic" / "__init__.py").read_text()
