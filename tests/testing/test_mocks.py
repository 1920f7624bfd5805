import asyncio
from datetime import timedelta
from typing import Any

import pytest

from durableflow import current
from durableflow.errors import NotStorable, RunFailed, StepLost, StepTimedOut, UnknownStep
from durableflow.testing import HANGS, LOST, After, Attempts, NotMocked, Simulation
from tests.testing import market
from tests.testing.market import ORDER, Declined, Order


@pytest.fixture(autouse=True)
def _called_nothing() -> None:
    market.CALLED.clear()


@pytest.fixture
def sim() -> Simulation:
    return Simulation(market.df)


def cause(sim: Simulation, call: Any) -> BaseException | None:
    with pytest.raises(RunFailed) as failed:
        sim.execute(call)
    return failed.value.__cause__


def test_steps_without_a_mock_run_their_own_function(sim: Simulation) -> None:
    assert sim.execute(market.checkout(ORDER)) == ["paid 42", "TEA", "POT", "shipped"]
    assert market.CALLED == [("charge", 1), ("reserve", "tea"), ("reserve", "pot"), ("ship", ("TEA", "POT"))]


def test_a_strict_simulation_names_the_step_that_has_none() -> None:
    sim = Simulation(market.df, strict=True)
    sim.mock(market.charge, returns="ch_1")
    with pytest.raises(NotMocked, match=r"reserve\('tea'\) has no mock.*sim.mock\('market.reserve'"):
        sim.execute(market.checkout(ORDER))
    assert market.CALLED == []


def test_a_mock_returns_what_it_is_told(sim: Simulation) -> None:
    sim.mock(market.charge, returns="ch_1")
    sim.mock("reserve", returns=None)
    sim.mock("market.ship", calls=lambda parcel: f"{len(parcel)} pieces, attempt {current.attempt}")
    assert sim.execute(market.checkout(ORDER)) == ["ch_1", None, None, "2 pieces, attempt 1"]


def test_a_mock_may_be_an_async_function(sim: Simulation) -> None:
    async def reserve(item: str) -> str:
        await asyncio.sleep(0)
        return f"async {item}"

    sim.mock(market.reserve, calls=reserve)
    assert sim.execute(market.checkout(ORDER))[1:3] == ["async tea", "async pot"]


def test_a_simulation_runs_inside_of_an_event_loop(sim: Simulation) -> None:
    async def test() -> list[str]:
        return sim.execute(market.checkout(ORDER))

    assert asyncio.run(test())[1] == "TEA"


def test_failures_are_followed_by_retries_in_virtual_time(sim: Simulation) -> None:
    sim.mock(market.charge, raises=ConnectionError("no answer"), times=3)
    began = sim.now
    run = sim.start(market.checkout(ORDER))
    sim.run()
    assert run.result()[0] == "paid 42"
    charges = [step for step in run.steps if step.name == "charge"]
    assert [(step.attempt, step.outcome, step.started_at - began) for step in charges] == [
        (1, "failed", timedelta()),
        (2, "failed", timedelta(seconds=10)),
        (3, "failed", timedelta(seconds=30)),
        (4, "succeeded", timedelta(seconds=70)),
    ]
    assert market.CALLED[0] == ("charge", 4)


def test_an_error_for_good_is_the_workflows(sim: Simulation) -> None:
    sim.mock(market.charge, raises=Declined)
    assert isinstance(cause(sim, market.checkout(ORDER)), Declined)


def test_attempts_use_up_the_policy(sim: Simulation) -> None:
    sim.mock(market.charge, raises=ConnectionError("down"))
    run = sim.start(market.checkout(ORDER))
    sim.run()
    assert (run.state, len(run.steps)) == ("failed", 4)


def test_outcomes_are_given_in_order(sim: Simulation) -> None:
    sim.mock(market.charge, outcomes=[ConnectionError("down"), "second try"])
    sim.mock(market.reserve, outcomes=["one", "two"])
    assert sim.execute(market.checkout(ORDER))[:3] == ["second try", "one", "two"]


def test_outcomes_belong_to_calls_whoever_is_tried_again(sim: Simulation) -> None:
    sim.mock(market.charge, outcomes=[Attempts(ConnectionError("down"), "for the first"), "for the second"])
    first, second = sim.start(market.checkout(Order("1", []))), sim.start(market.checkout(Order("2", [])))
    sim.run()
    assert (first.result()[0], second.result()[0]) == ("for the first", "for the second")


