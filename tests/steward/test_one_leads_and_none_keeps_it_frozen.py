"""elect and Leadership: one short lease, taken by whoever finds it run out."""

from uuid import uuid4

import pytest

from durableflow.steward import threads
from durableflow.steward.leadership import Leadership
from durableflow.steward.settings import StewardSettings
from durableflow.store import elect
from durableflow.store.register import register, rejoin
from tests.steward.world import World
from tests.support.clock import Clock
from tests.support.races import Race


@pytest.fixture
def time(clock: Clock, monkeypatch: pytest.MonkeyPatch) -> Clock:
    """The database's clock, which this process' own follows."""
    began = clock.now()
    monkeypatch.setattr(threads, "monotonic", lambda: 1000 + (clock.now() - began).total_seconds())
    return clock


def _candidate(world: World, **more: object) -> Leadership:
    worker_id = world.worker()
    leadership = Leadership(StewardSettings(lease=1.5), lambda: worker_id, **more)  # type: ignore[arg-type]
    leadership.start(world.conn)
    return leadership


def test_one_of_two_leads(world: World, time: Clock) -> None:
    one, two = _candidate(world), _candidate(world)
    one.run_once(world.conn)
    two.run_once(world.conn)
    assert (one.leads, two.leads) == (True, False)


def test_a_lease_that_runs_out_is_taken_and_the_late_renewal_misses(world: World, time: Clock) -> None:
    one, two = _candidate(world), _candidate(world)
    one.run_once(world.conn)
    time.advance(1.4)
    two.run_once(world.conn)
    assert not two.leads
    time.advance(0.1)
    assert not one.leads, "a frozen leader knows by its own clock that it does not lead any more"
    two.run_once(world.conn)
    one.run_once(world.conn)
    assert (one.leads, two.leads) == (False, True)


def test_who_does_not_lead_looks_again_when_the_lease_runs_out(world: World, time: Clock) -> None:
    one, two = _candidate(world), _candidate(world)
    one.run_once(world.conn)
    time.advance(0.4)
    assert two.run_once(world.conn).again == pytest.approx(1.1, abs=0.01)


def test_two_that_find_it_run_out_at_once_do_not_both_lead(world: World, race: Race) -> None:
    one, two = world.worker(), world.worker()
    first = race.connection()
    assert elect.hold(first, one, seconds=1.5)
    second = race.start(elect.hold, two, seconds=1.5)
    race.wait_until_blocked(second, by=first)
    first.commit()
    assert second.result() is False


def test_a_leader_that_resigns_is_followed_at_once(world: World, time: Clock) -> None:
    one, two = _candidate(world), _candidate(world)
    one.run_once(world.conn)
    one.stop(world.conn)
    assert not one.leads
    two.run_once(world.conn)
    assert two.leads


def test_who_lost_the_lease_cannot_end_it(world: World, time: Clock) -> None:
    one, two = _candidate(world), _candidate(world)
    one.run_once(world.conn)
    time.advance(2)
    two.run_once(world.conn)
    one.stop(world.conn)
    assert elect.seconds_left(world.conn) > 1


def test_a_leader_that_cannot_publish_gives_way_and_comes_back_where_nobody_else_is(world: World, time: Clock) -> None:
    able = [True]
    one = _candidate(world, able=lambda: able[0])
    one.run_once(world.conn)
    able[0] = False
    again = one.run_once(world.conn).again
    assert not one.leads
    assert elect.seconds_left(world.conn) == 0
    assert again == pytest.approx(3.0)
    time.advance(3.0)
    one.run_once(world.conn)
    assert one.leads, "burying the dead needs no broker"


def test_a_boot_has_one_living_worker_at_most(world: World) -> None:
    boot, first, second = uuid4(), uuid4(), uuid4()
    for worker_id in (first, second):
        register(world.conn, worker_id, boot=boot, hostname="here", pid=1, queues=["q"], versions=[], lock_key=None)
    alive = world.conn.execute("SELECT id FROM durableflow_core.worker WHERE tombstone_at IS NULL").fetchall()
    assert alive == [(second,)]
    assert not rejoin(world.conn, first, lock_key=1)
    assert rejoin(world.conn, second, lock_key=1)
