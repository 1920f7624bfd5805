"""What a workflow holds of this package's own values comes back after two turns; what nobody wrote is refused."""

import json
from datetime import UTC, datetime
from typing import Any
from uuid import UUID

import pytest

from durableflow import begin, gather, later, race, receive, sleep, sleep_until, spawn, timeout, timeout_at
from durableflow.codec import decode, encode
from durableflow.errors import CorruptValue, UnknownDefinition
from durableflow.language import Call, Gather, Handle, Race, Receive, RoutineCall, Sleep
from durableflow.language.begun import ChildHandle, Spawn
from durableflow.language.launching import Launcher
from durableflow.language.lazy import Scope, scope
from tests.language import waits

NOON = datetime(2030, 1, 1, 12, tzinfo=UTC)


@pytest.fixture(autouse=True)
def turn() -> Any:
    """As if a workflow's code ran."""
    here = Scope(waits.df.registry, Launcher(4))
    token = scope.set(here)
    yield here
    here.dismiss()
    scope.reset(token)


def twice(value: Any) -> Any:
    for _ in range(2):
        stored = encode({"held": value}, where="variables")
        found: Any = decode(stored.text, blobs=stored.blobs)
        value = found["held"]
    return value


def test_definitions_and_calls() -> None:
    step = waits.add.options(queue="slow", priority=3)
    assert twice(waits.helper) is waits.helper
    assert twice(waits.child) is waits.child
    assert twice(step).use == step.use
    call: Any = twice(step(1, b=[2]))
    assert (type(call), call.definition, call.args, call.kwargs, call.use) == (
        Call,
        waits.add,
        (1,),
        {"b": [2]},
        step.use,
    )
    routine: Any = twice(waits.helper(5))
    assert (type(routine), routine.definition, routine.args, routine.kwargs) == (RoutineCall, waits.helper, (5,), {})


def test_what_is_awaited_together() -> None:
    several: Any = twice(gather(waits.add(1), sleep(2), return_exceptions=True))
    assert (type(several), several.errors, several.limit) == (Gather, True, None)
    assert [type(each) for each in several.calls] == [Call, Sleep]
    assert twice(gather(waits.add(1), limit=2)).limit == 2
    assert twice(gather()).calls == ()
    first: Any = twice(race(gather(waits.add(1)), sleep_until(NOON)))
    assert (type(first), type(first.calls[0]), first.calls[1].until) == (Race, Gather, NOON)


def test_waits() -> None:
    assert twice(sleep(3)).seconds == 3.0
    assert twice(sleep_until(NOON)).until == NOON
    wait: Any = twice(receive("event", list[int] | None, timeout=5))
    assert (type(wait), wait.name, wait.kind, wait.timeout, wait.signed) == (
        Receive,
        "event",
        list[int] | None,
        5.0,
        False,
    )


def test_handles_and_spawns() -> None:
    call = waits.add(1)
    handle: Any = twice(begin(waits.add(later(call))))
    assert (type(handle), handle.name, handle.rev, handle.index, handle.below) == (Handle, "waiting.add", 4, 1, (0,))
    child: Any = twice(begin(waits.child(1)))
    assert (type(child), child.rev, child.index, type(child.id)) == (ChildHandle, 4, 2, UUID)
    wanted: Any = twice(spawn(waits.child(1), parent_ends="leave", failure="fail"))
    assert (type(wanted), wanted.leaves, wanted.fails, wanted.call.args) == (Spawn, True, True, (1,))


@pytest.mark.parametrize("block", [timeout(5), timeout(None), timeout_at(NOON)])
def test_blocks_and_what_became_of_them(block: Any) -> None:
    for entered in (False, True):
        if entered:
            block.__wf_enter__()
        found = twice(block)
        assert (found.seconds, found.until, found._entered) == (block.seconds, block.until, entered)
        assert (found._timer is None) == (block._timer is None)


def test_an_argument_that_is_not_there_yet_is_the_call_that_gives_it() -> None:
    call = waits.add(1)
    found: Any = twice([call, waits.add(later(call)), later(call)])
    assert found[1].args[0].call is found[0] is found[2].call


def test_what_is_held_twice_is_one_object() -> None:
    block, handle = timeout(5), begin(sleep(1))
    found: Any = twice([block, block, handle, {"handle": handle}])
    assert found[0] is found[1]
    assert found[2] is found[3]["handle"]


JUNK: list[Any] = [
    None, 1, -1.5, "x", True, [], {}, [1], ["a", 1], [1, 2, 3, 4], ["n", "a", "b", "c"], [None] * 5, [None] * 6,
    [[1], 2, [3], 4, 5, 6], [5, None, 3, True, False, False], {"name": "waiting.nowhere"}, {"name": 3, "use": None},
    {"name": "waiting.add", "use": 3}, ["of"], ["of", 3, 4], ["union"], ["literal"], ["what"],
]  # fmt: skip
RESTS: list[Any] = [3, [3], {"args": 1, "kwargs": {}}, {"args": [], "kwargs": [1]}, "x"]
TAGS = {
    "definition": {"name": "waiting.add", "use": None},
    "call": {"name": "waiting.add", "use": None},
    "routine call": "waiting.helper",
    "gather": None,
    "race": None,
    "spawn": [True, False],
    "sleep": 5,
    "receive": ["event", None, None, False],
    "handle": ["name", 1, 2],
    "child": ["name", 1, 2, str(UUID(int=0))],
    "timeout": [5, None, [1, 2], True, False, False],
    "later": None,
    "type": ["any"],
}


def read(tag: str, needed: Any, **rest: Any) -> object:
    return decode(json.dumps({"~": tag, "v": needed, **rest}))


@pytest.mark.parametrize("tag", TAGS)
def test_a_form_that_nobody_wrote_is_a_corrupt_value_and_nothing_else(tag: str) -> None:
    refused = 0
    for needed in JUNK:
        try:
            read(tag, needed)
        except (CorruptValue, UnknownDefinition):
            refused += 1
    assert refused >= len(JUNK) - 4, "at most a few of them happen to be forms"


@pytest.mark.parametrize("tag", ["call", "routine call", "gather", "race", "spawn", "later"])
@pytest.mark.parametrize("rest", RESTS)
def test_so_is_a_rest_that_nobody_wrote(tag: str, rest: Any) -> None:
    with pytest.raises(CorruptValue):
        read(tag, TAGS[tag], rest=rest)


@pytest.mark.parametrize(
    ("tag", "name"), [("call", "waiting.helper"), ("routine call", "waiting.add"), ("routine call", "waiting.child")]
)
def test_a_routine_is_no_step(tag: str, name: str) -> None:
    with pytest.raises(CorruptValue):
        read(tag, {"name": name, "use": None} if tag == "call" else name)