def test_outcomes_that_run_out_say_so(sim: Simulation) -> None:
    sim.mock(market.reserve, outcomes=["one"])
    with pytest.raises(NotMocked, match=r"market\.reserve is called or attempted once more"):
        sim.execute(market.checkout(ORDER))
    sim = Simulation(market.df)
    sim.mock(market.charge, outcomes=[Attempts(ConnectionError("down"))])
    with pytest.raises(NotMocked, match="once more than its Attempts"):
        sim.execute(market.checkout(ORDER))


def test_a_lost_worker_costs_an_attempt_and_no_failure(sim: Simulation) -> None:
    sim.mock(market.reserve, lost=2)
    run = sim.start(market.checkout(ORDER))
    sim.run()
    assert [step.outcome for step in run.steps if step.name == "reserve"].count("lost") == 2
    assert run.result()[1:3] == ["TEA", "POT"]


def test_a_step_that_loses_every_worker_fails(sim: Simulation) -> None:
    sim.mock(market.charge, returns=LOST)
    assert isinstance(cause(sim, market.checkout(ORDER)), StepLost)


def test_a_step_may_take_its_time(sim: Simulation) -> None:
    began = sim.now
    sim.mock(market.charge, returns="ch_1", takes=timedelta(minutes=59))
    assert sim.execute(market.patient()) == "ch_1"
    assert sim.now - began == timedelta(minutes=59)
    sim.mock(market.charge, outcomes=[After(timedelta(minutes=61), "ch_1")])
    assert sim.execute(market.patient()) == "took too long"
    sim.mock(market.charge, returns=HANGS)
    assert sim.execute(market.patient()) == "took too long"


def test_a_steps_own_timeout_ends_what_hangs(sim: Simulation) -> None:
    sim.mock(market.ship, returns=HANGS)
    began = sim.now
    assert isinstance(cause(sim, market.checkout(ORDER)), StepTimedOut)
    assert sim.now - began == timedelta(minutes=5)


def test_a_child_can_be_mocked_as_a_whole(sim: Simulation) -> None:
    sim.mock(market.checkout, outcomes=[["from the mock"], Declined("no")])
    assert sim.execute(market.delegates(ORDER)) == ["from the mock"]
    assert isinstance(cause(sim, market.delegates(ORDER)), Declined)
    sim.mock(market.checkout, calls=lambda order: order.items)
    assert sim.execute(market.delegates(ORDER)) == ["tea", "pot"]
    assert market.CALLED == []


def test_values_pass_through_their_stored_form(sim: Simulation) -> None:
    items = ["tea"]
    sim.mock(market.reserve, calls=lambda item: items)
    run = sim.start(market.checkout(Order("1", ["a", "b"])))
    sim.run()
    items.append("changed afterwards")
    assert run.result()[1:3] == [["tea"], ["tea"]]
    sim.mock(market.charge, calls=lambda order: object())
    assert isinstance(cause(sim, market.checkout(ORDER)), NotStorable)


@pytest.mark.parametrize(
    ("options", "problem"),
    [
        ({"returns": 1, "outcomes": [1]}, "exclude each other"),
        ({"times": 2}, "raises= does, which is missing"),
        ({"raises": Declined(), "returns": 1}, "times= says how often"),
        ({"raises": "Declined"}, "takes an exception"),
        ({"returns": Declined()}, "raises= raises it"),
        ({"calls": 3}, "takes a function"),
    ],
)
def test_a_mock_that_makes_no_sense_is_refused(sim: Simulation, options: dict[str, Any], problem: str) -> None:
    with pytest.raises(TypeError, match=problem):
        sim.mock(market.charge, **options)


def test_a_mock_of_nothing_names_what_comes_closest(sim: Simulation) -> None:
    with pytest.raises(UnknownStep, match=r"did you mean market\.charge"):
        sim.mock("market.chrge", returns=1)
    with pytest.raises(TypeError, match="takes a step, a workflow"):
        sim.mock(print, returns=1)  # type: ignore[arg-type]
    with pytest.raises(TypeError, match="no worker"):
        sim.mock(market.checkout, lost=1)
