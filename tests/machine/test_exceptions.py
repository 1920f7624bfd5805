"""What an exception does on its way through states, beyond what the comparison with CPython covers."""

import sys
import traceback

import pytest

from durableflow.machine import Checkpoint, Error, Failed, Suspended, Value, compile_function
from tests.machine.support import checkpoints, echo, execute, fail, result

journal: list[object] = []


async def cleans_up(error: type[BaseException]) -> None:
    try:
        await echo()
        raise error
    finally:
        journal.append("cleaned")


@pytest.mark.parametrize("kind", [KeyboardInterrupt, SystemExit, GeneratorExit])
def test_an_interrupt_runs_the_clauses_and_leaves_the_machine(kind: type[BaseException]) -> None:
    journal.clear()
    machine = compile_function(cleans_up)
    reached = machine.advance(machine.start((kind,), {}), None)
    assert isinstance(reached, Suspended)
    with pytest.raises(kind):
        machine.advance(reached.checkpoint, Value(None))
    assert journal == ["cleaned"]


async def waits_while_it_cleans_up() -> None:
    try:
        raise SystemExit(3)
    finally:
        journal.append("cleaning")
        await echo()


async def swallows() -> str:
    try:
        raise KeyboardInterrupt
    except BaseException:
        await echo("swallowed")
    return "swallowed"


@pytest.mark.parametrize("workflow", [waits_while_it_cleans_up, swallows])
def test_no_checkpoint_is_made_with_an_interrupt_in_hand(workflow: object) -> None:
    machine = compile_function(workflow)  # type: ignore[arg-type]
    with pytest.raises((SystemExit, KeyboardInterrupt)):
        machine.advance(machine.start((), {}), None)


async def own_base_exception() -> str:
    try:
        await fail(Stop("now"))
    except Stop as stop:
        await echo()
        return stop.args[0]
    return ""


class Stop(BaseException):
    pass


def test_a_base_exception_of_the_users_own_may_be_caught_and_waited_with() -> None:
    assert result(own_base_exception) == "now"


async def raises_stop() -> None:
    await fail(Stop("now"))


def test_a_base_exception_that_nobody_catches_leaves_the_machine() -> None:
    with pytest.raises(Stop):
        execute(raises_stop)


async def deep() -> None:
    try:
        await echo()
        inner()
    except LookupError as error:
        await echo()
        raise RuntimeError("outer") from error


def inner() -> None:
    raise KeyError("inner")


def test_a_failure_carries_no_frame_of_the_machine() -> None:
    end = execute(deep)
    assert isinstance(end, Failed)
    assert [frame.name for frame in traceback.extract_tb(end.error.__traceback__)] == ["deep"]
    machine = compile_function(deep)
    first = machine.advance(machine.start((), {}), None)
    assert isinstance(first, Suspended)
    second = machine.advance(first.checkpoint, Value(None))
    assert isinstance(second, Suspended)
    handled = second.checkpoint.variables["error"]
    assert [frame.name for frame in traceback.extract_tb(handled.__traceback__)] == ["deep", "inner"]


async def not_awaitable() -> str:
    try:
        await 3  # type: ignore[misc]
    except TypeError as error:
        return str(error)
    return ""


def test_what_cannot_be_awaited_raises_at_the_await() -> None:
    assert result(not_awaitable) == "object int can't be used in 'await' expression"


async def sees_its_own_context() -> object:
    try:
        raise KeyError("first")
    except KeyError:
        await echo()
        seen = sys.exception()
        try:
            raise ValueError("second")
        except ValueError as error:
            context = error.__context__
            await echo()
        return [seen is context, type(sys.exception())]


def test_identity_of_the_handled_exception_survives_storage() -> None:
    assert result(sees_its_own_context) == [True, KeyError]


async def once() -> object:
    return await echo(1)


@pytest.mark.parametrize(
    ("state", "outcome"), [(0, Value(1)), (1, None), (2, Value(1)), (99, Value(1)), (-1, Error(KeyError()))]
)
def test_a_checkpoint_that_is_not_the_machines_is_refused(state: int, outcome: Value | Error | None) -> None:
    with pytest.raises(ValueError, match="once: "):
        compile_function(once).advance(Checkpoint(state, 1, {}), outcome)


def test_the_same_checkpoint_may_be_advanced_with_every_outcome() -> None:
    machine = compile_function(once)
    (checkpoint,) = checkpoints(machine)
    assert machine.advance(checkpoint, Value("a")).value == "a"  # type: ignore[union-attr]
    assert isinstance(machine.advance(checkpoint, Error(KeyError())), Failed)


async def greedy(a: int, /, b: int = 2, *rest: int, c: int, d: int = 4, **more: int) -> object:
    return a, b, rest, c, d, more


def test_arguments_are_bound_as_cpython_binds_them() -> None:
    assert result(greedy, 1, 5, 6, 7, c=3, e=8) == (1, 5, (6, 7), 3, 4, {"e": 8})
    machine = compile_function(greedy)
    for args, kwargs in (((), {}), ((1,), {}), ((), {"a": 1, "c": 2}), ((1, 2), {"b": 3, "c": 4}), ((1,), {1: 2})):
        with pytest.raises(TypeError) as ours:
            machine.start(args, kwargs)  # type: ignore[arg-type]
        with pytest.raises(TypeError) as theirs:
            greedy(*args, **kwargs)  # type: ignore[arg-type]
        assert str(ours.value) == str(theirs.value)
    assert str(machine.signature).startswith("(a: int, /, b: int = 2, *rest: int, c: int")
