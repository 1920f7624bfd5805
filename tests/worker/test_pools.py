"""Prefork is the default; threads, solo and spawned children run steps as well."""

import os
from collections.abc import Callable
from threading import Thread
from typing import Any

import pytest

from durableflow import DurableFlow
from durableflow.errors import RunFailed, StepTimedOut
from durableflow.store.messages import ADVANCE
from tests.worker import shop
from tests.worker.conftest import Journal
from tests.worker.harness import Harness
from tests.worker.workers import Worker

Start = Callable[..., Worker]


@pytest.mark.parametrize("options", [("-P", "threads", "-c", "3"), ("-P", "solo")])
def test_threads_and_solo(df: DurableFlow, start_worker: Start, journal: Journal, intact: Any, options: Any) -> None:
    worker = start_worker(*options)
    run = shop.arithmetic(1).start()
    retried, exiting = shop.retrying(3).start(), shop.exiting().start()
    assert run.result(timeout=30) == 19
    assert retried.result(timeout=30) == 3
    with pytest.raises(RunFailed):
        exiting.result(timeout=30)
    assert worker.process.poll() is None
    assert worker.stop() == 0
    assert intact()


def test_solo_heeds_a_time_limit(df: DurableFlow, start_worker: Start) -> None:
    start_worker("-P", "solo")
    with pytest.raises(RunFailed) as failed:
        shop.hurried(30.0).start().result(timeout=20)
    assert isinstance(failed.value.__cause__, StepTimedOut)


def test_spawned_children_have_the_tasks(df: DurableFlow, start_worker: Start, journal: Journal, intact: Any) -> None:
    """As on macOS: each child has a copy of the app, without what was done to the original."""
    command = ("celery", "-A", "tests.worker.spawning:app", "worker")
    worker = start_worker("-c", "2", command=command)
    assert shop.arithmetic(1).start().result(timeout=60) == 19
    assert len(journal.entries()) == 4
    assert all(f"pid={os.getpid()}" not in entry and f"pid={worker.pid}" not in entry for entry in journal.entries())
    assert any("spawn" in " ".join(child.cmdline()) for child in worker.children())
    assert intact()


def test_children_are_replaced(df: DurableFlow, start_worker: Start, journal: Journal, intact: Any) -> None:
    start_worker("-c", "1", "--max-tasks-per-child", "3")
    assert shop.chain(8).start().result(timeout=60) == 8
    assert len({entry.rpartition("pid=")[2] for entry in journal.entries()}) > 1
    assert intact()


def test_a_steps_result_backend_is_made_once_for_all_threads(harness: Harness) -> None:
    """Celery makes one for each thread, which takes longer than everything else that a step does in a greenlet."""
    for name in ("shop.add", ADVANCE):
        task, found = harness.task(name), []
        threads = [Thread(target=lambda task=task, found=found: found.append(task.backend)) for _ in range(2)]
        for thread in threads:
            thread.start()
            thread.join()
        assert found[0] is found[1]
