"""The user's own tasks on real workers: every pool, killed processes, hard time limits, rate limits."""

import json
import os
import signal
import subprocess
import sys
from collections.abc import Callable
from typing import Any

import psycopg
import pytest

from tests.worker.conftest import Journal
from tests.worker.workers import ROOT, Worker

Start = Callable[..., Worker]

BUNDLE = """
import json
from celery import chain, chord, group
from tests.canvas.real import *

runs = {
    "chain": durable(chain(add.s(1, 1), *(add.s(1) for _ in range(8)))).start(),
    "chord": durable(chord([add.s(i, i) for i in range(20)], total.s())).start(),
    "nested": durable(group(chain(add.s(1, 1), group(add.s(1), add.s(2)), total.s()), shaky.s(5))).start(),
    "failing": durable(chain(add.s(1, 1), fail.s(), add.s(1)).on_error(answer.s())).start(),
    "mixed": mixed(3).start(),
}
add.delay(100, 1)
results = {}
for name, run in runs.items():
    try:
        results[name] = run.result(timeout=60)
    except Exception as error:
        results[name] = repr(error.__cause__)
print(json.dumps(results))
"""

EXPECTED = {
    "chain": 10,
    "chord": 380,
    "nested": [7, 5],
    "failing": "ValueError(2)",
    "mixed": [6, 6],
}

GREEN = ("celery", "-A", "tests.canvas.real:app", "worker")
SPAWNED = ("celery", "-A", "tests.canvas.real_spawned:app", "worker")


@pytest.fixture(autouse=True)
def _environment(env: dict[str, str], monkeypatch: pytest.MonkeyPatch) -> None:
    for name, value in env.items():
        monkeypatch.setenv(name, value)


def ask(script: str) -> Any:
    done = subprocess.run([sys.executable, "-c", script], cwd=ROOT, capture_output=True, text=True, timeout=100)
    assert done.returncode == 0, done.stderr
    return json.loads(done.stdout.splitlines()[-1])


@pytest.mark.parametrize(
    ("command", "options"),
    [
        pytest.param(GREEN, ("-c", "2"), id="prefork", marks=pytest.mark.smoke),
        pytest.param(SPAWNED, ("-c", "2"), id="prefork, spawned"),
        pytest.param(GREEN, ("-P", "threads", "-c", "4"), id="threads"),
        pytest.param(GREEN, ("-P", "gevent", "-c", "20"), id="gevent"),
        pytest.param(GREEN, ("-P", "solo"), id="solo"),
    ],
)
def test_canvases_run_on_every_pool(
    command: Any, options: Any, start_worker: Start, journal: Journal, intact: Callable[[], bool]
) -> None:
    start_worker(*options, command=command)
    assert ask(BUNDLE) == EXPECTED
    journal.wait_for("add 100 1")
    assert journal.entries("answer") == ["answer ValueError(2)"]
    assert journal.entries("on_failure") == ["on_failure ValueError"]
    assert journal.entries("on_success") == ["on_success shaky"]
    assert len(journal.entries("postrun SUCCESS")) == len(journal.entries("add")) == 40
    assert intact()


def test_a_task_whose_child_or_worker_is_killed_runs_again_and_is_recorded_once(
    start_worker: Start, journal: Journal, intact: Callable[[], bool], db: psycopg.Connection[Any]
) -> None:
    first = start_worker("-c", "1", command=GREEN)
    run_id = ask("""
import json
from celery import chain
from tests.canvas.real import *
print(json.dumps(str(durable(chain(add.s(1, 1), wait_for.si("go"), add.si(2, 2))).start().id)))
""")
    [waiting] = journal.wait_for("waiting")
    os.kill(int(waiting.split()[1]), signal.SIGKILL)
    journal.wait_for("waiting", 2)
    first.kill()
    start_worker("-c", "1", command=GREEN)
    journal.wait_for("waiting", 3)
    journal.release("go")
    result = ask(f"""
import json
from tests.canvas.real import df
print(json.dumps(df.run({run_id!r}).result(timeout=60)))
""")
    assert result == 4
    assert journal.entries("add") == ["add 1 1", "add 2 2"]
    recorded = db.execute("SELECT name, state, losses FROM durableflow_core.step ORDER BY index").fetchall()
    assert [row[1] for row in recorded] == ["succeeded"] * 3
    assert [row[2] for row in recorded] == [0, 2, 0]
    assert intact()


def test_a_hard_time_limit_is_a_failure_at_once_and_a_rate_limit_is_kept(
    start_worker: Start, journal: Journal, intact: Callable[[], bool]
) -> None:
    start_worker("-c", "2", command=GREEN)
    failed, times = ask("""
import json
from celery import chord, group
from tests.canvas.real import *
stopped = durable(chord([stuck.s(), add.s(1, 1)], total.s().on_error(answer.s()))).start()
limited = durable(group(slowly.s(i) for i in range(6))).start()
try:
    stopped.result(timeout=60)
except Exception as error:
    failed = [type(error.__cause__).__name__, type(error.__cause__.__cause__).__name__]
print(json.dumps([failed, sorted(limited.result(timeout=60))]))
""")
    assert failed == ["ChordError", "StepTimedOut"]
    assert journal.entries("stuck") == ["stuck"]
    assert len(journal.entries("answer")) == 1
    assert times[-1] - times[0] >= 0.9  # six at five a second, whatever the machine is busy with
    assert intact()
