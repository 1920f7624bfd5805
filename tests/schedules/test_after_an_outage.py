"""What was missed is noted, or made up for, as the schedule says; and never keeps the worker from its other duties."""

from collections.abc import Callable
from datetime import UTC, datetime, timedelta

import pytest

from durableflow.language.cron import Cron
from durableflow.steward import schedules
from durableflow.steward.schedules import PAGE, due, is_missed
from tests.schedules.conftest import Cluster

At = Callable[[str], datetime]


def test_skip_notes_what_was_missed_and_goes_on_with_the_next(cluster: Cluster, at: At) -> None:
    worker = cluster.worker("clockwork.picky")  # hourly, as it is by default
    at("13 15:10")
    cluster.run(worker)
    assert cluster.ticks("clockwork.picky") == [("13 13:00", "missed"), ("13 14:00", "missed"), ("13 15:00", "missed")]
    at("13 16:00")
    cluster.run(worker)
    assert cluster.ticks("clockwork.picky")[3:] == [("13 16:00", "skipped")]


def test_one_starts_the_latest_of_those_that_were_missed(cluster: Cluster, at: At) -> None:
    worker = cluster.worker("clockwork.hourly")
    at("13 15:10")
    cluster.run(worker)
    assert cluster.ticks("clockwork.hourly") == [
        ("13 13:00", "missed"),
        ("13 14:00", "missed"),
        ("13 15:00", "started"),
    ]
    assert len(cluster.runs()) == 1


def test_all_starts_every_one_in_order(cluster: Cluster, at: At) -> None:
    worker = cluster.worker("clockwork.every_hour")
    at("13 15:10")
    cluster.run(worker)
    times = ["13 13:00", "13 14:00", "13 15:00"]
    assert cluster.ticks("clockwork.every_hour") == [(time, "started") for time in times]
    keys = cluster.rows("SELECT key FROM durableflow_core.run ORDER BY id")
    assert keys == sorted(keys)
    assert len(keys) == 3


def test_within_the_grace_a_tick_is_on_time(cluster: Cluster, at: At) -> None:
    worker = cluster.worker("clockwork.nightly")
    at("14 02:01")
    cluster.run(worker)
    at("15 02:01:01")
    cluster.run(worker)
    assert cluster.ticks("clockwork.nightly") == [("14 02:00", "started"), ("15 02:00", "missed")]


def test_the_grace_is_the_schedules_own() -> None:
    tick, now = datetime(2031, 5, 13, 12, tzinfo=UTC), datetime(2031, 5, 13, 14, tzinfo=UTC)
    then = tick + timedelta(hours=1)
    assert is_missed(Cron("0 * * * *"), tick, then, now)
    assert not is_missed(Cron("0 * * * *", grace=timedelta(hours=2)), tick, then, now)


def test_much_to_catch_up_on_is_dealt_with_in_pages_and_keeps_no_other_schedule_waiting(
    cluster: Cluster, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(schedules, "_SLICE", 0.0)  # as if each look used its slice up
    worker = cluster.worker("clockwork.every_hour", "clockwork.minutely")
    cluster.clock.advance(timedelta(days=2))
    counts = [worker.run_once(cluster.conn).count for _ in range(100)]
    assert counts[:2] == [1, PAGE], "each has its turn"
    assert max(counts) == PAGE
    assert sum(counts) == 48 + 48 * 60
    assert worker.run_once(cluster.conn).again > 0, "it spins"
    assert len(cluster.ticks("clockwork.every_hour")) == 48
    assert len(cluster.ticks("clockwork.minutely")) == 48 * 60


def test_a_page_is_bounded_whatever_was_missed() -> None:
    cron = Cron("* * * * *")
    begin = datetime(2030, 1, 1, tzinfo=UTC)
    ticks, following = due(cron, begin, begin + timedelta(days=365))
    assert len(ticks) == PAGE
    assert (ticks[0], following) == (begin, begin + timedelta(minutes=PAGE))
