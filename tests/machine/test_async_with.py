"""``async with``: what awaits in its body wait for, what is stored meanwhile, and what the state table shows.

How it is entered and left is compared with CPython in ``tests/fidelity``.
"""

from collections.abc import Generator
from dataclasses import dataclass, field
from pathlib import Path

import pytest

from durableflow.machine import (
    Checkpoint,
    Error,
    Failed,
    Finished,
    Suspended,
    Value,
    compile_function,
    graph_mermaid,
    graph_text,
)
from tests.machine.support import Echo, checkpoints, echo, execute, load, result, through_storage

journal: list[object] = []


@dataclass
class Within:
    """What is awaited inside of a block; not itself something that CPython could await."""

    block: str
    awaited: object


@dataclass
class Block:
    """Says in the journal when it is left, and with what; `seen` counts the awaits in it."""

    name: str
    refuses: bool = False
    seen: list[object] = field(default_factory=list)

    def __wf_enter__(self) -> "Block":
        journal.append(("enter", self.name))
        return self

    def __wf_await__(self, awaited: object) -> Within:
        if self.refuses:
            raise TimeoutError(self.name)
        self.seen.append(1)
        return Within(self.name, awaited)

    def __wf_exit__(self, error: BaseException | None) -> None:
        journal.append(("exit", self.name, repr(error)))

    # for the type checker; the machine does not look at them

    async def __aenter__(self) -> "Block":
        raise AssertionError("the machine has a protocol of its own")

    async def __aexit__(self, *error: object) -> None:
        raise AssertionError("the machine has a protocol of its own")


@pytest.fixture(autouse=True)
def _empty_journal() -> None:
    journal.clear()


def walk(workflow: object, *args: object) -> Generator[tuple[str, set[str]], None, Finished | Failed]:
    """Run a workflow; yields what it waits for, as ``outer(inner(value))``, and the names of what is stored."""
    machine = compile_function(workflow)  # type: ignore[arg-type]
    reached = machine.advance(machine.start(args, {}), None)
    while isinstance(reached, Suspended):
        text, close, awaited = "", "", reached.awaited
        while isinstance(awaited, Within):
            text, close, awaited = f"{text}{awaited.block}(", close + ")", awaited.awaited
        assert isinstance(awaited, Echo)
        yield f"{text}{awaited.value}{close}", set(reached.checkpoint.variables)
        outcome = Value(awaited.value) if awaited.error is None else Error(awaited.error)
        reached = machine.advance(through_storage(machine, reached.checkpoint), outcome)
    return reached


def waits(workflow: object, *args: object) -> list[str]:
    return [text for text, _ in walk(workflow, *args)]


def stored(workflow: object, *args: object) -> list[set[str]]:
    return [names for _, names in walk(workflow, *args)]


async def nested() -> None:
    await echo("before")
    async with Block(await echo("A")):
        await echo("in A")
        async with Block(await echo("B")), Block(await echo("C")):
            if await echo("in C"):
                for _ in range(1):
                    await echo("in a loop")
        await echo("in A again")
    await echo("after")


def test_an_await_waits_for_what_its_blocks_make_of_it_the_innermost_first() -> None:
    assert waits(nested) == [
        "before",
        "A",
        "A(in A)",
        "A(B)",
        "A(B(C))",
        "A(B(C(in C)))",
        "A(B(C(in a loop)))",
        "A(in A again)",
        "after",
    ]
    assert [entry[1] for entry in journal if entry[0] == "exit"] == ["C", "B", "A"]  # type: ignore[index]


async def in_clauses() -> None:
    async with Block("A"):
        try:
            await echo("tried")
            raise KeyError
        except KeyError:
            await echo("handled")
        finally:
            await echo("finally")
    try:
        async with Block("B"):
            raise KeyError
    except KeyError:
        await echo("handled outside")
    finally:
        await echo("finally outside")


def test_clauses_inside_of_the_body_are_inside_of_the_block_and_those_around_it_are_not() -> None:
    assert waits(in_clauses) == ["A(tried)", "A(handled)", "A(finally)", "handled outside", "finally outside"]


