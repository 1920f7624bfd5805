"""Blocks with deadlines, inside of each other and around routines, in virtual time."""

import asyncio
from collections.abc import Iterator
from typing import Any

import pytest

from durableflow.errors import RunFailed
from durableflow.testing import Simulation
from tests.language import waits


@pytest.fixture(autouse=True)
def effects() -> Iterator[list[Any]]:
    waits.effects.clear()
    yield waits.effects
    waits.effects.clear()


@pytest.fixture
def sim() -> Simulation:
    return Simulation(waits.df)


def test_the_outer_block_is_over_first(sim: Simulation) -> None:
    assert sim.execute(waits.outer_is_over_first()) == ([(False, True), "timeout(5) is over"], False, True)


def test_the_inner_block_is_over_first(sim: Simulation) -> None:
    log = ["timeout(5) is over", "timeout(50) is over"]
    assert sim.execute(waits.inner_is_over_first()) == (log, True, True)


def test_what_cleans_up_has_the_time_of_the_outer_block(sim: Simulation) -> None:
    log = ["cleans up", "timeout(10) is over"]
    assert sim.execute(waits.cleaning_up_takes_too_long()) == (log, True, True)


def test_it_goes_through_the_routines_that_are_awaited(sim: Simulation) -> None:
    log = [(0, False, 0), (1, False, 1), (2, False, 2), "timeout(5) is over"]
    assert sim.execute(waits.over_while_routines_are_awaited()) == (log, True)


def test_another_cancelled_error_in_its_place_is_a_timeout_too(sim: Simulation) -> None:
    assert sim.execute(waits.cancelled_error_in_its_place()) == ("timeout(5) is over", "CancelledError('another')")


def test_a_block_whose_cancellation_is_swallowed_goes_on_and_has_expired(sim: Simulation) -> None:
    assert sim.execute(waits.cancellation_is_swallowed()) == (True, True)


@pytest.mark.parametrize("rounds", [1, 2, 3, 4])
def test_a_block_that_is_left_in_time_cancels_nothing_later(sim: Simulation, rounds: int) -> None:
    assert sim.execute(waits.left_on_every_way(rounds)) == min(rounds - 1, 2)


@pytest.mark.parametrize("seconds", [5.0, None])
def test_a_block_is_entered_once(sim: Simulation, seconds: float | None) -> None:
    assert "was entered before" in sim.execute(waits.entered_twice(seconds))


def test_no_time_is_no_time(sim: Simulation) -> None:
    assert sim.execute(waits.no_time_at_all()) == "timeout(0) is over"


@pytest.mark.parametrize(("seconds", "given"), [(1.0, [(0, 2), (0, None)]), (100.0, "timeout(10) is over")])
def test_it_is_about_everything_that_is_awaited_together(sim: Simulation, seconds: float, given: Any) -> None:
    assert sim.execute(waits.a_race_in_a_gather(seconds)) == given


@pytest.mark.parametrize("before", [False, True])
def test_a_cancelled_error_of_the_workflows_own_fails_the_run(sim: Simulation, before: bool) -> None:
    with pytest.raises(RunFailed) as failed:
        sim.execute(waits.cancels_itself(before))
    assert isinstance(failed.value.__cause__, asyncio.CancelledError)
