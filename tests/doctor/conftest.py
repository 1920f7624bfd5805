"""An application that is well, and single checks of it."""

import os
from collections.abc import Callable, Iterator
from typing import Any
from uuid import uuid4

import psycopg
import pytest
from celery import Celery

from durableflow import DurableFlow
from durableflow.doctor import Checked, examine
from durableflow.doctor.checks import CHECKS

KEY = "a key that is long enough to be one"
NO_DATABASE = "postgresql://user:hunter2@127.0.0.1:1/nothing"
NO_BROKER = "redis://:hunter2@127.0.0.1:1/0"


@pytest.fixture(autouse=True)
def _by_itself(monkeypatch: pytest.MonkeyPatch) -> None:
    """Without the settings of whoever runs the tests."""
    for name in list(os.environ):
        if name.startswith("DURABLEFLOW_") and not name.startswith("DURABLEFLOW_TEST_"):
            monkeypatch.delenv(name)


def celery_app(**chosen: Any) -> Celery:
    """An app to be adopted."""
    return Celery("legacy", set_as_current=False, **{"broker": "memory://", **chosen})


def check(flow: DurableFlow, name: str, *, patience: float = 10.0) -> Checked:
    """Make one check, after ``imports``, which knows the tasks."""
    chosen = [one for one in CHECKS if one.name in ("imports", name)]
    return examine(flow, checks=chosen, patience=patience)[name]


def titles(checked: Checked) -> list[str]:
    """What a check has found."""
    assert checked.not_made is None, checked.not_made
    return [f"{finding.severity}: {finding.title}" for finding in checked.findings]


def flow(
    app: str | Celery = "shop", *, database: str = NO_DATABASE, broker: str = "memory://", **settings: Any
) -> DurableFlow:
    """An application that has a secret key."""
    return DurableFlow(app, database=database, broker=broker, settings={"secret_key": KEY, **settings})


def wait_for(db: psycopg.Connection[Any], name: str, queue: str) -> None:
    """A step that is ready."""
    db.execute(
        "INSERT INTO durableflow_core.ready (run_id, rev, index, name, queue, due_at) VALUES (%s, 1, 0, %s, %s, now())",
        (uuid4(), name, queue),
    )


@pytest.fixture
def role(postgres_url: str, database_url: str) -> Iterator[tuple[str, Callable[[str], None]]]:
    """The test's database as a role of the test's own, and what changes the role: ``alter("SET x = 1")``."""
    with psycopg.connect(database_url, autocommit=True) as admin:
        name = f"doctor_{os.getpid()}"
        admin.execute(f"DROP ROLE IF EXISTS {name}".encode())
        admin.execute(f"CREATE ROLE {name} LOGIN PASSWORD 'of-the-role'".encode())
        admin.execute(f"GRANT USAGE ON SCHEMA durableflow_core, durableflow TO {name}".encode())
        admin.execute(f"GRANT SELECT ON ALL TABLES IN SCHEMA durableflow_core, durableflow TO {name}".encode())

        def alter(what: str) -> None:
            admin.execute(f"ALTER ROLE {name} {what}".encode())

        host = database_url.partition("://")[2].rpartition("@")[2]
        try:
            yield f"postgresql://{name}:of-the-role@{host}", alter
        finally:
            admin.execute(f"SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE usename = '{name}'".encode())
            admin.execute(f"DROP OWNED BY {name}".encode())
            admin.execute(f"DROP ROLE {name}".encode())
