"""What every pool has to do while nothing goes wrong."""

from tests.pools import app
from tests.pools.book import Book
from tests.pools.grounds import Grounds


def test_steps_retries_timers_and_events(grounds: Grounds, book: Book) -> None:
    grounds.need(1)
    linear, retried, rests = app.linear(1).start(), app.retried(str(book.directory)).start(), app.rests(0.5).start()
    asks = app.asks().start()
    assert linear.result(timeout=30) == 5
    assert retried.result(timeout=30) == 3
    assert rests.result(timeout=30) == 3
    asks.send("answer", "yes")
    assert asks.result(timeout=30) == "yes"


def test_a_gather_of_two_hundred_steps(grounds: Grounds) -> None:
    grounds.need(1)
    assert app.wide(200).start().result(timeout=60) == [2 * n for n in range(200)]
    grounds.assert_intact()


def test_steps_that_run_at_the_same_time_do_not_mix(grounds: Grounds, book: Book) -> None:
    """As many as there are places, on two workers; each knows which one it is after it has let others go on."""
    count = grounds.pool.places * len(grounds.need(2))
    met = app.meeting(str(book.directory), count).start().result(timeout=60)
    assert [number for _, number in met] == list(range(count))
    assert len({key for key, _ in met}) == count


def test_async_steps_run_at_the_same_time_too(grounds: Grounds, book: Book) -> None:
    count = grounds.pool.places * len(grounds.need(2))
    met = app.meeting_async(str(book.directory), count).start().result(timeout=60)
    assert [number for _, number in met] == list(range(count))
    assert len({key for key, _ in met}) == count