async def leaves(way: str) -> str:
    for _ in range(2):
        try:
            async with Block("A"):
                await echo(way)
                if way == "return":
                    return "returned"
                if way == "break":
                    break
                if way == "continue":
                    continue
                if way == "raise":
                    raise KeyError
        except KeyError:
            pass
        await echo("next")
    await echo("end")
    return "ended"


@pytest.mark.parametrize(
    ("way", "waited"),
    [
        ("return", ["A(return)"]),
        ("break", ["A(break)", "end"]),
        ("continue", ["A(continue)", "A(continue)", "end"]),
        ("raise", ["A(raise)", "next", "A(raise)", "next", "end"]),
        ("fall", ["A(fall)", "next", "A(fall)", "next", "end"]),
    ],
)
def test_however_the_body_is_left_the_block_is_over(way: str, waited: list[str]) -> None:
    assert waits(leaves, way) == waited
    assert len(journal) == 2 * sum(text.startswith("A(") for text in waited)
    assert {entry[2] for entry in journal if entry[0] == "exit"} == {"KeyError()" if way == "raise" else "None"}  # type: ignore[index,misc]


@dataclass
class Places:
    """Where a target stands."""

    slots: dict[str, object] = field(default_factory=dict)


async def binds() -> object:
    places = Places()
    async with Block("A") as places.slots[await echo("target")]:
        await echo("body")
    return list(places.slots)


def test_awaits_in_the_target_are_inside_of_the_block() -> None:
    assert waits(binds) == ["A(target)", "A(body)"]
    assert journal == [("enter", "A"), ("exit", "A", "None")]


async def inside_of_a_handler() -> None:
    try:
        raise KeyError("handled")
    except KeyError:
        async with Block("A"):
            await echo()
        async with Block("B"):
            await echo()
            raise


def test_an_error_that_is_handled_around_it_is_not_the_blocks_until_it_is_raised_in_it() -> None:
    assert isinstance(execute_through(inside_of_a_handler), Failed)
    assert journal == [("enter", "A"), ("exit", "A", "None"), ("enter", "B"), ("exit", "B", "KeyError('handled')")]


def execute_through(workflow: object, *args: object) -> Finished | Failed:
    run = walk(workflow, *args)
    while True:
        try:
            next(run)
        except StopIteration as stop:
            return stop.value  # type: ignore[no-any-return]


async def is_refused() -> str:
    async with Block("A", refuses=True):
        try:
            await echo(journal.append("evaluated"))
        except TimeoutError as error:
            return f"timed out: {error}"
    return "waited"


def test_what_a_block_raises_at_an_await_is_raised_there() -> None:
    assert result(is_refused) == "timed out: A"
    assert journal == [("enter", "A"), "evaluated", ("exit", "A", "None")]


async def awaits_a_number() -> str:
    async with Block("A") as block:
        try:
            await 3  # type: ignore[misc]
        except TypeError as error:
            return f"{error}; {block.seen}"
    return "waited"


def test_a_block_is_not_asked_about_what_cannot_be_awaited() -> None:
    assert result(awaits_a_number) == "object int can't be used in 'await' expression; []"


async def unused_block(flag: bool) -> None:
    await echo("before")
    async with Block("A"):
        await echo("inside")
    await echo("after")
    while flag:
        async with Block("B") as block:
            flag = await echo(False)
        await echo(block.name)


def test_a_block_is_stored_while_the_run_waits_in_it_and_no_longer() -> None:
    assert stored(unused_block, True) == [
        {"flag"},
        {"flag", "@block1"},
        {"flag"},
        {"block", "@block2"},  # and not `flag`, which only the await binds
        {"flag"},
    ]


async def block_of_the_users_own() -> object:
    async with Block("A") as block:
        await echo(1)
        await echo(2)
        same = block
    return len(same.seen), same.name


def test_a_block_is_the_same_object_to_the_machine_and_to_the_workflow_after_a_restore() -> None:
    assert execute_through(block_of_the_users_own) == Finished((2, "A"))


class Client:
    async def __aenter__(self) -> "Client":
        raise AssertionError("nothing of it is entered")

    async def __aexit__(self, *error: object) -> None:
        raise AssertionError("nothing of it is entered")


