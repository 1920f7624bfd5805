"""A pool child, a worker, everything: what dies is missed, and what it did is done elsewhere."""

import os
import signal
import time
from collections.abc import Callable
from typing import Any

import psutil
import psycopg
import pytest

from durableflow import DurableFlow
from durableflow.errors import RunFailed, StepLost, StepTimedOut
from tests.worker import shop
from tests.worker.conftest import Journal
from tests.worker.workers import Worker

Start = Callable[..., Worker]


def pid_of(entry: str) -> int:
    return int(entry.rpartition("pid=")[2])


def test_a_killed_child_loses_its_step_and_no_other(
    df: DurableFlow, start_worker: Start, journal: Journal, db: psycopg.Connection[Any], intact: Any
) -> None:
    start_worker("-c", "2")
    victim, other = shop.waiting("victim").start(), shop.waiting("other").start()
    os.kill(pid_of(journal.wait_for("held(victim)")[0]), signal.SIGKILL)
    journal.wait_for("held(other)")
    journal.wait_for("held(victim)", 2)  # it runs again, while the other one still runs for the first time
    journal.release("victim")
    journal.release("other")
    assert victim.result(timeout=30) == ["victim", "victim"]
    assert other.result(timeout=30) == ["other", "other"]
    assert len(journal.entries("held(other)")) == 2
    lost = db.execute("SELECT run_id, outcome FROM durableflow_core.attempt").fetchall()
    assert lost == [(victim.id, "lost")]
    assert intact()


def test_a_poison_step_ends_as_lost(df: DurableFlow, start_worker: Start, journal: Journal, intact: Any) -> None:
    start_worker("-c", "2")
    run = shop.dying(99).start()
    with pytest.raises(RunFailed) as failed:
        run.result(timeout=60)
    assert isinstance(failed.value.__cause__, StepLost)
    assert len(journal.entries("deadly")) == df.settings.max_losses
    assert intact()


def test_workflow_code_that_crashes_ends_as_stuck(
    df: DurableFlow, start_worker: Start, journal: Journal, db: psycopg.Connection[Any]
) -> None:
    from durableflow.errors import RunStuck

    start_worker("-c", "1", more={"DURABLEFLOW_MAX_TURN_TRIES": "2"})
    run = shop.crashing().start()
    deadline = time.monotonic() + 60
    while run.state == "running" and time.monotonic() < deadline:
        # A crashed turn's lease runs out after half a minute: make that now.
        db.execute("UPDATE durableflow_core.wake SET visible_at = least(visible_at, now() + interval '1 s')")
        time.sleep(0.3)
    with pytest.raises(RunFailed) as failed:
        run.result(timeout=1)
    assert isinstance(failed.value.__cause__, RunStuck)
    assert len(journal.entries("add")) <= 2


@pytest.mark.parametrize("leader", [True, False])
def test_a_killed_workers_step_runs_elsewhere_within_three_seconds(
    df: DurableFlow, start_worker: Start, journal: Journal, intact: Any, leader: bool
) -> None:
    first = start_worker("-c", "1")
    run = shop.waiting("go").start()
    journal.wait_for("held(go)")
    start_worker("-c", "1")
    first.kill()
    killed = time.monotonic()
    journal.wait_for("held(go)", 2)
    assert time.monotonic() - killed < 3.0
    journal.release("go")
    assert run.result(timeout=30) == ["go", "go"]
    assert intact()


def test_a_frozen_worker_commits_nothing_when_it_wakes_up(
    df: DurableFlow, start_worker: Start, journal: Journal, db: psycopg.Connection[Any], intact: Any
) -> None:
    fast = {"DURABLEFLOW_WORKER_TIMEOUT": "3"}
    frozen = start_worker("-c", "1", more=fast)
    run = shop.waiting("go").start()
    journal.wait_for("held(go)")
    everything = [psutil.Process(frozen.pid), *frozen.children()]
    for process in everything:
        process.suspend()
    start_worker("-c", "1", more=fast)
    journal.wait_for("held(go)", 2)
    journal.release("go")
    assert run.result(timeout=30) == ["go", "go"]
    revs = db.execute("SELECT count(*) FROM durableflow_core.checkpoint").fetchone()
    for process in everything:
        process.resume()
    frozen.wait_for_log("fenced")
    assert db.execute("SELECT count(*) FROM durableflow_core.checkpoint").fetchone() == revs
    assert len(journal.entries()) == 3  # the frozen one's, the other's, and the second step
    frozen.wait_for_log("goes on under a new id")
    assert intact()


