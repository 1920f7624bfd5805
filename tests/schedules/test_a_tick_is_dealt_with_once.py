"""Whichever workers there are, a tick starts one run, in one transaction, by the database's clock."""

from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from typing import Any
from zoneinfo import ZoneInfo

import psycopg
import pytest

from durableflow import DurableFlow, codec
from durableflow.store import tick, wake_due
from tests.schedules import clockwork
from tests.schedules.conftest import NOON, Cluster
from tests.support.invariants import violations
from tests.support.races import Race

At = Callable[[str], datetime]


def test_a_tick_starts_a_run_with_the_tick_in_the_schedules_zone(cluster: Cluster, at: At) -> None:
    worker = cluster.worker("clockwork.nightly")
    assert cluster.run(worker) == 5.0, "a pause is to be heeded soon"
    at("14 02:00")  # three o'clock in Lisbon, in summer
    assert cluster.run(worker) == 5.0
    assert cluster.ticks("clockwork.nightly") == [("14 02:00", "started")]
    (run,) = cluster.rows("SELECT id, key, input::text, labels FROM durableflow_core.run")
    assert run[1] == "clockwork.nightly@2031-05-14T02:00:00+00:00"
    tick_ = codec.decode(run[2])["at"]
    assert (tick_, tick_.tzinfo) == (datetime(2031, 5, 14, 3, tzinfo=ZoneInfo("Europe/Lisbon")), tick_.tzinfo)
    assert tick_.tzinfo == ZoneInfo("Europe/Lisbon")
    assert run[3] == {"schedule": "clockwork.nightly"}
    assert [message.subject for message in cluster.broker.sent] == [str(run[0])]
    assert violations(cluster.conn) == {}


def test_nothing_is_started_a_moment_too_early(cluster: Cluster, at: At) -> None:
    worker = cluster.worker("clockwork.every_hour")
    at("13 12:59:58")
    assert cluster.run(worker) == pytest.approx(2.0)
    assert cluster.ticks("clockwork.every_hour") == []
    at("13 13:00")
    cluster.run(worker)
    assert cluster.ticks("clockwork.every_hour") == [("13 13:00", "started")]


@pytest.mark.parametrize("ahead", [timedelta(days=2), timedelta(days=-2)])
def test_a_workers_own_clock_changes_nothing(
    cluster: Cluster, at: At, ahead: timedelta, monkeypatch: pytest.MonkeyPatch
) -> None:
    """It shows what the database's clock will show in two days, or has shown two days ago."""
    wrong = (NOON + ahead).timestamp()
    monkeypatch.setattr("time.time", lambda: wrong)
    monkeypatch.setattr("time.time_ns", lambda: int(wrong) * 10**9)
    worker = cluster.worker("clockwork.every_hour")
    cluster.run(worker)
    assert cluster.ticks("clockwork.every_hour") == []
    at("13 13:00")
    cluster.run(worker)
    assert cluster.ticks("clockwork.every_hour") == [("13 13:00", "started")]


def test_of_two_workers_at_the_same_moment_one_starts_it_and_the_other_does_not_wait(
    cluster: Cluster, at: At, race: Race
) -> None:
    (entry,) = cluster.register("clockwork.every_hour")
    first, second = cluster.duty(entry), cluster.duty(entry)
    at("13 13:00")
    holder = race.connection()
    first.run_once(holder)  # its transaction is still open
    assert second.run_once(cluster.conn).count == 0
    assert cluster.runs() == []
    holder.commit()
    cluster.run(second)
    assert len(cluster.runs()) == 1
    assert cluster.ticks("clockwork.every_hour") == [("13 13:00", "started")]


def test_a_worker_that_read_the_tick_before_another_started_it_starts_nothing(
    cluster: Cluster, at: At, monkeypatch: pytest.MonkeyPatch
) -> None:
    (entry,) = cluster.register("clockwork.every_hour")
    first, second = cluster.duty(entry), cluster.duty(entry)
    at("13 13:00")
    prepare = second._new_run

    def prepare_late(entry: Any, at: datetime) -> Any:
        cluster.run(first)
        return prepare(entry, at)

    monkeypatch.setattr(second, "_new_run", prepare_late)
    assert second.run_once(cluster.conn).count == 0
    assert len(cluster.runs()) == 1


