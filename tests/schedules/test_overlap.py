"""What becomes of a tick while the run before is still going."""

from collections.abc import Callable
from datetime import datetime

from tests.schedules.conftest import Cluster
from tests.support.races import Race

At = Callable[[str], datetime]


def test_allow_starts_another(cluster: Cluster, at: At) -> None:
    worker = cluster.worker("clockwork.every_hour")
    for time in ("13 13:00", "13 14:00"):
        at(time)
        cluster.run(worker)
    assert len(cluster.runs()) == 2


def test_skip_notes_the_run_that_is_in_the_way(cluster: Cluster, at: At) -> None:
    worker = cluster.worker("clockwork.alone")
    for time in ("13 13:00", "13 14:00"):
        at(time)
        cluster.run(worker)
    (run_id,) = cluster.runs()
    assert cluster.ticks("clockwork.alone") == [("13 13:00", "started"), ("13 14:00", "skipped")]
    assert cluster.rows("SELECT reason FROM durableflow.ticks WHERE state = 'skipped'") == [
        f"run {run_id}, which was started before, is still going"
    ]
    cluster.end(run_id)
    at("13 15:00")
    cluster.run(worker)
    assert cluster.ticks("clockwork.alone")[2:] == [("13 15:00", "started")]


def test_queue_starts_what_waits_in_order_each_when_the_run_before_has_ended(cluster: Cluster, at: At) -> None:
    worker = cluster.worker("clockwork.in_line")
    at("13 15:00")
    cluster.run(worker)
    waiting = [("13 13:00", "started"), ("13 14:00", "queued"), ("13 15:00", "queued")]
    assert cluster.ticks("clockwork.in_line") == waiting
    assert cluster.run(worker) == 1.0, "nobody tells when a run has ended"
    assert cluster.ticks("clockwork.in_line") == waiting
    for started in (2, 3):
        cluster.end(cluster.runs()[-1])
        cluster.run(worker)
        assert len(cluster.runs()) == started
        assert [state for _, state in cluster.ticks("clockwork.in_line")] == (
            ["started"] * started + ["queued"] * (3 - started)
        )
    keys = cluster.rows("SELECT key FROM durableflow_core.run ORDER BY id")
    assert keys == sorted(keys)


def test_a_tick_that_comes_when_the_run_has_ended_still_waits_behind_those_in_the_queue(
    cluster: Cluster, at: At
) -> None:
    worker = cluster.worker("clockwork.in_line")
    at("13 15:00")
    cluster.run(worker)
    cluster.end(cluster.runs()[-1])
    at("13 16:00")
    cluster.run(worker)
    assert [state for _, state in cluster.ticks("clockwork.in_line")] == ["started", "started", "queued", "queued"]


def test_two_workers_let_one_tick_out_of_the_queue(cluster: Cluster, at: At, race: Race) -> None:
    (entry,) = cluster.register("clockwork.in_line")
    first, second = cluster.duty(entry), cluster.duty(entry)
    at("13 15:00")
    cluster.run(first)
    cluster.end(cluster.runs()[-1])
    holder = race.connection()
    first.run_once(holder)
    second.run_once(cluster.conn)
    holder.commit()
    cluster.run(second)
    assert len(cluster.runs()) == 2
    assert [state for _, state in cluster.ticks("clockwork.in_line")] == ["started", "started", "queued"]
