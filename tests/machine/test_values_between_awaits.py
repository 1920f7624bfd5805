"""Functions, methods, modules and iterators as values of variables that live across an await."""

import itertools
from collections import OrderedDict, deque
from functools import wraps
from pathlib import Path
from typing import Any

import pytest

from durableflow.codec import decode, encode
from durableflow.errors import CorruptValue, NotStorable
from durableflow.machine import Checkpoint, Finished, Suspended, Value, compile_function
from tests.machine.support import checkpoints, echo, load, result


async def counters() -> object:
    def counter(step: int):  # type: ignore[no-untyped-def]
        count = 0

        def up() -> int:
            nonlocal count
            count += step
            return count

        return up, lambda: count

    (up, read), (other, _) = counter(1), counter(10)
    up()
    await echo()
    up()
    other()
    await echo()
    return up(), read(), other()


def test_functions_that_share_a_cell_share_it_after_storage_and_others_do_not() -> None:
    assert result(counters) == (3, 3, 20)


async def keeps_functions_in_data() -> object:
    handlers = {"double": lambda x: 2 * x, "self": None}
    handlers["self"] = lambda: handlers
    functions = [handlers["double"]] * 2
    await echo()
    return handlers["self"]() is handlers, functions[0] is functions[1] is handlers["double"], functions[0](4)  # type: ignore[misc]


def test_functions_in_containers_keep_their_identity_and_cycles() -> None:
    assert result(keeps_functions_in_data) == (True, True, 8)


async def decorated() -> object:
    def shout(function):  # type: ignore[no-untyped-def]
        @wraps(function)
        def wrapper(*args: object, end: str = "!") -> str:
            """Loud."""
            return str(function(*args)).upper() + end

        return wrapper

    @shout
    def greet(name: str) -> str:
        """Greets."""
        return "hello " + name

    greet.calls = [1]  # type: ignore[attr-defined]
    await echo()
    return greet("bob"), greet.__name__, greet.__doc__, greet.calls, greet.__wrapped__("x"), greet.__qualname__  # type: ignore[attr-defined]


def test_a_decorated_local_function_keeps_all_that_was_set_on_it() -> None:
    assert result(decorated) == ("HELLO BOB!", "greet", "Greets.", [1], "hello x", "decorated.<locals>.greet")


async def same_line() -> object:
    pair = (lambda x: x + 1), (lambda x: x - 1)
    nested = lambda a: lambda b: (a, b)  # noqa: E731
    inner = nested(1)
    await echo()
    return pair[0](0), pair[1](0), inner(2), nested(3)(4)


def test_lambdas_of_one_line_are_told_apart() -> None:
    assert result(same_line) == (1, -1, (1, 2), (3, 4))


async def methods() -> object:
    found: list[object] = []
    add, upper, item = found.append, "abc".upper, {"a": 1}.get
    make = dict.fromkeys
    await echo()
    add(1)
    return found, upper(), item("a"), make("ab", 0)


def test_bound_methods_keep_their_owner() -> None:
    assert result(methods) == ([1], "ABC", 1, {"a": 0, "b": 0})


async def ill_formed() -> None:
    def local() -> None: ...

    await echo(local)
    local()


@pytest.mark.parametrize(
    "text",
    [
        '{"~":"local","needed":[9,[]]}',
        '{"~":"held","needed":[null,"__import__"]}',
        '{"~":"imported","needed":["os","system"]}',
        '{"~":"module","needed":"antigravity"}',
        '{"~":"iterator","needed":["exec","x"]}',
    ],
)
def test_a_payload_gets_at_nothing_that_the_source_does_not_name(text: str) -> None:
    machine = compile_function(ill_formed)
    with pytest.raises(CorruptValue):
        decode(text, extensions=machine.extensions)


