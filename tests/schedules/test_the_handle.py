"""A schedule is paused, resumed, looked at and backfilled from any process of the application."""

from collections.abc import Callable
from datetime import UTC, datetime, timedelta

import pytest

from durableflow import Cron, DurableFlow
from durableflow.client.schedules import tick_run
from durableflow.errors import UnknownSchedule
from durableflow.language.schedules import Entry
from durableflow.store import schedule, tick
from tests.schedules import clockwork
from tests.schedules.conftest import NOON, Cluster
from tests.support.races import Race

At = Callable[[str], datetime]

HOUR = timedelta(hours=1)


def test_a_paused_schedule_starts_nothing_until_it_is_resumed(cluster: Cluster, at: At, df: DurableFlow) -> None:
    worker, handle = cluster.worker("clockwork.every_hour"), df.schedule("clockwork.every_hour")
    assert handle.pause() is True
    assert handle.pause() is False, "it was paused already"
    at("13 14:30")
    cluster.run(worker)
    assert cluster.ticks("clockwork.every_hour") == []
    assert (handle.info()["state"], handle.info()["next_at"]) == ("paused", None)
    assert handle.resume() is True
    assert handle.resume() is False
    cluster.run(worker)
    assert cluster.ticks("clockwork.every_hour") == [], "what passed meanwhile is not caught up on"
    at("13 15:00")
    cluster.run(worker)
    assert cluster.ticks("clockwork.every_hour") == [("13 15:00", "started")]


def test_a_pause_holds_the_queue_too(cluster: Cluster, at: At, df: DurableFlow) -> None:
    worker = cluster.worker("clockwork.in_line")
    at("13 14:00")
    cluster.run(worker)
    df.schedule("clockwork.in_line").pause()
    cluster.end(cluster.runs()[-1])
    cluster.run(worker)
    assert cluster.ticks("clockwork.in_line")[1:] == [("13 14:00", "queued")]
    df.schedule("clockwork.in_line").resume()
    cluster.run(worker)
    assert cluster.ticks("clockwork.in_line")[1:] == [("13 14:00", "started")]


def test_a_schedule_can_be_paused_before_any_worker_has_started(cluster: Cluster, at: At, df: DurableFlow) -> None:
    df.schedule("clockwork.every_hour").pause()
    worker = cluster.worker("clockwork.every_hour")
    at("13 13:00")
    cluster.run(worker)
    assert cluster.runs() == []


def test_the_next_ticks_are_in_the_schedules_zone(cluster: Cluster, df: DurableFlow) -> None:
    ticks = df.schedule(clockwork.nightly).next(2)
    assert [tick.isoformat() for tick in ticks] == ["2031-05-14T03:00:00+01:00", "2031-05-15T03:00:00+01:00"]
    assert df.schedule("clockwork.nightly").next() == ticks[:1]


def test_a_dry_run_tells_and_writes_nothing(cluster: Cluster, df: DurableFlow) -> None:
    handle = df.schedule("clockwork.every_hour")
    ticks = handle.backfill(NOON - 3 * HOUR, NOON, dry_run=True)
    assert [tick.hour for tick in ticks] == [9, 10, 11], "the end is not part of it"
    assert (cluster.runs(), cluster.ticks("clockwork.every_hour")) == ([], [])


def test_a_backfill_starts_a_run_for_each_tick_that_has_none_and_twice_is_once(
    cluster: Cluster, at: At, df: DurableFlow
) -> None:
    worker, handle = cluster.worker("clockwork.nightly"), df.schedule("clockwork.nightly")
    at("14 02:00")
    cluster.run(worker)
    at("17 02:30")
    cluster.run(worker)  # those of the 15th to the 17th were missed
    begin, end = NOON - timedelta(days=1), cluster.clock.now()
    assert [tick.day for tick in handle.backfill(begin, end, dry_run=True)] == [13, 15, 16, 17]
    assert [tick.day for tick in handle.backfill(begin, end)] == [13, 15, 16, 17]
    assert cluster.ticks("clockwork.nightly") == [(f"{day} 02:00", "started") for day in range(13, 18)]
    assert handle.backfill(begin, end) == []
    assert len(cluster.runs()) == 5
    assert cluster.rows("SELECT DISTINCT reason FROM durableflow.ticks WHERE reason IS NOT NULL") == ["a backfill"]


def test_a_backfill_and_the_schedule_start_one_run_of_a_tick(
    cluster: Cluster, at: At, df: DurableFlow, race: Race
) -> None:
    worker, handle = cluster.worker("clockwork.every_hour"), df.schedule("clockwork.every_hour")
    at("13 13:00:30")
    firing = race.connection()
    worker.run_once(firing)

    (entry,) = clockwork.every_hour.schedules
    new = tick_run(clockwork.every_hour, entry, NOON + HOUR, cluster.settings)
    backfilling = race.start(tick.make_up, entry.name, NOON + HOUR, new, publishes=False)
    race.wait_until_blocked(backfilling, by=firing)
    firing.commit()
    assert backfilling.result().state == "known"
    assert len(cluster.runs()) == 1
    at("13 14:00:30")
    assert len(handle.backfill(NOON + 2 * HOUR, cluster.clock.now())) == 1
    cluster.run(worker)
    assert len(cluster.runs()) == 2, "the tick that was backfilled before the worker came to it is known"
    assert [state for _, state in cluster.ticks("clockwork.every_hour")] == ["started", "started"]


