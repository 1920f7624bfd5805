import time
from datetime import UTC, datetime, timedelta

import pytest

from durableflow.errors import (
    DeadlineExceeded,
    InvalidEvent,
    ResultTimeout,
    RunCancelled,
    RunConflict,
    RunEnded,
    RunFailed,
    SimulationError,
)
from durableflow.testing import Simulation, Stuck
from tests.testing import market
from tests.testing.market import ORDER, Order
from tests.waiting import shop

DAY = timedelta(days=1)
NOON = datetime(2030, 1, 1, 12, tzinfo=UTC)


@pytest.fixture
def sim() -> Simulation:
    market.CALLED.clear()
    return Simulation(market.df, now=NOON)


def test_ten_days_of_reminders_take_milliseconds(sim: Simulation) -> None:
    began = time.perf_counter()
    run = sim.start(market.reminders(10))
    sim.run()
    assert run.result() == "never paid"
    assert sim.now == NOON + 10 * DAY
    assert [step.args for step in run.steps] == [(number,) for number in range(1, 11)]
    assert time.perf_counter() - began < 2


def test_something_happens_at_a_time(sim: Simulation) -> None:
    run = sim.start(market.reminders(10))
    sim.at(timedelta(days=3, hours=1), lambda: run.send("paid", "ch_1"))
    sim.run()
    assert run.result() == "paid after 3 reminders"
    assert sim.now == NOON + timedelta(days=3, hours=1)
    assert run.path[-2:] == ["remind", "race[receive paid, sleep 1 day] won by receive paid"]


def test_time_stops_where_it_is_told_to(sim: Simulation) -> None:
    run = sim.start(market.reminders(10))
    sim.run_until(timedelta(hours=47))
    assert (len(run.steps), sim.now) == (1, NOON + timedelta(hours=47))
    sim.advance(timedelta(hours=1))
    assert len(run.steps) == 2
    sim.run_until(NOON + 5 * DAY)
    assert len(run.steps) == 5
    sim.run_until(lambda: len(run.steps) == 7)
    assert sim.now == NOON + 7 * DAY
    with pytest.raises(ValueError, match="does not go back"):
        sim.run_until(DAY)
    assert run.state == "running"


def test_nothing_happens_by_itself(sim: Simulation) -> None:
    run = sim.start(market.reminders(10))
    assert (run.waiting_for, run.path) == ("a worker", [])
    sim.advance()
    assert run.waiting_for == "event paid, sleep until 2030-01-02 12:00:00"
    assert run.receives == ("paid",)
    with pytest.raises(ResultTimeout, match="waits for event paid"):
        run.result()


def test_a_run_that_waits_for_ever_is_stuck() -> None:
    sim = Simulation(shop.df)
    run = sim.start(shop.one_event())
    with pytest.raises(Stuck, match=r"waits\.one_event waits for event approval"):
        sim.run()
    run.send("approval", {"approved": True})
    sim.run()
    assert run.state == "succeeded"


def test_a_condition_that_never_holds_is_stuck() -> None:
    sim = Simulation(shop.df)
    run = sim.start(shop.one_event())
    with pytest.raises(Stuck, match="event approval"):
        sim.run_until(lambda: run.state == "failed")
    sim = Simulation(shop.df)
    done = sim.start(shop.diamond(1))
    with pytest.raises(Stuck, match="its condition does not hold"):
        sim.run_until(lambda: done.state == "failed")


def test_a_run_without_end_is_noticed() -> None:
    sim = Simulation(market.df, most=500)
    sim.mock(market.ship, returns=False)
    with pytest.raises(SimulationError, match="does not come to an end"):
        sim.execute(market.polls())


def test_a_child_that_outlives_its_parent_goes_on_with_time(sim: Simulation) -> None:
    run = sim.start(market.leaves_a_child())
    sim.run()
    (child,) = run.children
    assert (run.result(), child.state, child.workflow) == ("left", "running", "market.reminders")
    sim.advance(3 * DAY)
    assert child.result() == "never paid"
    assert sim.runs == [run, child]


def test_a_run_that_is_cancelled_or_late_ends_as_a_real_one(sim: Simulation) -> None:
    run, late = sim.start(market.reminders(10)), sim.start(market.reminders(10), deadline=DAY / 2)
    sim.advance(DAY)
    assert run.cancel()
    assert not run.cancel()
    with pytest.raises(RunCancelled):
        run.result()
    with pytest.raises(RunFailed) as failed:
        late.result()
    assert isinstance(failed.value.__cause__, DeadlineExceeded)
    assert late.path == ["race[receive paid, sleep 1 day]"]
    with pytest.raises(RunEnded):
        late.send("paid", "x")


def test_events_are_checked_as_real_ones() -> None:
    sim = Simulation(shop.df)
    run = sim.start(shop.one_event())
    with pytest.raises(InvalidEvent, match="approved: Field required"):
        run.send("approval", {"amount": 3})
    assert run.send("approval", {"approved": True}, id="a")
    assert not run.send("approval", {"approved": False}, id="a")
    sim.run()
    assert run.result().approved


def test_a_key_is_one_run(sim: Simulation) -> None:
    run = sim.start(market.reminders(1), key="k")
    assert sim.start(market.reminders(1), key="k") == run
    with pytest.raises(RunConflict):
        sim.start(market.reminders(2), key="k")


def test_a_run_tells_its_path_its_steps_and_its_lines(sim: Simulation) -> None:
    run = sim.start(market.checkout(ORDER))
    sim.run()
    assert run.path == ["charge", "gather[reserve x 2]", "ship"]
    assert run.lines == [
        "payment = await charge(order)",
        "reserved = await gather(*(reserve(item) for item in order.items))",
        "return [payment, *reserved, await ship(reserved)]",
    ]
    assert [repr(step) for step in run.steps] == [
        "<charge(Order(id='42', items=['tea', 'pot'])) -> 'paid 42'>",
        "<reserve('tea') -> 'TEA'>",
        "<reserve('pot') -> 'POT'>",
        "<ship(['TEA', 'POT']) -> 'shipped'>",
    ]
    assert repr(run) == "<simulated run of market.checkout, succeeded>"


def test_a_path_says_what_went_wrong(sim: Simulation) -> None:
    sim.mock(market.reserve, raises=ValueError("no"))
    run = sim.start(market.checkout(Order("1", ["a", "b", "c"])))
    sim.run()
    assert run.path == ["charge", "gather[reserve x 3] raised ValueError"]
    slow = sim.start(market.patient())
    sim.mock(market.charge, returns="x", takes=7200)
    sim.run()
    assert slow.path == ["charge within 1 h, which timed out"]


def test_a_time_without_a_zone_is_refused() -> None:
    with pytest.raises(ValueError, match="no time zone"):
        Simulation(market.df, now=datetime(2030, 1, 1))