@pytest.mark.parametrize("before", ["start", "_note"])
def test_a_crash_between_two_of_its_statements_leaves_neither_tick_nor_run(
    cluster: Cluster, at: At, race: Race, before: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    worker = cluster.worker("clockwork.every_hour")
    at("13 13:00")
    crashing = race.connection(autocommit=True)
    proceed = getattr(tick, before)

    def crash(*args: Any, **kwargs: Any) -> Any:
        if before == "_note":
            assert crashing.execute("SELECT count(*) FROM durableflow_core.run").fetchone() == (1,)
        crashing.close()
        return proceed(*args, **kwargs)

    monkeypatch.setattr(tick, before, crash)
    with pytest.raises(psycopg.OperationalError):
        worker.run_once(crashing)
    monkeypatch.undo()
    assert (cluster.runs(), cluster.ticks("clockwork.every_hour")) == ([], [])
    cluster.run(worker)
    assert len(cluster.runs()) == 1


def test_a_crash_after_the_commit_loses_nothing_because_the_runs_wake_is_in_it(cluster: Cluster, at: At) -> None:
    worker = cluster.worker("clockwork.every_hour")
    at("13 13:00")
    cluster.run(worker)
    cluster.broker.sent.clear()  # what was to be published went down with the worker
    cluster.clock.advance(3)
    (message,) = wake_due.wake_due(cluster.conn).messages
    assert [message.subject] == [str(run_id) for run_id in cluster.runs()]


def test_while_the_broker_is_away_the_leader_is_to_find_the_run(cluster: Cluster, at: At) -> None:
    cluster.broker.free = False
    worker = cluster.worker("clockwork.every_hour")
    at("13 13:00")
    cluster.run(worker)
    assert cluster.broker.sent == []
    assert len(wake_due.wake_due(cluster.conn).messages) == 1


def test_what_cannot_start_is_skipped_with_the_reason_and_the_next_tick_is_dealt_with(cluster: Cluster, at: At) -> None:
    worker = cluster.worker("clockwork.picky")
    for time in ("13 13:00", "13 14:00"):
        at(time)
        cluster.run(worker)
    assert cluster.ticks("clockwork.picky") == [("13 13:00", "skipped"), ("13 14:00", "skipped")]
    assert "not on a Sunday" in cluster.rows("SELECT reason FROM durableflow.ticks")[0]


def test_a_run_that_somebody_started_under_the_ticks_key_is_the_ticks_run(
    cluster: Cluster, at: At, df: DurableFlow
) -> None:
    worker = cluster.worker("clockwork.hourly")
    same = clockwork.hourly().start(key="clockwork.hourly@2031-05-13T13:00:00+00:00")
    clockwork.hourly(dry=True).start(key="clockwork.hourly@2031-05-13T14:00:00+00:00")
    for time in ("13 13:00", "13 14:00", "13 15:00"):
        at(time)
        cluster.run(worker)
    rows = cluster.rows("SELECT state, run_id, reason FROM durableflow.ticks ORDER BY at")
    assert [state for state, _, _ in rows] == ["started", "skipped", "started"]
    assert rows[0][1] == same.id
    assert "other input" in rows[1][2]


def test_one_schedule_that_cannot_be_served_keeps_no_other_from_it(
    cluster: Cluster, at: At, monkeypatch: pytest.MonkeyPatch
) -> None:
    worker = cluster.worker("clockwork.alone", "clockwork.every_hour")
    at("13 13:00")
    fire = tick.fire

    def broken(conn: psycopg.Connection[Any], name: str, *args: Any, **kwargs: Any) -> Any:
        if name == "clockwork.alone":
            raise LookupError("a defect")
        return fire(conn, name, *args, **kwargs)

    monkeypatch.setattr(tick, "fire", broken)
    assert 0 < cluster.run(worker) <= 5
    assert cluster.ticks("clockwork.every_hour") == [("13 13:00", "started")]
    monkeypatch.undo()
    cluster.run(worker)
    assert cluster.ticks("clockwork.alone") == [("13 13:00", "started")]


def test_a_worker_without_schedules_asks_nothing(cluster: Cluster) -> None:
    assert cluster.duty().wanted() is False


def test_ticks_are_forgotten_with_their_runs(cluster: Cluster, at: At, monkeypatch: pytest.MonkeyPatch) -> None:
    (entry,) = cluster.register("clockwork.every_hour")
    worker = cluster.duty(entry, retention=7 * 24 * 3600.0)
    monkeypatch.setattr("durableflow.steward.schedules._PRUNE_EVERY", 0.0)
    at("13 14:30")
    cluster.run(worker)
    assert len(cluster.ticks("clockwork.every_hour")) == 2
    cluster.conn.execute("DELETE FROM durableflow_core.run WHERE id = %s", (cluster.runs()[0],))
    cluster.conn.execute("UPDATE durableflow_core.schedule SET paused_at = durableflow_core.now()")
    at("20 13:45")
    worker.run_once(cluster.conn)
    assert cluster.ticks("clockwork.every_hour") == [("13 14:00", "started")], "its run is still there"
    assert datetime(2031, 5, 13, 13, tzinfo=UTC) not in cluster.rows("SELECT at FROM durableflow.ticks")