@pytest.mark.parametrize(
    ("start", "end", "reason"),
    [
        (NOON, NOON + HOUR, "a backfill is of the past"),
        (NOON.replace(tzinfo=None), NOON, "has no time zone"),
        (NOON - timedelta(days=365), NOON, "more than 100000 ticks"),
    ],
)
def test_a_backfill_that_cannot_be_meant_is_refused(
    cluster: Cluster, df: DurableFlow, start: datetime, end: datetime, reason: str
) -> None:
    with pytest.raises(ValueError, match=reason):
        df.schedule("clockwork.minutely").backfill(start, end)
    assert cluster.runs() == []


def test_info_is_the_row_of_the_view(cluster: Cluster, at: At, df: DurableFlow) -> None:
    worker, handle = cluster.worker("clockwork.in_line"), df.schedule("clockwork.in_line")
    at("13 14:00")
    cluster.run(worker)
    info = handle.info()
    assert info["state"] == "active"
    assert info["next_at"].astimezone(UTC) == NOON + 3 * HOUR
    assert info["last_at"].astimezone(UTC) == NOON + 2 * HOUR
    assert (info["last_state"], info["queued"], info["grace"]) == ("queued", 1, timedelta(minutes=1))
    assert info["last_run_id"] == cluster.runs()[0]
    assert cluster.rows("SELECT run_state FROM durableflow.ticks ORDER BY at") == ["running", None]


def test_an_unknown_schedule_is_refused_with_those_that_come_closest(df: DurableFlow) -> None:
    with pytest.raises(UnknownSchedule, match=r"did you mean clockwork.nightly"):
        df.schedule("clockwork.nightli")
    with pytest.raises(UnknownSchedule, match=r"clockwork.by_hand has no schedule"):
        df.schedule(clockwork.by_hand)
    with pytest.raises(ValueError, match=r"several schedules.*clockwork.hourly, clockwork.mondays"):
        df.schedule(clockwork.hourly)


def test_a_change_of_the_times_takes_effect_from_now_on(cluster: Cluster, at: At) -> None:
    (old,) = cluster.register("clockwork.every_hour")
    at("13 14:30")  # two ticks of the old times have not been dealt with
    new = Entry(old.name, old.workflow, Cron("45 * * * *", catch_up="all"))
    assert schedule.register(cluster.conn, "clockwork", new)
    former, latter = cluster.duty(old), cluster.duty(new)
    at("13 15:00")
    cluster.run(former)
    assert cluster.ticks(old.name) == [], "whoever has it otherwise leaves it to those of the newer deploy"
    cluster.run(latter)
    assert cluster.ticks(old.name) == [("13 14:45", "started")]


def test_the_same_times_registered_again_forget_nothing(cluster: Cluster, at: At) -> None:
    cluster.register("clockwork.every_hour")
    at("13 14:30")
    cluster.run(cluster.worker("clockwork.every_hour"))
    assert len(cluster.ticks("clockwork.every_hour")) == 2


def test_what_is_not_in_the_code_any_more_is_removed_and_its_history_stays(cluster: Cluster, at: At) -> None:
    worker = cluster.worker("clockwork.every_hour", "clockwork.alone")
    at("13 13:00")
    cluster.run(worker)
    assert schedule.remove(cluster.conn, "another", keep=[]) == []
    assert schedule.remove(cluster.conn, "clockwork", keep=["clockwork.alone"]) == ["clockwork.every_hour"]
    at("13 14:00")
    cluster.run(worker)
    assert cluster.ticks("clockwork.every_hour") == [("13 13:00", "started")]
    assert len(cluster.ticks("clockwork.alone")) == 2
    assert cluster.rows("SELECT state FROM durableflow.schedules ORDER BY name") == ["active", "removed"]
    at("13 16:30")
    again = cluster.worker("clockwork.every_hour")
    cluster.run(again)
    assert cluster.ticks("clockwork.every_hour") == [("13 13:00", "started")], "that time was not its own"


def test_what_waits_when_its_schedule_is_removed_never_starts(cluster: Cluster, at: At) -> None:
    worker = cluster.worker("clockwork.in_line")
    at("13 14:00")
    cluster.run(worker)
    schedule.remove(cluster.conn, "clockwork", keep=[])
    cluster.end(cluster.runs()[0])
    cluster.run(cluster.worker("clockwork.in_line"))
    assert cluster.ticks("clockwork.in_line") == [("13 13:00", "started"), ("13 14:00", "skipped")]


def test_the_name_of_another_applications_schedule_is_not_taken_over(cluster: Cluster) -> None:
    (entry,) = cluster.register("clockwork.every_hour")
    assert schedule.register(cluster.conn, "another", entry) is False
    assert cluster.rows("SELECT app FROM durableflow.schedules") == ["clockwork"]
