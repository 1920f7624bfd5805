from datetime import timedelta

import pytest

from durableflow import Retry
from durableflow.retry import NEVER


def test_waits_grow_by_the_factor_up_to_the_longest() -> None:
    retry = Retry(max_attempts=9, backoff=1.0, factor=3.0, max_backoff=20.0)
    assert [retry.delay(failures, lambda: 0.5) for failures in (1, 2, 3, 4, 5)] == [1.0, 3.0, 9.0, 20.0, 20.0]


def test_full_jitter_draws_between_nothing_and_the_wait() -> None:
    for jitter in (True, "full"):
        retry = Retry(backoff=8.0, jitter=jitter)  # type: ignore[arg-type]
        assert [retry.delay(1, lambda: drawn) for drawn in (0.0, 0.25, 0.999)] == pytest.approx([0.0, 2.0, 7.992])  # noqa: B023


def test_equal_jitter_keeps_half_of_the_wait() -> None:
    retry = Retry(backoff=8.0, jitter="equal")
    assert retry.delay(1, lambda: 0.0) == 4.0
    assert retry.delay(1, lambda: 0.5) == 6.0


def test_a_thousand_failures_do_not_overflow() -> None:
    assert Retry(max_attempts=10**6, backoff=1.0, max_backoff=60.0).delay(10**5, lambda: 0.0) == 60.0
    assert Retry(max_attempts=10**6, backoff=0.0, max_backoff=60.0).delay(10**5, lambda: 0.0) == 0.0


def test_attempts_are_counted_with_the_first() -> None:
    retry = Retry(max_attempts=3)
    assert [retry.retries(KeyError(), failures) for failures in (1, 2, 3)] == [True, True, False]
    assert not NEVER.retries(KeyError(), 1)


def test_not_on_wins_over_a_base_class_in_on() -> None:
    retry = Retry(on=(LookupError, OSError), not_on=(KeyError,))
    assert retry.retries(IndexError(), 1)
    assert not retry.retries(KeyError(), 1)
    assert not retry.retries(ValueError(), 1)
    assert not Retry().retries(KeyboardInterrupt(), 1)


def test_one_class_and_a_timedelta_are_taken_too() -> None:
    retry = Retry(backoff=timedelta(minutes=1), on=ValueError)  # type: ignore[arg-type]
    assert (retry.backoff, retry.on) == (60.0, (ValueError,))


@pytest.mark.parametrize(
    ("given", "named"),
    [
        ({"max_attempts": 0}, "max_attempts"),
        ({"backoff": -1.0}, "backoff"),
        ({"backoff": float("nan")}, "backoff"),
        ({"max_backoff": float("inf")}, "max_backoff"),
        ({"factor": 0.5}, "factor"),
        ({"factor": float("nan")}, "factor"),
        ({"jitter": "some"}, "jitter"),
        ({"on": ("ValueError",)}, "on"),
        ({"not_on": (3,)}, "not_on"),
    ],
)
def test_what_cannot_work_is_refused_by_name(given: dict[str, object], named: str) -> None:
    with pytest.raises((ValueError, TypeError), match=named):
        Retry(**given)  # type: ignore[arg-type]
