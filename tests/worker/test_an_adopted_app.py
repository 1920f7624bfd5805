"""An app that was there before: its tasks run as they did, and the steps beside them are safe."""

import subprocess
import sys
from collections.abc import Callable
from typing import Any

import pytest
from celery import Celery

from durableflow import DurableFlow
from durableflow.worker.settings import REDIS
from tests.worker.conftest import Journal
from tests.worker.workers import ROOT, Worker

CLIENT = """
from tests.worker.adopted import app, both, old
old.delay(7)
print(both(1).start().result(timeout=30))
new = app.tasks["legacy.new"]
print(new.acks_late, new.ignore_result, old.acks_late, old.ignore_result, app.conf.task_acks_late)
"""


@pytest.mark.smoke
def test_old_tasks_and_new_steps(
    start_worker: Callable[..., Worker], env: dict[str, str], journal: Journal, monkeypatch: pytest.MonkeyPatch
) -> None:
    for name, value in env.items():
        monkeypatch.setenv(name, value)
    start_worker("-c", "2", command=("celery", "-A", "tests.worker.adopted:app", "worker"))
    client = subprocess.run([sys.executable, "-c", CLIENT], cwd=ROOT, capture_output=True, text=True, timeout=60)
    assert client.stdout.split("\n")[:2] == ["3", "True True False False False"], client.stderr
    journal.wait_for("old(7)")
    entries: Any = journal.entries()
    assert entries.count("called legacy.new") == 2
    assert entries.count("accepted legacy.new") == 2
    assert [entry for entry in entries if entry.startswith("before legacy.new")] == [
        "before legacy.new [1]",
        "before legacy.new [2]",
    ]
    assert [entry for entry in entries if entry.startswith("new")] == ["new(1)", "new(2)"]
    assert "before tests.worker.adopted.old [7]" in entries


def test_an_app_that_is_adopted_after_it_was_configured_gets_the_transport_too() -> None:
    app = Celery("late", broker="redis://localhost/0", set_as_current=False)
    assert app.conf.broker_transport is None
    DurableFlow(app)
    assert app.conf.broker_transport == REDIS
