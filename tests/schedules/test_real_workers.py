"""Two workers that are real processes: the schedule fires, once, and its run ends."""

import time
from contextlib import ExitStack
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import psycopg

from durableflow.language.cron import Cron
from durableflow.language.schedules import Entry
from durableflow.store import schedule
from tests.schedules import clockwork
from tests.support.clock import Clock
from tests.support.invariants import violations
from tests.worker.workers import PATIENCE, Worker


def test_a_schedule_fires_once_on_two_real_workers(
    db: psycopg.Connection[Any], clock: Clock, database_url: str, broker_url: str, queue_name: str, tmp_path: Path
) -> None:
    journal = tmp_path / "journal"
    journal.touch()
    env = {
        "DURABLEFLOW_DATABASE_URL": database_url,
        "DURABLEFLOW_BROKER_URL": broker_url,
        "DURABLEFLOW_QUEUE": queue_name,
        "JOURNAL": str(journal),
    }
    # They were registered half a minute before, so that the tick comes while the workers boot.
    clock.set(datetime(2031, 5, 13, 11, 59, 30, tzinfo=UTC))
    (entry,) = clockwork.minutely.schedules
    schedule.register(db, "clockwork", entry)
    schedule.register(db, "clockwork", Entry("clockwork.gone", "clockwork.gone", Cron("0 3 * * *")))
    clock.set(datetime(2031, 5, 13, 11, 59, 59, tzinfo=UTC))
    clock.flow()
    with ExitStack() as stack:
        for number in (1, 2):
            command = ("celery", "-A", "tests.schedules.clockwork:app", "worker")
            worker = Worker(env, tmp_path / f"worker{number}.log", "-c", "1", command=command)
            stack.callback(worker.close)
            stack.callback(lambda worker=worker: print(worker.text()))
        deadline = time.monotonic() + PATIENCE
        while not journal.read_text() or _states(db) != ["succeeded"]:
            assert time.monotonic() < deadline, _states(db)
            time.sleep(0.05)
    assert journal.read_text() == "minutely\n"
    assert db.execute(
        "SELECT at, state, run_state FROM durableflow.ticks WHERE schedule = 'clockwork.minutely' ORDER BY at LIMIT 1"
    ).fetchall() == [(datetime(2031, 5, 13, 12, tzinfo=UTC), "started", "succeeded")]
    rows = db.execute("SELECT name, state FROM durableflow.schedules").fetchall()
    known = {entry.name for workflow in clockwork.df.registry.workflows for entry in workflow.schedules}
    assert dict(rows) == {"clockwork.gone": "removed"} | dict.fromkeys(known, "active")
    assert violations(db) == {}


def _states(db: psycopg.Connection[Any]) -> list[str]:
    return [row[0] for row in db.execute("SELECT state FROM durableflow.runs").fetchall()]
