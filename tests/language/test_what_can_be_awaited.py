"""Awaits that raise or are over at once, calls that name calls, and handles: run in memory."""

from collections.abc import Iterator
from typing import Any

import pytest

from durableflow.errors import NotAwaited, RunFailed
from durableflow.language import Call
from durableflow.testing import Simulation
from tests.language import waits


@pytest.fixture(autouse=True)
def effects() -> Iterator[list[Any]]:
    waits.effects.clear()
    yield waits.effects
    waits.effects.clear()


def outcome(call: Call[Any]) -> Any:
    """What the run gives, or the error that it fails with."""
    try:
        return Simulation(waits.df).execute(call)
    except RunFailed as failed:
        return failed.__cause__


def test_an_await_that_is_refused_launches_none_of_its_calls(effects: list[Any]) -> None:
    assert outcome(waits.goes_on_after_a_refused_await()) == 10
    assert effects == ["refused", (5, 5)]


def test_a_begin_that_is_refused_launches_nothing(effects: list[Any]) -> None:
    assert outcome(waits.goes_on_after_a_refused_begin()) == 10
    assert effects == ["waiting.add(...) needs its own result, by way of later()", (5, 5)]


def test_a_race_with_something_that_is_there_is_over_at_once(effects: list[Any]) -> None:
    sim = Simulation(waits.df)
    before = sim.now
    assert sim.execute(waits.races_with_nothing()) == (1, [])
    assert sim.execute(waits.races_with_a_spawn()) == (0, 103)
    assert effects == [(3, 100)]
    assert (sim.now - before).total_seconds() < 60


def test_spawns_are_gathered_with_each_other_and_with_steps() -> None:
    assert outcome(waits.gathers_spawns()) == [101, 102, 2]
    assert outcome(waits.gathers_a_spawn_and_a_step()) == (101, 2)


def test_a_spawn_waits_in_a_variable() -> None:
    assert outcome(waits.a_spawn_waits()) == 101


def test_a_limit_over_nothing_is_no_wait() -> None:
    assert outcome(waits.limits_nothing()) == []


@pytest.mark.parametrize("limit", [None, 1, 2])
def test_a_call_that_is_given_twice_is_done_twice(effects: list[Any], limit: int | None) -> None:
    assert outcome(waits.one_call_twice(limit)) == [3, 3, 3]
    assert effects == [(1, 2)] * 3


# --- later


def test_a_call_that_is_awaited_and_named_is_one_step(effects: list[Any]) -> None:
    assert outcome(waits.awaited_and_named()) == [3, 13, 3]
    assert effects == [(1, 2), (3, 10)]


def test_later_stands_in_keywords_and_nested_containers() -> None:
    assert outcome(waits.named_everywhere()) == [[3], (3, {"k": 3})]


def test_a_call_that_names_another_waits_in_a_variable(effects: list[Any]) -> None:
    assert outcome(waits.named_across_an_await()) == 4
    assert effects == [(0, 0), (1, 2), (3, 1)]


@pytest.mark.parametrize("where", ["dataclass", "set", "key", "result", "deep in a workflow"])
def test_later_where_nobody_looks_for_it_fails_the_run(effects: list[Any], where: str) -> None:
    error = outcome(waits.misplaced_later(where))
    assert isinstance(error, NotAwaited)
    assert "it may be an argument, or part of a list, tuple or dict among them" in str(error)
    assert effects == []


@pytest.mark.parametrize(
    ("where", "said"), [("workflow", "starts with values"), ("awaited", "object Later can't be used in 'await'")]
)
def test_later_that_cannot_be_is_a_type_error_at_the_await(where: str, said: str) -> None:
    error = outcome(waits.misplaced_later(where))
    assert isinstance(error, TypeError)
    assert said in str(error)


# --- begun, cancelled


@pytest.mark.parametrize("across", [False, True])
def test_what_is_cancelled_before_it_began_is_cancelled_and_nothing_waits_for_it(
    effects: list[Any], across: bool
) -> None:
    assert outcome(waits.cancelled_before_it_began(across)) == "what is awaited here was cancelled"
    assert (1, 1) not in effects


def test_what_it_needs_is_not_begun_either(effects: list[Any]) -> None:
    found = outcome(waits.cancelled_with_what_it_needs())
    assert found == ["StepCancelled('what is awaited here was cancelled')", "10"]
    assert effects == [(5, 5)]


def test_a_timer_that_is_cancelled_is_over_at_once() -> None:
    sim = Simulation(waits.df)
    before = sim.now
    assert sim.execute(waits.cancelled_and_awaited_at_once()) == "what is awaited here was cancelled"
    assert (sim.now - before).total_seconds() < 60


def test_a_child_that_is_cancelled_before_it_began_never_starts() -> None:
    sim = Simulation(waits.df)
    assert sim.execute(waits.a_child_cancelled_before_it_began()) == "cancelled"
    assert len(sim.runs) == 1


def test_handles_of_earlier_checkpoints_are_gathered_with_new_calls() -> None:
    assert outcome(waits.handles_of_two_revs()) == [2, 6, 8]


@pytest.mark.parametrize("where", ["argument", "list", "result", "child"])
def test_a_handle_is_neither_given_nor_returned(where: str) -> None:
    error = outcome(waits.handle_where_none_belongs(where))
    assert isinstance(error, NotAwaited)
    assert "the handle of waiting.add" in str(error)
