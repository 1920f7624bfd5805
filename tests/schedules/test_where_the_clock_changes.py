"""A time of the day comes once a day, and a quarter of an hour every quarter of an hour, also where the clock jumps."""

import itertools
from datetime import UTC, datetime, timedelta
from zoneinfo import ZoneInfo

import pytest

from durableflow.language.cron import Cron

LISBON, NEW_YORK, LORD_HOWE = "Europe/Lisbon", "America/New_York", "Australia/Lord_Howe"

# The zone, the first moment after the change, and by how many minutes the clocks go on (or back).
SPRING = [
    (LISBON, datetime(2027, 3, 28, 1, tzinfo=UTC), 60),
    (NEW_YORK, datetime(2027, 3, 14, 7, tzinfo=UTC), 60),
    (LORD_HOWE, datetime(2026, 10, 3, 15, 30, tzinfo=UTC), 30),
]
AUTUMN = [
    (LISBON, datetime(2026, 10, 25, 1, tzinfo=UTC), -60),
    (NEW_YORK, datetime(2026, 11, 1, 6, tzinfo=UTC), -60),
    (LORD_HOWE, datetime(2027, 4, 3, 15, tzinfo=UTC), -30),
]


def ticks(expression: str, zone: str, first: datetime, last: datetime) -> list[datetime]:
    """Those from ``first`` to ``last``."""
    found = Cron(expression, zone).ticks(first - timedelta(seconds=1))
    return list(itertools.takewhile(lambda tick: tick.astimezone(UTC) <= last, found))


def around(change: datetime, hours: int = 36) -> tuple[datetime, datetime]:
    return change - timedelta(hours=hours), change + timedelta(hours=hours)


def shown(moments: list[datetime]) -> list[str]:
    return [moment.isoformat(timespec="minutes") for moment in moments]


@pytest.mark.parametrize(
    ("zone", "expression", "at"),
    [
        (LISBON, "30 1 * * *", "2027-03-28T02:00+01:00"),
        (NEW_YORK, "30 2 * * *", "2027-03-14T03:00-04:00"),
        (LORD_HOWE, "15 2 * * *", "2026-10-04T02:30+11:00"),
    ],
)
def test_a_time_that_the_clock_skips_comes_once_right_after_the_jump(zone: str, expression: str, at: str) -> None:
    (change,) = [change for name, change, _ in SPRING if name == zone]
    found = ticks(expression, zone, *around(change))
    assert len(found) == 3
    assert at in shown(found)
    assert datetime.fromisoformat(at) == change
    assert len({tick.date() for tick in found}) == 3


@pytest.mark.parametrize(
    ("zone", "expression", "at"),
    [
        (LISBON, "30 1 * * *", "2026-10-25T01:30+01:00"),
        (NEW_YORK, "30 1 * * *", "2026-11-01T01:30-04:00"),
        (LORD_HOWE, "45 1 * * *", "2027-04-04T01:45+11:00"),
    ],
)
def test_a_time_that_comes_twice_counts_once(zone: str, expression: str, at: str) -> None:
    (change,) = [change for name, change, _ in AUTUMN if name == zone]
    found = ticks(expression, zone, *around(change))
    assert at in shown(found)
    assert len(found) == len({tick.date() for tick in found}) == 3


@pytest.mark.parametrize(("zone", "change", "_"), SPRING + AUTUMN)
def test_every_quarter_of_an_hour_stays_that(zone: str, change: datetime, _: int) -> None:
    first, last = around(change)
    found = [tick.astimezone(UTC) for tick in ticks("*/15 * * * *", zone, first, last)]
    assert found == [first + n * timedelta(minutes=15) for n in range(72 * 4 + 1)]


@pytest.mark.parametrize("expression", ["*/15 3 * * *", "*/15 2 * * *", "*/10 1 * * *", "7 * * * *", "20 */2 * * *"])
@pytest.mark.parametrize(("zone", "change", "_"), SPRING + AUTUMN)
def test_what_goes_by_the_time_that_passes_comes_whenever_the_clocks_show_it(
    expression: str, zone: str, change: datetime, _: int
) -> None:
    """Not by whole hours from the hour before, which loses ticks where the clock changes by half of one."""
    first, last = around(change)
    minute, hour = expression.split()[:2]
    minutes = (last - first) // timedelta(minutes=1)
    moments = [first + n * timedelta(minutes=1) for n in range(minutes + 1)]
    expected = [
        at for at in moments
        if _fits(minute, at.astimezone(ZoneInfo(zone)).minute) and _fits(hour, at.astimezone(ZoneInfo(zone)).hour)
    ]  # fmt: skip
    assert [tick.astimezone(UTC) for tick in ticks(expression, zone, first, last)] == expected


def _fits(field: str, value: int) -> bool:
    return value % int(field[2:]) == 0 if field.startswith("*/") else field in ("*", str(value))


@pytest.mark.parametrize("expression", ["0,30 2 * * *", "0-59 2 * * *", "30 2,3 * * *", "0,20,40 1,2 * * *"])
@pytest.mark.parametrize(("zone", "change", "_"), SPRING + AUTUMN)
def test_ticks_only_go_forward_from_wherever_they_are_asked_for(
    expression: str, zone: str, change: datetime, _: int
) -> None:
    """Each tick asked for from the one before, or from any moment in between: the same ones, and none twice."""
    first, last = around(change, 3)
    found = [tick.astimezone(UTC) for tick in ticks(expression, zone, *around(change, 30))]
    assert found == sorted(set(found))
    cron = Cron(expression, zone)
    at = first
    while at < last:
        following = cron.next_after(at).astimezone(UTC)
        assert following > at
        assert following == next(tick for tick in found if tick > at)
        at += timedelta(minutes=10)


@pytest.mark.parametrize(("zone", "change", "minutes"), SPRING + AUTUMN)
def test_the_changes_of_these_tests_are_where_they_are_said_to_be(zone: str, change: datetime, minutes: int) -> None:
    before, after = (
        moment.astimezone(ZoneInfo(zone)).utcoffset() for moment in (change - timedelta(seconds=1), change)
    )
    assert before is not None
    assert after is not None
    assert after - before == timedelta(minutes=minutes)


def test_a_day_that_is_years_away_is_found() -> None:
    cron = Cron("0 12 29 2 *", LISBON)
    assert shown([cron.next_after(datetime(2096, 3, 1, tzinfo=UTC))]) == ["2104-02-29T12:00+00:00"]
    rare = Cron("*/30 0 * 2 MON#5", LISBON)
    assert shown([rare.next_after(datetime(2026, 1, 1, tzinfo=UTC))]) == ["2044-02-29T00:00+00:00"]
