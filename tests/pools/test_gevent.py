"""What is peculiar to greenlets: they share one thread, and whoever keeps it keeps it from all."""

import json
import subprocess
import sys
import time
from pathlib import Path

import pytest

from durableflow.errors import RunFailed, StepTimedOut
from tests.faults.journal import until
from tests.pools import app
from tests.pools.grounds import GEVENT, PATIENCE, Grounds
from tests.worker.workers import ROOT, Worker

on_gevent = pytest.mark.parametrize("shared_grounds", [GEVENT], ids=str, indirect=True)


@on_gevent
def test_a_busy_step_does_not_stop_the_heartbeat(grounds: Grounds) -> None:
    worker, *others = grounds.need(1)
    for other in others:
        other.stop()
    busy = app.busy(5.0).start()
    until(lambda: grounds.query("SELECT name FROM durableflow.steps WHERE state = 'running'"), "the busy step")
    silences = []
    while busy.state == "running":
        silences += grounds.query(
            "SELECT extract(epoch FROM seen_ago)::float FROM durableflow.workers WHERE pid = %s", worker.pid
        )
        time.sleep(0.1)
    assert busy.result(timeout=PATIENCE) == 1
    assert len(silences) > 20
    assert max(silences) < 3.0, "a heartbeat in a greenlet would have been silent for five seconds"
    assert grounds.query("SELECT state FROM durableflow.workers WHERE pid = %s", worker.pid) == ["alive"]


@on_gevent
def test_a_timeout_ends_a_body_that_never_waits(grounds: Grounds) -> None:
    grounds.need(1)
    with pytest.raises(RunFailed) as failed:
        app.busy_for_too_long().start().result(timeout=PATIENCE)
    assert isinstance(failed.value.__cause__, StepTimedOut)


@on_gevent
def test_async_steps_share_a_loop_that_lasts(grounds: Grounds) -> None:
    workers = grounds.need(1)
    runs = [app.uses_its_loop().start() for _ in range(20)]
    seen = [run.result(timeout=PATIENCE) for run in runs]
    assert len({loop for loop, _ in seen}) <= len(workers)
    assert not any(cancelled for _, cancelled in seen)
    grounds.assert_intact()


@on_gevent
def test_nothing_was_imported_before_it_was_patched(grounds: Grounds) -> None:
    """By ``celery worker -P gevent``, and by ``durableflow worker -P gevent``."""
    for worker in grounds.need(2):
        assert "MonkeyPatchWarning" not in worker.text()
        assert "was not patched" not in worker.text()


@on_gevent
def test_a_pool_that_was_chosen_too_late_is_complained_of(grounds: Grounds, tmp_path: Path) -> None:
    command = ("celery", "-A", "tests.pools.unpatched:app", "worker")
    worker = Worker(grounds.site.env, tmp_path / "unpatched.log", "-Q", "another", command=command)
    try:
        until(lambda: "was not patched" in worker.text() or worker.process.poll() is not None, "the complaint")
        assert "Choose the pool on the command line (-P gevent)" in worker.text()
    finally:
        worker.close()


def test_a_limit_interrupts_a_greenlet_that_waits_and_one_that_computes() -> None:
    program = [sys.executable, "-m", "tests.pools.green_limits"]
    seen = json.loads(subprocess.run(program, cwd=ROOT, capture_output=True, check=True, timeout=60).stdout)
    took = {name.removesuffix(" took"): seen.pop(name) for name in list(seen) if name.endswith(" took")}
    assert seen == {
        "waits": "SoftTimeLimitExceeded",
        "in time": "ended",
        "swallows": "ended",
        "has its own": "StepTimedOut",
        "computes": "SoftTimeLimitExceeded",
        "waits beside": "ended",
        "the user's handler": "rings",
        "alarm": 0.0,
        "turn": "ended",
    }
    assert max(took["computes"], took["waits"]) < 4, "long before they would have ended by themselves"


@pytest.mark.parametrize("pool", [["-P", "eventlet"], ["-Peventlet"], ["--pool=eventlet"]], ids=" ".join)
def test_a_pool_whose_library_is_missing_is_named(pool: list[str]) -> None:
    """It is looked for before the application is: nothing may be imported before it is patched."""
    program = [sys.executable, "-m", "durableflow", "worker", "no.such.module:df", *pool]
    ended = subprocess.run(program, cwd=ROOT, capture_output=True, text=True, timeout=60)
    assert ended.returncode == 2
    assert "pip install eventlet" in ended.stderr
