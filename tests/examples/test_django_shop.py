"""The shop as a Django project: its own tests pass, and it sells."""

import os
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import psycopg
import pytest
from psycopg.conninfo import conninfo_to_dict

from tests.support.invariants import violations
from tests.worker.workers import Worker

PROJECT = Path(__file__).parents[2] / "examples" / "django_shop"

Manage = Callable[..., subprocess.CompletedProcess[str]]


@pytest.fixture
def env(database_url: str, broker_url: str) -> dict[str, str]:
    """The environment of the project's processes."""
    return {
        "DURABLEFLOW_DATABASE_URL": database_url,
        "DURABLEFLOW_BROKER_URL": broker_url,
        "DJANGO_SETTINGS_MODULE": "proj.settings",
        "PYTHONPATH": str(PROJECT),
    }


@pytest.fixture
def manage(env: dict[str, str]) -> Manage:
    """Run ``manage.py``."""

    def run(*arguments: str) -> subprocess.CompletedProcess[str]:
        command = [sys.executable, "manage.py", *arguments]
        return subprocess.run(
            command, cwd=PROJECT, env=os.environ | env, capture_output=True, text=True, timeout=200, check=False
        )

    return run


@pytest.mark.timeout(240)
def test_its_own_tests_pass_on_a_database_of_the_test_runners(
    manage: Manage, database_url: str, db: psycopg.Connection[Any]
) -> None:
    done = manage("test", "--verbosity", "2")
    assert done.returncode == 0, done.stderr
    assert "durableflow's schema is at" in done.stdout  # of the test database, which had none
    name = f"test_{conninfo_to_dict(database_url)['dbname']}"
    assert name in done.stdout + done.stderr
    assert db.execute("SELECT FROM pg_database WHERE datname = %s", (name,)).fetchall() == []
    assert db.execute("SELECT FROM durableflow.runs").fetchall() == []


@pytest.mark.timeout(240)
def test_it_sells_what_is_on_stock_and_pays_back_the_rest(
    manage: Manage, env: dict[str, str], db: psycopg.Connection[Any], tmp_path: Path
) -> None:
    worker = Worker(env, tmp_path / "worker.log", "-c", "1", command=("celery", "-A", "proj", "worker"))
    try:
        done = manage("sell")
        assert done.returncode == 0, f"{done.stderr}\n{worker.text()}"
        worker.wait_for_log("thank you, ana@example.org, for tea")  # a task that the project had before
    finally:
        worker.close()
    assert done.stdout.splitlines() == [
        "order 1: shipped",
        "order 2: shipped",
        "order 3: cancelled",
        "order-1 succeeded: proj.charge, proj.reserve, packed, shop.tasks.thank, proj.move_to",
        "order-2 succeeded: proj.charge, proj.reserve, packed, shop.tasks.thank, proj.move_to",
        "order-3 succeeded: proj.charge, proj.reserve, proj.refund, proj.move_to",
        "paid: [400, 1500, 0]",
    ]
    assert violations(db) == {}
