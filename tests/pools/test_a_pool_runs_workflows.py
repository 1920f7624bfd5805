"""What every pool has to do while nothing goes wrong."""

import pytest

from durableflow.errors import RunFailed, StepRaised
from durableflow.worker.lanes import MOST
from tests.pools import app
from tests.pools.book import Book
from tests.pools.grounds import PATIENCE, Grounds


def test_steps_retries_timers_and_events(grounds: Grounds, book: Book) -> None:
    grounds.need(1)
    linear, retried, rests = app.linear(1).start(), app.retried(str(book.directory)).start(), app.rests(0.5).start()
    asks = app.asks().start()
    assert linear.result(timeout=PATIENCE) == 5
    assert retried.result(timeout=PATIENCE) == 3
    assert rests.result(timeout=PATIENCE) == 3
    asks.send("answer", "yes")
    assert asks.result(timeout=PATIENCE) == "yes"


def test_a_gather_of_two_hundred_steps(grounds: Grounds) -> None:
    grounds.need(1)
    assert app.wide(200).start().result(timeout=PATIENCE) == [2 * n for n in range(200)]
    grounds.assert_intact()
    open_ = """
        SELECT application_name FROM pg_stat_activity
        WHERE datname = current_database() AND application_name LIKE 'durableflow%%'
              AND application_name NOT LIKE '%%client%%'
    """
    workers = len(grounds.workers)
    names = grounds.query(open_)
    assert names.count("durableflow step") <= workers * min(grounds.pool.places, MOST), "of steps"
    assert len(names) - names.count("durableflow step") <= workers * 2, "the steward's"


def test_steps_that_run_at_the_same_time_do_not_mix(grounds: Grounds, book: Book) -> None:
    """As many as there are places, on two workers; each knows which one it is after it has let others go on."""
    count = grounds.pool.places * len(grounds.need(2))
    met = app.meeting(str(book.directory), count).start().result(timeout=PATIENCE)
    assert [number for _, number in met] == list(range(count))
    assert len({key for key, _ in met}) == count


@pytest.mark.parametrize("how", ["exit", "cancel"])
def test_a_coroutine_that_leaves_its_loop_has_failed(grounds: Grounds, how: str) -> None:
    grounds.need(1)
    with pytest.raises(RunFailed) as failed:
        app.leaves(how).start().result(timeout=PATIENCE)
    assert isinstance(failed.value.__cause__, StepRaised)


def test_async_steps_run_at_the_same_time_too(grounds: Grounds, book: Book) -> None:
    count = grounds.pool.places * len(grounds.need(2))
    met = app.meeting_async(str(book.directory), count).start().result(timeout=PATIENCE)
    assert [number for _, number in met] == list(range(count))
    assert len({key for key, _ in met}) == count