class Almost(Client):
    def __wf_enter__(self) -> None:
        raise AssertionError("nothing of it is entered")

    __wf_await__ = __wf_enter__


class OnTheInstance(Client):
    def __init__(self) -> None:
        self.__wf_enter__ = self.__wf_await__ = self.__wf_exit__ = lambda *given: None


KINDS: dict[str, type] = {"a Client": Client, "an Almost": Almost, "an OnTheInstance": OnTheInstance, "an int": int}


async def enters(kind: str) -> str:
    async with Block("outer"):
        try:
            async with KINDS[kind]() as client:
                await echo(client)
        except TypeError as error:
            return str(error)
    return "entered"


@pytest.mark.parametrize("kind", KINDS)
def test_what_is_not_a_block_is_refused_where_it_is_entered(kind: str) -> None:
    text = "'async with' in a workflow works with durableflow.timeout(...), not with {}: open it inside of a step"
    assert result(enters, kind) == text.format(kind)
    assert journal == [("enter", "outer"), ("exit", "outer", "None")]


@pytest.mark.parametrize("kind", [KeyboardInterrupt, SystemExit, GeneratorExit])
def test_an_interrupt_leaves_the_block_on_its_way_out(kind: type[BaseException]) -> None:
    machine = compile_function(interrupted)
    reached = machine.advance(machine.start((kind,), {}), None)
    assert isinstance(reached, Suspended)
    with pytest.raises(kind):
        machine.advance(reached.checkpoint, Value(None))
    assert journal[1:] == [("exit", "A", f"{kind.__name__}()")]


async def interrupted(kind: type[BaseException]) -> None:
    async with Block("A"):
        await echo()
        raise kind


def test_every_outcome_of_the_same_await_leaves_the_block_once() -> None:
    machine = compile_function(block_of_the_users_own)
    reached = machine.advance(machine.start((), {}), None)
    assert isinstance(reached, Suspended)
    for _ in range(2):
        journal.clear()
        checkpoint: Checkpoint = through_storage(machine, reached.checkpoint)
        assert isinstance(machine.advance(checkpoint, Error(KeyError())), Failed)
        assert journal == [("exit", "A", "KeyError()")]


TEXT = """
from tests.machine.support import echo

async def patient(items, timeout):
    async with timeout(5) as limit, timeout(items["long"]):
        if items:
            return await echo(items)
    await echo(limit)
"""


def test_the_graph_shows_what_is_awaited_and_which_block_is_left_as_they_were_written(tmp_path: Path) -> None:
    machine = compile_function(load(tmp_path, TEXT).patient)
    assert graph_text(machine) == f"patient@{machine.version}" + EXPECTED_TEXT
    chart = graph_mermaid(machine)
    assert "@" not in chart
    assert "s8 --> s7" in chart
    assert "s8 -.-> s12" in chart


def test_a_program_without_a_block_has_none_of_its_states() -> None:
    assert all("async with" not in state.label for state in compile_function(without_a_block).states)
    assert [set(each.variables) for each in checkpoints(without_a_block)] == [set()]
    assert execute(without_a_block) == Finished(None)


async def without_a_block() -> None:
    await echo()


EXPECTED_TEXT = """: 15 states
 0  line 4  start   -> 1
 1  line 5  run     -> 2
 2  line 5  run     -> 3   (error -> 12)
 3  line 6  branch   items -> 4, 9   (error -> 10)
 4  line 7  await    echo(items) -> 5   (error -> 10)
 5  line 7  run     -> 8   (error -> 10)
 6  line 7  return
 7  line 5  finally  leave async with timeout(5) -> 6
 8  line 5  finally  leave async with timeout(items['long']) -> 7   (error -> 12)
 9  line 5  finally  leave async with timeout(items['long']) -> 11   (error -> 12)
10  line 5  handler  leave async with timeout(items['long'])   (error -> 12)
11  line 5  finally  leave async with timeout(5) -> 13
12  line 5  handler  leave async with timeout(5)
13  line 8  await    echo(limit) -> 14
14  line 8  return
"""
