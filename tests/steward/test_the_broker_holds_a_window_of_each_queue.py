"""dispatch: what fits is marked and published, the most urgent first; the rest waits in PostgreSQL."""

from typing import Any
from uuid import UUID

import pytest

from durableflow.steward import threads
from durableflow.steward.dispatch import Dispatch
from durableflow.steward.leadership import Leadership
from durableflow.steward.settings import StewardSettings
from durableflow.store import dispatch
from durableflow.store.messages import Message
from tests.steward.world import World
from tests.support.clock import Clock
from tests.support.races import Race


class Broker:
    """Stands where the post does: keeps what it is given, and says how full it is."""

    def __init__(self) -> None:
        self.sent: list[Message] = []
        self.free = True
        self.depths: dict[str, int | None] = {}

    def send(self, messages: list[Message]) -> None:
        self.sent += messages

    def knows(self, queue: str) -> bool:
        return True

    def depth(self, queue: str) -> int | None:
        return self.depths.get(queue)

    def busy(self, queues: Any) -> list[str]:
        return [queue for queue in queues if self.depths.get(queue)]

    def taken(self) -> list[Message]:
        sent, self.sent = self.sent, []
        return sent


@pytest.fixture
def broker() -> Broker:
    return Broker()


@pytest.fixture
def duty(leader: Leadership, broker: Broker) -> Dispatch:
    return Dispatch(StewardSettings(window=10), leader, broker)  # type: ignore[arg-type]


def _congested(world: World) -> list[str]:
    return [row[0] for row in world.conn.execute("SELECT queue FROM durableflow_core.congestion ORDER BY 1").fetchall()]


def test_a_ready_step_is_marked_and_published(world: World, duty: Dispatch, broker: Broker) -> None:
    (step,) = world.steps(queue="payments", priority=7)
    assert duty.run_once(world.conn).count == 1
    assert broker.taken() == [Message("shop.charge", f"{step}:1", str(step), "payments", 7)]
    assert world.one("SELECT dispatches, dispatched_at <= durableflow_core.now() FROM durableflow_core.ready") == (
        1, True,
    )  # fmt: skip
    assert duty.run_once(world.conn).count == 0


def test_a_queue_has_at_most_its_window_in_the_broker(world: World, duty: Dispatch, broker: Broker) -> None:
    steps = world.steps(14)
    duty.run_once(world.conn)
    assert len(broker.taken()) == 10
    assert _congested(world) == ["q"]
    assert duty.run_once(world.conn).count == 0
    for step in steps[:3]:
        world.conn.execute("DELETE FROM durableflow_core.ready WHERE index = %s", (step.index,))
    assert duty.run_once(world.conn).count == 3
    assert _congested(world) == ["q"]
    world.conn.execute("DELETE FROM durableflow_core.ready WHERE index < 6")
    assert duty.run_once(world.conn).count == 1
    assert _congested(world) == []


def test_a_queue_is_congested_when_others_fill_its_window(world: World, duty: Dispatch) -> None:
    world.steps(10, dispatched=0)
    duty.run_once(world.conn)
    assert _congested(world) == ["q"], "or those who publish by themselves would never stop"


def test_a_queue_that_ran_empty_is_not_congested(world: World, duty: Dispatch) -> None:
    world.steps(14)
    duty.run_once(world.conn)
    world.conn.execute("DELETE FROM durableflow_core.ready")
    duty.run_once(world.conn)
    assert _congested(world) == []


def test_a_full_queue_keeps_no_other_waiting(world: World, duty: Dispatch, broker: Broker) -> None:
    world.steps(30, queue="slow")
    world.steps(2, queue="quick")
    duty.run_once(world.conn)
    assert sum(message.queue == "quick" for message in broker.taken()) == 2


def test_the_most_urgent_go_first_then_the_oldest(world: World, duty: Dispatch, broker: Broker) -> None:
    low, high = world.steps(9, priority=0, due_in=-5), world.steps(3, priority=5)
    older = world.steps(1, priority=0, due_in=-9)
    duty.run_once(world.conn)
    subjects = [message.subject for message in broker.taken()]
    assert len(subjects) == 10
    assert set(subjects[:3]) == {str(step) for step in high}
    assert subjects[3] == str(older[0])
    assert set(subjects[4:]) < {str(step) for step in low}


def test_a_retry_is_not_sent_before_it_is_due(world: World, clock: Clock, duty: Dispatch, broker: Broker) -> None:
    world.steps(due_in=0.5)
    done = duty.run_once(world.conn)
    assert (done.count, broker.taken()) == (0, [])
    assert done.again is not None
    assert done.again <= 0.5, "the leader looks again when it is due"
    clock.advance(0.5)
    assert duty.run_once(world.conn).count == 1