def test_a_soft_time_limit_is_a_failure_of_the_step(
    df: DurableFlow, start_worker: Start, journal: Journal, intact: Any
) -> None:
    start_worker("-c", "2")
    assert shop.hurried(0.0).start().result(timeout=30) == "in time"
    late, later = shop.hurried(30.0).start(), shop.hurried_by_the_call(30.0, 0.5).start()
    assert shop.hurried_by_the_call(2.0, 20.0).start().result(timeout=30) == "in time"
    for run in (late, later):
        with pytest.raises(RunFailed) as failed:
            run.result(timeout=30)
        assert isinstance(failed.value.__cause__, StepTimedOut)
    assert intact()


def test_a_hard_time_limit_is_recorded_by_the_parent(
    df: DurableFlow, start_worker: Start, journal: Journal, db: psycopg.Connection[Any], intact: Any
) -> None:
    start_worker("-c", "2")
    with pytest.raises(RunFailed) as failed:
        shop.stubborn().start().result(timeout=40)
    assert isinstance(failed.value.__cause__, StepTimedOut)
    assert db.execute("SELECT outcome FROM durableflow_core.attempt").fetchall() == [("failed",)]
    assert len(journal.entries("deaf")) == 1
    assert intact()


def test_a_warm_shutdown_finishes_what_runs(
    df: DurableFlow, start_worker: Start, journal: Journal, db: psycopg.Connection[Any], intact: Any
) -> None:
    first = start_worker("-c", "1")
    run = shop.waiting("go").start()
    journal.wait_for("held(go)")
    first.signal(signal.SIGTERM)
    first.wait_for_log("Warm shutdown")
    start_worker("-c", "1")
    seen = db.execute("SELECT max(seen_at) FROM durableflow_core.worker WHERE pid = %s", (first.pid,)).fetchone()
    deadline = time.monotonic() + 20
    while (
        seen == db.execute("SELECT max(seen_at) FROM durableflow_core.worker WHERE pid = %s", (first.pid,)).fetchone()
    ):
        assert time.monotonic() < deadline, "the heartbeat stopped during the warm shutdown"
        time.sleep(0.1)
    assert len(journal.entries("held")) == 1
    journal.release("go")
    assert first.process.wait(30) == 0
    assert run.result(timeout=30) == ["go", "go"]
    assert len(journal.entries("held")) == 2
    assert intact()


def test_a_cold_shutdown_gives_back_at_once_what_ran(
    df: DurableFlow, start_worker: Start, journal: Journal, intact: Any
) -> None:
    first = start_worker("-c", "1")
    run = shop.waiting("go").start()
    journal.wait_for("held(go)")
    start_worker("-c", "1")
    first.signal(signal.SIGQUIT)
    journal.wait_for("held(go)", 2)
    journal.release("go")
    assert run.result(timeout=30) == ["go", "go"]
    first.process.wait(30)
    assert intact()


def test_a_flushed_broker_loses_nothing(
    df: DurableFlow, start_worker: Start, journal: Journal, broker_url: str, intact: Any
) -> None:
    if not broker_url.startswith("redis"):
        pytest.skip("FLUSHDB is a Redis command")
    import redis

    start_worker("-c", "1")
    first = shop.waiting("first").start()
    journal.wait_for("held(first)")
    waiting = [shop.chain(2).start() for _ in range(5)]
    time.sleep(1)  # their messages are in the broker, behind the step that is held
    with redis.Redis.from_url(broker_url) as client:
        client.flushdb()
    journal.release("first")
    assert first.result(timeout=30) == ["first", "first"]
    assert [run.result(timeout=60) for run in waiting] == [2] * 5
    assert len(journal.entries("add")) == 10
    assert intact()
