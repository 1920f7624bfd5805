"""Dead workers, and steps that no attempt of theirs can tell of: told by the steward, which no receiver holds up."""

import logging
import threading
from collections.abc import Iterator
from typing import Any
from uuid import UUID

import psycopg
import pytest

from durableflow import signals
from durableflow.errors import StepLost
from durableflow.steward.audit import Audit
from durableflow.steward.bury import Bury
from durableflow.steward.leadership import Leadership
from durableflow.steward.rescue import Rescue
from durableflow.steward.settings import StewardSettings
from durableflow.steward.telling import Herald
from tests.signals.conftest import Told
from tests.steward.world import World

SETTINGS = StewardSettings(max_losses=3)


@pytest.fixture
def world(db: psycopg.Connection[Any]) -> World:
    return World(db)


@pytest.fixture
def leader(world: World) -> Leadership:
    worker_id = world.worker()
    leadership = Leadership(StewardSettings(lease=3600.0), lambda: worker_id)
    leadership.start(world.conn)
    leadership.run_once(world.conn)
    # It has been watching for long.
    leadership.watch.since = world.one("SELECT durableflow_core.now() - interval '1 minute'")
    return leadership


@pytest.fixture
def herald() -> Iterator[Herald]:
    herald = Herald(most=3)
    yield herald
    herald.stop(10)


def test_a_worker_that_is_buried_is_told_by_whoever_buried_it(world: World, leader: Leadership, told: Told) -> None:
    told.connect()
    frozen = world.worker(seen=30)
    Bury(SETTINGS, leader).run_once(world.conn)
    Bury(SETTINGS, leader).run_once(world.conn)
    ((name, sender, facts),) = told.all
    assert (name, sender) == ("worker_lost", "elsewhere")
    assert facts.pop("silence") > 29
    assert facts == {"worker_id": frozen, "hostname": "elsewhere", "pid": 4711, "child": False}
    assert facts.keys() | {"silence"} == signals.worker_lost.providing_args


def test_a_step_that_is_lost_too_often_is_told_as_dead_and_others_are_not(
    world: World, leader: Leadership, told: Told
) -> None:
    told.connect()
    gone = world.worker(dead=True)
    poison, again = world.claimed(gone, losses=2), world.claimed(gone, losses=1)
    unwanted = world.claimed(gone, losses=2)
    world.conn.execute("UPDATE durableflow_core.step SET abandoned_at = now() WHERE run_id = %s", (unwanted.run_id,))
    assert Rescue(SETTINGS, leader).run_once(world.conn).count == 3
    assert world.step(again) == "ready"
    ((name, sender, facts),) = told.all
    assert (name, sender) == ("step_dead", "shop.charge")
    error = facts.pop("error")
    assert isinstance(error, StepLost)
    assert "lost its worker 3 times" in str(error)
    assert facts == {
        "run_id": poison.run_id, "workflow": "shop.checkout", "step": "shop.charge", "rev": 1, "index": 0,
        "attempt": 3, "idempotency_key": str(poison), "traceback": "",
    }  # fmt: skip
    assert world.one("SELECT run_id FROM durableflow.dead_letters") == poison.run_id


def test_a_worker_that_gives_back_a_childs_step_tells_as_well(world: World, told: Told) -> None:
    told.connect()
    worker_id: UUID = world.worker()
    step = world.claimed(worker_id, losses=2)
    Audit(SETTINGS, lambda: worker_id, lambda: {str(step)}, lambda pid: False).run_once(world.conn)
    assert [facts["run_id"] for facts in told.facts("step_dead")] == [step.run_id]
    assert world.step(step) == "failed"


def test_a_receiver_that_hangs_holds_up_no_duty_and_what_waits_is_told_in_order(
    herald: Herald, told: Told, caplog: pytest.LogCaptureFixture
) -> None:
    hangs, heard, threads = threading.Event(), threading.Event(), set()

    def receiver(sender: str, **_: Any) -> None:
        threads.add(threading.get_ident())
        heard.set()
        hangs.wait(30)

    told.connect(signals.worker_lost)
    told.call(signals.worker_lost, receiver)
    herald.tell(signals.worker_lost, "first")
    assert heard.wait(10)
    with caplog.at_level(logging.ERROR):
        for name in ("second", "third", "fourth", "one too many", "two too many"):
            herald.tell(signals.worker_lost, name)
    assert [record.message.partition(":")[0] for record in caplog.records] == ["a receiver of a signal hangs"]
    assert not herald.stop(0.05)  # it is left to itself
    hangs.set()
    assert herald.stop(10)
    assert [sender for _, sender, _ in told.all] == ["first", "second", "third", "fourth"]
    assert threads.isdisjoint({threading.get_ident()})


def test_where_nobody_is_connected_there_is_no_thread_and_no_query(
    herald: Herald, world: World, leader: Leadership, monkeypatch: pytest.MonkeyPatch
) -> None:
    def fail(*_: Any) -> Any:
        raise AssertionError("this is for receivers")

    monkeypatch.setattr("durableflow.steward.telling.running", fail)
    step = world.claimed(world.worker(dead=True), losses=2)
    Rescue(SETTINGS, leader, herald.tell).run_once(world.conn)
    assert world.step(step) == "failed"
    herald.tell(signals.worker_lost, "here")
    assert not herald._thread.alive
