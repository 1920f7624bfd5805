"""Where a routine may stand, what one that is forgotten is, and how deep they go."""

import json
from collections.abc import Iterator
from typing import Any

import pytest

from durableflow.client import Client
from durableflow.errors import CorruptValue, DuplicateDefinition, NotAwaited, RunFailed
from durableflow.language import Call
from durableflow.language.turn import Stored, Suspend, turn
from durableflow.testing import Simulation
from tests.language import waits
from tests.language.engine import first_turn, stored


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


@pytest.mark.parametrize(
    ("where", "kind", "said"),
    [
        ("race", TypeError, "which runs in the workflow's own code, one at a time"),
        ("begin", TypeError, "begin() takes a call or a sleep, not waiting.helper(...)"),
        ("spawn", TypeError, "spawn() takes a call of a workflow, not waiting.helper(...)"),
        ("later", TypeError, "later() takes a call of a step that was not begun, not waiting.helper(...)"),
        ("argument", NotAwaited, "waiting.helper(...) is passed to waiting.add()"),
        ("list", NotAwaited, "waiting.helper(...) is part of what a step or workflow is given"),
        ("result", NotAwaited, "waiting.helper(...) is part of what a step or workflow is given, or gives"),
        ("dropped", NotAwaited, "was made and never awaited: `await waiting.helper(...)`"),
    ],
)
def test_a_routine_is_awaited_by_itself(where: str, kind: type[Exception], said: str) -> None:
    error = outcome(waits.misplaced_routine(where))
    assert type(error) is kind
    assert said in str(error)


def test_a_call_that_a_routine_forgets_is_never_silent_though_its_caller_handles_exceptions() -> None:
    error = outcome(waits.awaits_one_that_makes_a_call("forgets"))
    assert isinstance(error, NotAwaited)
    assert "waits.py:" in str(error)


def test_a_call_that_a_routines_own_exception_has_overtaken_fails_nothing(effects: list[Any]) -> None:
    assert outcome(waits.awaits_one_that_makes_a_call("raises")) == 4
    assert effects == ["caught", (2, 2)]
    assert outcome(waits.awaits_one_that_makes_a_call("awaits")) == 4


def test_arguments_that_do_not_fit_are_cpythons_type_error() -> None:
    with pytest.raises(TypeError, match=r"^helper\(\) missing 1 required positional argument: 'number'$"):
        waits.helper()  # type: ignore[call-arg]


other = Client("other")


@other.workflow
async def borrows() -> Any:
    return await waits.helper(1)


def test_a_routine_of_another_application_is_refused() -> None:
    with pytest.raises(RunFailed, match="is a routine of another application"):
        Simulation(other).execute(borrows())


async def work() -> None:
    """A routine."""


def step_of_the_same_name() -> None:
    """A step."""


step_of_the_same_name.__name__ = "work"


@pytest.mark.parametrize("first", ["step", "routine"])
def test_a_name_is_a_steps_or_a_routines(first: str) -> None:
    app = Client("twice")
    definitions: list[Any] = [lambda: app.step(step_of_the_same_name), lambda: app.routine(work)]
    one, another = definitions if first == "step" else reversed(definitions)
    one()
    with pytest.raises(DuplicateDefinition, match=r"twice\.work is defined twice"):
        another()


# --- depth


def test_two_hundred_frames_are_a_checkpoint_of_bearable_size() -> None:
    assert Simulation(waits.df).execute(waits.goes_down(199)) == 200
    at = first_turn(waits.goes_down(199))
    assert isinstance(at, Suspend)
    size = len(at.variables.text) + len(at.frames or "")
    assert len(json.loads(at.frames or "")) == 200
    assert size < 200 * 250, "250 bytes a frame, the variables' 100 included"


def test_more_than_two_hundred_frames_are_a_recursion_error_at_the_await() -> None:
    said, value = outcome(waits.goes_down_for_ever())
    assert said == "waiting.endless(...) would be more than 200 routines inside of one another"
    assert value == 2
    assert isinstance(outcome(waits.goes_down(300)), RecursionError)


def test_deadlines_inside_of_one_another_end_before_pythons_stack_does() -> None:
    assert outcome(waits.deep_in_deadlines(60)) == 0
    assert outcome(waits.deep_in_deadlines(150)) == ("more than 200 gathers, races and deadlines inside of one another")


# --- stored stacks that nobody wrote


@pytest.mark.parametrize(
    "frames",
    ["{", "[3]", "[[1, 2]]", '[["waiting.helper", "v", "x", 1]]', '[["waiting.helper", "v", 99, 1]]', "[]"],
)
def test_a_stack_that_nobody_wrote_is_a_corrupt_value(frames: str) -> None:
    at = first_turn(waits.goes_down(0))
    assert isinstance(at, Suspend)
    standing = stored(1, at)._replace(frames=frames)
    with pytest.raises(CorruptValue):
        turn(waits.goes_down, standing, {}, blobs={}, find=lambda name, version: waits.helper)


@pytest.mark.parametrize("variables", ["{}", '{"@frames": 3, "@blocks": []}', '{"@frames": [3], "@blocks": [[]]}'])
def test_variables_that_do_not_belong_to_the_stack_are_a_corrupt_value(variables: str) -> None:
    at = first_turn(waits.goes_down(0))
    assert isinstance(at, Suspend)
    standing = stored(1, at)._replace(variables=variables)
    with pytest.raises(CorruptValue):
        turn(waits.goes_down, standing, {}, blobs={}, find=lambda name, version: waits.down)


def test_an_await_that_nobody_wrote_is_a_corrupt_value() -> None:
    for awaits in ("{", "3", '{"what": 1}'):
        with pytest.raises(CorruptValue):
            turn(waits.limits_nothing, Stored(0, 0, 1, "{}", awaits), {}, blobs={})
