"""kill -9, a warm and a cold shutdown in the middle of a step: nothing is lost, and nothing counts twice."""

import os
import signal

import pytest

from durableflow.language import Run
from tests.faults.journal import until
from tests.pools import app
from tests.pools.book import Book
from tests.pools.grounds import PATIENCE, PREFORK, SPAWN, Grounds
from tests.worker.workers import Worker


def _held(grounds: Grounds, book: Book) -> tuple[Run[list[int]], int, Worker]:
    """A run whose first step is at work, the process that it is in, and the worker whose that is."""
    grounds.need(2)
    book.hold("first")
    run = app.works(str(book.directory)).start()
    pid = book.wait_for("first").pid
    return run, pid, grounds.worker_of(pid)


def _lost(grounds: Grounds, run: Run[list[int]]) -> list[str]:
    return grounds.query("SELECT outcome FROM durableflow_core.attempt WHERE run_id = %s", run.id)


def test_a_killed_workers_step_runs_elsewhere(grounds: Grounds, book: Book) -> None:
    run, pid, worker = _held(grounds, book)
    worker.signal(signal.SIGKILL)
    worker.process.wait()
    assert book.wait_for("first", 2).pid != pid
    book.release("first")
    assert run.result(timeout=PATIENCE) == [2, 1]
    assert _lost(grounds, run) == ["lost"]
    grounds.assert_intact()


@pytest.mark.parametrize("shared_grounds", [PREFORK, SPAWN], ids=str, indirect=True)
def test_a_killed_childs_step_runs_again_under_the_same_worker_or_another(grounds: Grounds, book: Book) -> None:
    run, pid, worker = _held(grounds, book)
    os.kill(pid, signal.SIGKILL)
    assert book.wait_for("first", 2).pid != pid
    book.release("first")
    assert run.result(timeout=PATIENCE) == [2, 1]
    assert _lost(grounds, run) == ["lost"]
    assert worker.process.poll() is None
    grounds.assert_intact()


def test_a_warm_shutdown_lets_the_step_end_and_records_it(grounds: Grounds, book: Book) -> None:
    run, _, worker = _held(grounds, book)
    worker.signal(signal.SIGTERM)
    worker.wait_for_log("Warm shutdown")
    book.release("first")
    assert run.result(timeout=PATIENCE) == [1, 1]
    assert worker.process.wait(PATIENCE) == 0
    assert _lost(grounds, run) == []
    grounds.assert_intact()


def test_a_cold_shutdown_gives_the_step_back_or_waits_for_it(grounds: Grounds, book: Book) -> None:
    """Threads, and solo's only one, cannot be killed: what runs there comes to its end, and is recorded."""
    run, _, worker = _held(grounds, book)
    worker.signal(signal.SIGQUIT)
    if grounds.pool.kills:
        book.wait_for("first", 2)
    else:
        # Celery says "Cold shutdown" when it has waited for the threads; it begins with a word about Ctrl+C.
        until(lambda: "Ctrl+C" in worker.text() or "Cold shutdown" in worker.text(), "the shutdown's beginning")
    book.release("first")
    assert run.result(timeout=PATIENCE) == [2 if grounds.pool.kills else 1, 1]
    until(lambda: worker.process.poll() is not None, "the worker's end")
    grounds.assert_intact()
