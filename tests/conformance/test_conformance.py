"""Celery's rules for canvases: what Celery and durableflow come to is what the scenarios say.

Each side is one worker and one process that starts everything at once and then collects. With
DURABLEFLOW_TEST_EXPLORE=1 more canvases are made up.
"""

import json
import os
import subprocess
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any
from uuid import uuid4

import psycopg
import pytest

from tests.conformance import effects
from tests.support.invariants import violations
from tests.worker.workers import ROOT, Worker

EXPLORE = os.environ.get("DURABLEFLOW_TEST_EXPLORE") == "1"

Play = Callable[..., dict[str, Any]]


@pytest.fixture
def play(empty_database_url: str, broker_url: str, tmp_path: Path) -> Play:
    """Play one side to its end: play("durable", env, "--seeds", "0", "100"); gives its report."""

    def play(side: str, env: dict[str, str], app: str, *options: str) -> dict[str, Any]:
        env = {
            **env,
            "DURABLEFLOW_BROKER_URL": broker_url,
            "CONFORMANCE_EFFECTS_URL": empty_database_url,
            "CONFORMANCE_QUEUE": f"conformance-{uuid4().hex[:8]}",
        }
        report = tmp_path / "report.json"
        with _worker(env, tmp_path / f"{side}.log", app):
            command = [sys.executable, "-m", f"tests.conformance.{side}_side", str(report), *options]
            client = subprocess.run(command, cwd=ROOT, env={**os.environ, **env}, capture_output=True, text=True)
        assert client.returncode == 0, client.stdout + client.stderr
        print(client.stdout)
        found: dict[str, Any] = json.loads(report.read_text())
        return found

    effects.prepare(empty_database_url)
    return play


@contextmanager
def _worker(env: dict[str, str], log: Path, app: str) -> Iterator[Worker]:
    worker = Worker(env, log, "-c", "2", command=("celery", "-A", f"tests.conformance.{app}:app", "worker"))
    try:
        yield worker  # nobody waits until it is ready: meanwhile all is started
    finally:
        worker.close()
        print(f"--- {app}\n{worker.text()[-5000:]}")


@pytest.mark.timeout(600)
def test_durableflow_comes_to_what_the_table_says(play: Play, database_url: str, db: psycopg.Connection[Any]) -> None:
    env = {"DURABLEFLOW_DATABASE_URL": database_url}
    report = play("durable", env, "durable_app", "--seeds", "0", "600" if EXPLORE else "120")
    assert report["differing"] == {}
    assert violations(db) == {}


@pytest.mark.skipif(not EXPLORE, reason="about Celery, not us: DURABLEFLOW_TEST_EXPLORE=1 plays it")
@pytest.mark.timeout(600)
def test_celery_comes_to_what_the_table_says(play: Play, broker_url: str) -> None:
    if not broker_url.startswith("redis"):
        pytest.skip("the result backend of Celery's side is Redis")
    report = play(
        "celery", {"CONFORMANCE_BACKEND_URL": broker_url}, "tasks", "--seeds", "0", "300" if EXPLORE else "40"
    )
    assert report["differing"] == {}
