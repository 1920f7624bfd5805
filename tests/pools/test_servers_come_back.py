"""PostgreSQL, or the broker, is killed while a step runs: the workers outlive it, and the step's end is recorded."""

from collections.abc import Callable

import pytest

from tests.faults.journal import until
from tests.pools import app
from tests.pools.book import Book
from tests.pools.grounds import GEVENT, PATIENCE, PREFORK, SOLO, THREADS, Grounds

Kill = Callable[[Grounds], Callable[[], object]]


def _broker(grounds: Grounds) -> Callable[[], object]:
    grounds.valkey.kill()
    return grounds.valkey.start


def _database(grounds: Grounds) -> Callable[[], object]:
    grounds.postgres.kill()
    return grounds.postgres.start


@pytest.mark.parametrize("shared_grounds", [PREFORK, THREADS, GEVENT, SOLO], ids=str, indirect=True)
@pytest.mark.parametrize("kill", [_broker, _database])
def test_a_step_that_runs_meanwhile_counts(grounds: Grounds, book: Book, kill: Kill) -> None:
    grounds.need(2)
    book.hold("first")
    run = app.works(str(book.directory)).start()
    book.wait_for("first")
    # Its claim did not wait for the disk; once anything later has, it is there, and outlasts the crash.
    grounds.query("UPDATE durableflow_core.run SET labels = labels WHERE id = %s RETURNING id", run.id)
    come_back = kill(grounds)
    book.release("first")
    book.wait_for("first", event="ends")
    come_back()
    assert run.result(timeout=PATIENCE) == [1, 1]
    assert app.linear(1).start().result(timeout=PATIENCE) == 5
    assert len(grounds.workers) == 2
    until(lambda: len(grounds.query("SELECT id FROM durableflow.workers WHERE state = 'alive'")) == 2, "both workers")
    grounds.assert_intact()