def test_a_module_and_what_was_imported_from_it_are_there_in_another_process(tmp_path: Path) -> None:
    text = """
import sys
from tests.machine.support import echo
async def f():
    import colorsys
    import xml.dom.minidom as dom
    from sndhdr_stand_in import tell
    await echo()
    return colorsys.__name__, dom.__name__, tell()
"""
    (tmp_path / "sndhdr_stand_in.py").write_text("def tell(): return 'told'\n")
    module = load(tmp_path, text)
    module.sys.path.insert(0, str(tmp_path))
    try:
        machine = compile_function(module.f)
        reached = machine.advance(machine.start((), {}), None)
        assert isinstance(reached, Suspended)
        stored = encode(reached.checkpoint.variables, where="", extensions=machine.extensions)
        for name in ("colorsys", "sndhdr_stand_in"):
            del module.sys.modules[name]
        variables: Any = decode(stored.text, extensions=machine.extensions)
        state, line = reached.checkpoint.state, reached.checkpoint.line
        end = machine.advance(Checkpoint(state, line, variables), Value(None))
        assert end == Finished(("colorsys", "xml.dom.minidom", "told"))
    finally:
        module.sys.path.remove(str(tmp_path))


async def walks(iterable: object) -> object:
    seen = []
    for item in iterable:  # type: ignore[attr-defined]
        seen.append(item)
        await echo()
    return seen


@pytest.mark.parametrize(
    "iterable",
    [
        [1, 2, 3],
        (1, 2, 3),
        "añb",
        b"abc",
        bytearray(b"abc"),
        range(3, 0, -1),
        range(1 << 80, (1 << 80) + 3),
        {"a": 1, "b": 2},
        {"a": 1, "b": 2}.items(),
        {"a": 1, "b": 2}.values(),
        {3, 1, 2},
        frozenset("abc"),
        deque([1, 2, 3]),
        [],
    ],
    ids=lambda iterable: type(iterable).__name__,  # the text of a frozenset differs from process to process
)
def test_every_builtin_iterable_is_walked_in_its_order(iterable: object) -> None:
    machine = compile_function(walks)
    reached = machine.advance(machine.start((iterable,), {}), None)
    del reached
    expected = list(iterable)  # type: ignore[call-overload]
    if isinstance(iterable, set | frozenset):
        assert sorted(result(machine, iterable)) == sorted(expected)
    elif isinstance(iterable, type({}.items()) | type({}.values())):
        assert result(walks_a_view, {"a": 1, "b": 2}, type(iterable).__name__) == expected
    else:
        assert result(machine, iterable) == expected


async def walks_a_view(source: dict[str, int], kind: str) -> object:
    seen: list[object] = []
    for item in source.items() if kind == "dict_items" else source.values():
        seen.append(item)
        await echo()
    return seen


async def lazily(journal: list[object]) -> object:
    def note(x: int) -> int:
        journal.append(x)
        return x

    for a, b in zip(map(note, [1, 2, 3]), itertools.count(10, 5)):
        journal.append((a, b))
        await echo()
        if a == 2:
            break
    for index, x in enumerate(filter(lambda x: x % 2, reversed([1, 2, 3])), 7):
        journal.append((index, x))
        await echo()
    return journal


def test_combined_iterators_stay_lazy() -> None:
    assert result(lazily, []) == [1, (1, 10), 2, (2, 15), (7, 3), (8, 1)]


async def strictly() -> object:
    seen = []
    try:
        for pair in zip("ab", "a", strict=True):
            seen.append(pair)
            await echo()
    except ValueError as error:
        seen.append(str(error))
    return seen


def test_a_strict_zip_stays_strict() -> None:
    assert result(strictly) == [("a", "a"), "zip() argument 2 is shorter than argument 1"]


async def over_an_ordered_dict() -> None:
    for _ in OrderedDict(a=1):
        await echo()


async def over_a_count_of_fractions() -> None:
    from fractions import Fraction

    for _ in itertools.count(Fraction(1, 2)):
        await echo()


@pytest.mark.parametrize("workflow", [over_an_ordered_dict, over_a_count_of_fractions])
def test_other_iterators_are_refused_by_name(workflow: object) -> None:
    with pytest.raises(NotStorable, match=r"OrderedDict|Fraction"):
        list(checkpoints(workflow))  # type: ignore[arg-type]