def test_nothing_is_marked_while_the_broker_takes_nothing(world: World, duty: Dispatch, broker: Broker) -> None:
    world.steps(3)
    broker.free = False
    duty.run_once(world.conn)
    assert world.one("SELECT count(*) FROM durableflow_core.ready WHERE dispatched_at IS NULL") == 3


def test_two_leaders_send_a_step_once(world: World, race: Race) -> None:
    world.steps(6)
    one, two = race.connection(), race.connection()
    first, second = dispatch.dispatch(one, "q", limit=4), dispatch.dispatch(two, "q", limit=4)
    one.commit()
    two.commit()
    assert (len(first), len(second)) == (4, 2)
    assert not {message.subject for message in first} & {message.subject for message in second}


def test_a_step_that_is_being_claimed_is_not_waited_for(world: World, race: Race) -> None:
    world.steps(2)
    claiming = race.connection()
    claiming.execute("DELETE FROM durableflow_core.ready WHERE index = 0")
    assert [message.subject.endswith(":1:1") for message in dispatch.dispatch(world.conn, "q", limit=9)] == [True]


# ---------------------------------------------------------------- sent again


def _again(world: World, duty: Dispatch, broker: Broker) -> list[UUID]:
    duty.run_once(world.conn)
    return [UUID(message.subject.split(":")[0]) for message in broker.taken()]


@pytest.mark.usefixtures("clock")  # it stands still: ages are what the test says
def test_a_message_that_got_lost_is_sent_again_at_once(world: World, duty: Dispatch, broker: Broker) -> None:
    broker.depths["q"] = 0
    (young,), (old,) = world.steps(dispatched=0.9), world.steps(dispatched=1.0)
    assert young != old
    assert _again(world, duty, broker) == [old.run_id]
    assert world.one("SELECT dispatches FROM durableflow_core.ready WHERE run_id = %s", old.run_id) == 2


def test_a_message_that_a_living_worker_holds_is_not_lost(world: World, duty: Dispatch, broker: Broker) -> None:
    broker.depths["q"] = 0
    (held,), (orphaned,) = world.steps(dispatched=5), world.steps(dispatched=5)
    world.worker(holds=(str(held),))
    world.worker(holds=(str(orphaned),), dead=True)
    assert _again(world, duty, broker) == [orphaned.run_id]


@pytest.mark.usefixtures("clock")  # it stands still: ages are what the test says
def test_a_full_queue_delays_but_only_up_to_the_cap(world: World, duty: Dispatch, broker: Broker) -> None:
    broker.depths["q"] = 3
    (waiting,), (overdue,) = world.steps(dispatched=29), world.steps(dispatched=31)
    world.worker(holds=(str(overdue),))
    assert waiting != overdue
    assert _again(world, duty, broker) == [overdue.run_id]


@pytest.mark.usefixtures("clock")  # it stands still: ages are what the test says
@pytest.mark.parametrize(("dispatches", "patience"), [(1, 1), (2, 2), (3, 4), (5, 16), (6, 30), (40, 30)])
def test_a_broker_that_cannot_tell_its_depth_is_asked_at_growing_intervals(
    world: World, duty: Dispatch, broker: Broker, dispatches: int, patience: int
) -> None:
    world.steps(dispatched=patience - 0.1, dispatches=dispatches)
    assert _again(world, duty, broker) == []
    (step,) = world.steps(dispatched=patience, dispatches=dispatches)
    assert _again(world, duty, broker) == [step.run_id]


def test_a_message_that_is_lost_every_time_is_not_sent_every_second_for_ever(
    world: World, clock: Clock, duty: Dispatch, broker: Broker
) -> None:
    broker.depths["q"] = 0
    world.steps(dispatched=0)
    sent = 0
    for _ in range(600):
        clock.advance(1)
        sent += len(_again(world, duty, broker))
    assert 20 <= sent <= 40, "ten minutes: a few quick ones, then one each half minute"


def test_two_leaders_send_a_lost_message_once(world: World, race: Race) -> None:
    world.steps(1, dispatched=5)
    one, two = race.connection(), race.connection()
    sent = [dispatch.redispatch(conn, "q", depth=0, limit=9) for conn in (one, two)]
    one.commit()
    assert [len(messages) for messages in sent] == [1, 0]
    assert dispatch.redispatch(two, "q", depth=0, limit=9) == []


def test_a_queue_that_nobody_serves_does_not_fill_up_with_repetitions(
    world: World, clock: Clock, duty: Dispatch, broker: Broker, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(threads, "monotonic", lambda: clock.now().timestamp())
    world.steps(25)
    for _ in range(600):
        duty.run_once(world.conn)
        broker.depths["q"] = (broker.depths.get("q") or 0) + len(broker.taken())
        clock.advance(1)
    assert 10 <= (broker.depths["q"] or 0) <= 10 + 21 * 10, "ten minutes: the window, then a few each half minute"
