"""What ends a step that takes too long, on each pool: see the table in docs/how-to/pools.md."""

from typing import Any

import pytest

from durableflow.errors import RunFailed, StepTimedOut
from durableflow.language import Run
from tests.faults.journal import until
from tests.pools import app
from tests.pools.book import Book
from tests.pools.grounds import GEVENT, PATIENCE, PREFORK, SOLO, SPAWN, THREADS, Grounds


def _assert_timed_out(run: Run[Any]) -> None:
    with pytest.raises(RunFailed) as failed:
        run.result(timeout=PATIENCE)
    assert isinstance(failed.value.__cause__, StepTimedOut), failed.value


@pytest.mark.parametrize("shared_grounds", [PREFORK, SPAWN, GEVENT, SOLO], ids=str, indirect=True)
def test_a_timeout_ends_the_body_that_waits(grounds: Grounds, book: Book) -> None:
    grounds.need(1)
    late, late_async = app.slow(30.0).start(), app.slow_async(str(book.directory), 30.0).start()
    assert app.slow(0.0).start().result(timeout=PATIENCE) == "in time"
    _assert_timed_out(late)
    _assert_timed_out(late_async)
    until(lambda: book.lines(event="ends"), "the end of the coroutine")
    grounds.assert_intact()


@pytest.mark.parametrize("shared_grounds", [THREADS], ids=str, indirect=True)
def test_nothing_ends_a_thread_but_a_coroutine_can_be_cancelled(grounds: Grounds, book: Book) -> None:
    grounds.need(1)
    plain, waiting = app.slow(1.5).start(), app.slow_async(str(book.directory), 30.0).start()
    assert plain.result(timeout=PATIENCE) == "in time"
    _assert_timed_out(waiting)
    until(lambda: book.lines(event="ends"), "the end of the coroutine")
    grounds.assert_intact()


@pytest.mark.parametrize("shared_grounds", [PREFORK, SPAWN, GEVENT], ids=str, indirect=True)
def test_celerys_hard_limit_is_a_failure_that_is_recorded_at_once(grounds: Grounds) -> None:
    grounds.need(1)
    runs = [app.deaf().start(), app.deaf_async().start()]
    for run in runs:
        _assert_timed_out(run)
        outcomes = grounds.query("SELECT outcome FROM durableflow_core.attempt WHERE run_id = %s", run.id)
        assert outcomes == ["failed"], "not lost: it was the step's own doing"
    grounds.assert_intact()
