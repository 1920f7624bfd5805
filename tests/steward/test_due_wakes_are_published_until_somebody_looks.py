"""wake_due: a run is looked at when one of its wakes is due, whatever happens to the message."""

import pytest

from durableflow.steward import threads
from durableflow.steward.leadership import Leadership
from durableflow.steward.settings import StewardSettings
from durableflow.steward.wake_due import WakeDue
from durableflow.store import wake_due
from durableflow.store.messages import ADVANCE
from tests.steward.test_the_broker_holds_a_window_of_each_queue import Broker
from tests.steward.world import World
from tests.support.clock import Clock
from tests.support.races import Race


@pytest.fixture
def broker() -> Broker:
    return Broker()


@pytest.fixture
def duty(leader: Leadership, broker: Broker) -> WakeDue:
    return WakeDue(StewardSettings(window=100), leader, broker, ["q"])  # type: ignore[arg-type]


def test_a_run_with_wakes_that_are_due_gets_one_message(world: World, duty: WakeDue, broker: Broker) -> None:
    run_id = world.run(queue="flows")
    world.wake(run_id)
    world.wake(run_id)
    duty.run_once(world.conn)
    (message,) = broker.taken()
    assert (message.task, message.subject, message.queue) == (ADVANCE, str(run_id), "flows")
    assert world.count("wake") == 2, "only whoever looks deletes a wake"


def test_a_timer_is_not_published_early(world: World, clock: Clock, duty: WakeDue, broker: Broker) -> None:
    world.wake(world.run(), visible=60, due=60)
    assert duty.run_once(world.conn).count == 0
    clock.advance(59.9)
    done = duty.run_once(world.conn)
    assert done.count == 0
    assert done.again == pytest.approx(0.1, abs=0.06)
    clock.advance(0.1)
    assert duty.run_once(world.conn).count == 1


def test_the_leader_sleeps_until_the_next_wake_but_a_second_at_most(world: World, duty: WakeDue) -> None:
    assert duty.run_once(world.conn).again == 1.0
    world.wake(world.run(), visible=3600, due=3600)
    world.wake(world.run(), visible="infinity")
    assert duty.run_once(world.conn).again == 1.0


def test_a_message_that_gets_lost_is_sent_again_at_growing_intervals(
    world: World, clock: Clock, duty: WakeDue, broker: Broker
) -> None:
    world.wake(world.run())
    at = []
    for second in range(120):
        duty.run_once(world.conn)
        if broker.taken():
            at.append(second)
        clock.advance(1)
    assert at == [0, 2, 6, 14, 30, 60, 90]


def test_where_messages_wait_in_the_broker_the_repetition_takes_longer(
    world: World, duty: WakeDue, broker: Broker
) -> None:
    broker.depths["q"] = 5
    world.wake(world.run())
    duty.run_once(world.conn)
    assert world.one("SELECT visible_at - durableflow_core.now() > interval '7 s' FROM durableflow_core.wake")


def test_a_lease_that_ran_out_is_taken_off(world: World, duty: WakeDue) -> None:
    world.wake(world.run(), visible=-1, leased_by=world.worker())
    duty.run_once(world.conn)
    assert world.one("SELECT leased_by FROM durableflow_core.wake") is None, "or nobody could lease it before it is due"


def test_a_lease_that_holds_is_left_alone(world: World, duty: WakeDue, broker: Broker) -> None:
    world.wake(world.run(), visible=20, leased_by=world.worker())
    duty.run_once(world.conn)
    assert broker.taken() == []


def test_wakes_of_a_run_that_is_over_or_gone_are_removed(world: World, duty: WakeDue, broker: Broker) -> None:
    over, gone, going = world.run(), world.run(), world.run()
    for run_id in (over, gone, going):
        world.wake(run_id)
    world.finish(over)
    world.conn.execute("DELETE FROM durableflow_core.run WHERE id = %s", (gone,))
    duty.run_once(world.conn)
    assert [message.subject for message in broker.taken()] == [str(going)]
    assert world.conn.execute("SELECT run_id FROM durableflow_core.wake").fetchall() == [(going,)]


def test_two_leaders_publish_a_wake_once(world: World, race: Race) -> None:
    world.wake(world.run())
    one, two = race.connection(), race.connection()
    sent = [wake_due.wake_due(conn) for conn in (one, two)]
    one.commit()
    two.commit()
    assert [len(due.messages) for due in sent] == [1, 0]
    assert wake_due.wake_due(two).count == 0


def test_a_wake_that_is_being_deleted_is_not_waited_for(world: World, race: Race) -> None:
    world.wake(world.run())
    looking = race.connection()
    looking.execute("DELETE FROM durableflow_core.wake")
    assert wake_due.wake_due(world.conn).count == 0


def test_nothing_is_pushed_ahead_while_the_broker_takes_nothing(world: World, duty: WakeDue, broker: Broker) -> None:
    world.wake(world.run())
    broker.free = False
    assert duty.run_once(world.conn).count == 0
    assert world.one("SELECT dispatches FROM durableflow_core.wake") == 0


def test_a_queue_that_nobody_serves_does_not_fill_up_with_repetitions(
    world: World, clock: Clock, duty: WakeDue, broker: Broker, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(threads, "monotonic", lambda: clock.now().timestamp())
    for _ in range(150):
        world.wake(world.run(queue="q"))
    for _ in range(600):
        duty.run_once(world.conn)
        broker.depths["q"] = (broker.depths.get("q") or 0) + len(broker.taken())
        clock.advance(1)
    assert 150 <= broker.depths["q"] <= 150 + 21 * 10, "ten minutes: each once, then a few each half minute"


def test_a_full_queue_keeps_the_wakes_of_no_other_waiting(world: World, duty: WakeDue, broker: Broker) -> None:
    broker.depths["q"] = 100
    world.wake(world.run(queue="q"))
    duty.run_once(world.conn)  # the little that full queues get
    broker.taken()
    for _ in range(600):
        world.wake(world.run(queue="q"), visible=-9)
    quick = world.run(queue="quick")
    world.wake(quick)
    duty.run_once(world.conn)
    duty.run_once(world.conn)
    assert [message.subject for message in broker.taken()] == [str(quick)]


def test_what_waits_for_a_full_queue_goes_as_soon_as_there_is_room(
    world: World, clock: Clock, duty: WakeDue, broker: Broker
) -> None:
    broker.depths["q"] = 100
    for _ in range(30):
        world.wake(world.run(queue="q"))
    first = duty.run_once(world.conn)  # the little that full queues get
    assert (first.count, duty.run_once(world.conn).count) == (10, 0)
    broker.taken()
    broker.depths["q"] = 20
    assert duty.run_once(world.conn).count == 20
    assert len(broker.taken()) == 20
