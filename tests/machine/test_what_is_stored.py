"""A checkpoint holds what is still needed, and no more."""

import io
from pathlib import Path

import pytest

from durableflow.codec import encode
from durableflow.errors import NotStorable
from durableflow.machine import compile_function
from tests.machine.support import checkpoints, echo, load, result


def names(checkpoint: object) -> set[str]:
    return set(checkpoint.variables)  # type: ignore[attr-defined]


async def forgets(a: int, b: int) -> int:
    c = a + 1
    await echo()
    d = b + c
    await echo()
    return d


def test_a_dead_variable_is_not_stored() -> None:
    first, second = checkpoints(forgets, 1, 2)
    assert (names(first), names(second)) == ({"b", "c"}, {"d"})


async def handle_over_by_then() -> list[str]:
    lines = []
    for text in ("a", "b"):
        with io.StringIO(text) as handle:
            for line in handle:
                lines.append(line)  # noqa: PERF402
        assert handle.closed
        await echo()
    return lines


def test_what_a_statement_uses_up_by_itself_is_not_stored() -> None:
    assert result(handle_over_by_then) == ["a", "b"]


async def overwritten() -> int:
    x = object()
    repr(x)
    await echo()
    x = 3
    await echo()
    return x


def test_a_variable_that_is_overwritten_before_it_is_read_is_not_stored() -> None:
    first, second = checkpoints(overwritten)
    assert (names(first), names(second)) == (set(), {"x"})


async def maybe_overwritten(flag: bool) -> object:
    x: object = 1
    await echo()
    if flag:
        x = 2
    await echo()
    return x


def test_a_variable_that_is_overwritten_on_one_way_only_is_stored() -> None:
    assert [names(each) for each in checkpoints(maybe_overwritten, True)] == [{"flag", "x"}, {"x"}]


async def needed_by_the_handler() -> object:
    state = "begun"
    try:
        await echo()
        state = "done"
        await echo()
    except KeyError:
        return state
    return None


def test_what_only_a_handler_reads_is_stored_inside_the_try() -> None:
    assert [names(each) for each in checkpoints(needed_by_the_handler)] == [{"state"}, {"state"}]


async def handler_name() -> object:
    try:
        raise KeyError("gone")
    except KeyError as error:
        await echo()
        text = str(error)
    await echo()
    return text


def test_an_exceptions_name_is_stored_in_its_handler_and_deleted_after_it() -> None:
    first, second = checkpoints(handler_name)
    assert names(first) == {"error", "@error1"}
    assert first.variables["error"] is first.variables["@error1"]
    assert names(second) == {"text"}


async def captured() -> int:
    count = 0

    def add() -> int:
        nonlocal count
        count += 1
        return count

    add()
    await echo()
    count = 10
    await echo()
    return add()


def test_a_captured_variable_is_stored_with_its_cell_and_by_its_name_where_it_is_read() -> None:
    first, second = checkpoints(captured)
    assert names(first) == {"add", "@cells"}
    assert names(second) == {"add"}
    cell = first.variables["@cells"]["count"]
    assert cell is first.variables["add"].__closure__[0]
    assert result(captured) == 11


async def with_a_key(rows: list[dict[str, int]], key: str) -> object:
    await echo()
    rows.sort(key=lambda row: row[key])
    await echo()
    return rows


def test_no_cell_is_stored_before_a_function_is_made_and_after_its_last_use() -> None:
    first, second = checkpoints(with_a_key, [{"a": 1}], "a")
    assert (names(first), names(second)) == ({"rows", "key"}, {"rows"})


async def between_operands() -> int:
    return len("ab") + await echo(1) + await echo(2)


def test_operands_that_wait_are_hidden_variables() -> None:
    first, second = checkpoints(between_operands)
    assert list(first.variables.values()) == [2]
    assert list(second.variables.values()) == [3]
    assert all(name.startswith("@") for name in names(first))


async def over_a_generator() -> None:
    for line in (str(number) for number in range(3)):
        await echo(line)


async def over_a_file(path: Path) -> None:
    with path.open() as lines:
        pass
    for line in path.open():
        await echo(line)
    del lines


class Countdown:
    def __init__(self, start: int) -> None:
        self.start = start

    def __iter__(self):  # type: ignore[no-untyped-def]
        yield from range(self.start, 0, -1)


async def over_a_class_of_the_users() -> None:
    items = Countdown(3)
    for item in enumerate(items):
        await echo(item)


async def over_a_generator_without_waiting(numbers: object) -> int:
    total = 0
    for number in (each * 2 for each in numbers):  # type: ignore[attr-defined]
        total += number
        if total > 100:
            await echo()
    return total


def test_a_loop_over_what_cannot_be_stored_is_refused_by_its_name(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("a\nb\n")
    with pytest.raises(NotStorable, match=r"the `for` over `\(str\(number\) for number in range\(3\)\)`.*generator"):
        list(checkpoints(over_a_generator))
    with pytest.raises(NotStorable, match=r"the `for` over `enumerate\(items\)` cannot wait"):
        list(checkpoints(over_a_class_of_the_users))


def test_a_loop_that_does_not_wait_may_run_over_anything() -> None:
    assert result(over_a_generator_without_waiting, [1, 2, 3]) == 12


async def holds_a_client(client: object) -> None:
    await echo(client)
    print(client)


def test_a_value_without_a_stored_form_is_named() -> None:
    machine = compile_function(holds_a_client)
    reached = machine.advance(machine.start((object(),), {}), None)
    with pytest.raises(NotStorable, match="client"):
        encode(reached.checkpoint.variables, where="", extensions=machine.extensions)  # type: ignore[union-attr]


def test_a_global_that_cannot_be_stored_may_wait_as_part_of_an_expression(tmp_path: Path) -> None:
    text = """
from tests.machine.support import echo
import math, logging
class Client:
    def __init__(self): self.handle = open(__file__); self.sent = []
    def post(self, *values): self.sent.append(values); return values
client = Client()
client.handle.close()
log = logging.getLogger("quiet")
async def f():
    log.debug("%s %s", await echo(1), await echo(2))
    first = client.post(await echo(3), await echo(4))
    client.handle.name + await echo("x")
    return first, math.floor(await echo(5.5)), len(await echo("abc")), client.sent, str.upper(await echo("a"))
"""
    module = load(tmp_path, text)
    assert result(module.f) == ((3, 4), 5, 3, [(3, 4)], "A")
