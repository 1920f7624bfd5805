"""A schedule that cannot work is refused where it is written, with the way out."""

from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from durableflow.language.cron import Cron


@pytest.mark.parametrize(
    ("expression", "reason"),
    [
        ("0 25 * * *", r"bad hour.*hour \(0-23\)"),
        ("61 * * * *", "bad minute"),
        ("0 3 * *", "has 4 fields, not five"),
        ("0 0 3 * * *", "has 6 fields, not five; seconds cannot be given"),
        ("@daily", "has 1 fields, not five"),
        ("", "has 0 fields"),
        ("0 0 30 2 *", "bad day-of-month"),
        ("0 0 */31 2 MON#5", "never comes true"),
        ("1" * 5000 + " * * * *", "write minute"),
    ],
)
def test_an_expression_that_cannot_work(expression: str, reason: str) -> None:
    with pytest.raises(ValueError, match=reason):
        Cron(expression)


@pytest.mark.parametrize(
    ("zone", "hint"),
    [
        ("Europe/Lisboa", "did you mean Europe/Lisbon"),
        ("europe/lisbonn", "Europe/Lisbon"),
        ("../../etc/passwd", "no time zone"),
        ("Europe", "no time zone"),
        ("", "no time zone"),
        ("qqq\0", "no time zone"),
    ],
)
def test_a_zone_that_does_not_exist(zone: str, hint: str) -> None:
    with pytest.raises(ValueError, match=hint):
        Cron("0 3 * * *", zone)


@pytest.mark.parametrize(
    ("options", "reason"),
    [
        ({"catch_up": "none"}, "catch_up is 'skip', 'one' or 'all', not 'none'"),
        ({"overlap": True}, "overlap is 'allow', 'skip' or 'queue'"),
        ({"grace": -1}, "grace is between"),
        ({"grace": float("nan")}, "grace is between"),
        ({"name": ""}, "name is a text"),
        ({"name": "x" * 201}, "name is a text"),
    ],
)
def test_an_option_that_is_none(options: dict[str, Any], reason: str) -> None:
    with pytest.raises(ValueError, match=reason):
        Cron("0 3 * * *", **options)


def test_what_is_no_text_is_refused() -> None:
    with pytest.raises(TypeError, match="Cron takes an expression"):
        Cron(3)  # type: ignore[arg-type]


def test_a_moment_without_a_zone_is_refused() -> None:
    with pytest.raises(ValueError, match="has no time zone"):
        Cron("0 3 * * *").ticks(datetime(2026, 1, 1))


def test_a_grace_is_seconds_or_a_timedelta() -> None:
    assert Cron("0 3 * * *", grace=timedelta(minutes=5)) == Cron("0  3 * * *", grace=300.0)


_field = st.text("0123456789*/,-#LW", min_size=1, max_size=6)


@given(st.lists(_field, min_size=5, max_size=5).map(" ".join))
def test_whatever_is_written_either_is_refused_or_has_a_next_tick(expression: str) -> None:
    try:
        cron = Cron(expression, "Australia/Lord_Howe")
    except ValueError:
        return
    at = datetime(2026, 10, 3, 12, tzinfo=UTC)
    assert cron.next_after(at) > at
