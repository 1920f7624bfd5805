"""unpark: a parked run is looked at again as soon as a worker that has its version is there."""

import pytest

from durableflow.steward.leadership import Leadership
from durableflow.steward.unpark import Unpark
from durableflow.store.unpark import parked_but_able, unpark
from tests.steward.world import World
from tests.support.races import Race


@pytest.fixture
def duty(leader: Leadership) -> Unpark:
    return Unpark(leader)


def test_it_goes_on_when_a_worker_with_its_version_registers(world: World, duty: Unpark) -> None:
    run_id = world.run(version="v2", parked="no worker has checkout@v2")
    world.wake(run_id, visible="infinity", dispatches=7)
    world.worker(versions=("shop.checkout@v1", "other@v2"))
    assert duty.run_once(world.conn).count == 0
    world.worker(versions=("shop.checkout@v2",))
    assert duty.run_once(world.conn).count == 1
    assert world.one("SELECT parked_reason FROM durableflow_core.run WHERE id = %s", run_id) is None
    assert world.one("SELECT visible_at <= durableflow_core.now(), dispatches FROM durableflow_core.wake") == (True, 0)
    assert duty.run_once(world.conn).count == 0


def test_a_worker_that_may_run_the_stored_source_is_tried_now_and_then(world: World, leader: Leadership) -> None:
    duty = Unpark(leader, again_after=0.0)
    run_id = world.run(version="v2", parked="no worker has checkout@v2")
    world.wake(run_id, visible="infinity")
    world.worker(versions=("shop.checkout_of_another@v2", "other@v2"))
    assert duty.run_once(world.conn).count == 0
    world.worker(versions=("shop.checkout@v3",))
    assert duty.run_once(world.conn).count == 1
    assert world.one("SELECT visible_at <= durableflow_core.now() FROM durableflow_core.wake") is True
    assert Unpark(leader).run_once(world.conn).count == 0


def test_a_dead_worker_is_of_no_use(world: World, duty: Unpark) -> None:
    world.wake(world.run(parked="no worker"), visible="infinity")
    world.worker(versions=("shop.checkout@v1",), dead=True)
    assert duty.run_once(world.conn).count == 0


def test_two_leaders_unpark_once(world: World, race: Race) -> None:
    run_id = world.run(parked="no worker")
    world.wake(run_id, visible="infinity")
    world.worker(versions=("shop.checkout@v1",))
    assert parked_but_able(world.conn) == [run_id]
    one = race.connection()
    assert unpark(one, run_id)
    assert unpark(world.conn, run_id) is False
    one.commit()
    assert unpark(world.conn, run_id) is False


def test_a_run_that_is_being_cancelled_is_not_waited_for(world: World, race: Race) -> None:
    run_id = world.run(parked="no worker")
    world.wake(run_id, visible="infinity")
    cancelling = race.connection()
    cancelling.execute("UPDATE durableflow_core.run SET state = 'cancelled', finished_at = now(), parked_reason = NULL")
    assert unpark(world.conn, run_id) is False
    cancelling.commit()
    assert unpark(world.conn, run_id) is False
