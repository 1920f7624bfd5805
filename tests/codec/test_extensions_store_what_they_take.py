"""Other packages give their own types a stored form; cycles by way of them survive."""

import types
from collections.abc import Callable
from typing import Any

import pytest

from durableflow.codec import Extension, decode, encode, extension, register
from durableflow.errors import CorruptValue, NotStorable
from tests.codec.samples import Order


class Cells:
    """Cells of closures: empty first, and filled when all else is there."""

    tag = "cell"

    def takes(self, value: object) -> bool:
        return type(value) is types.CellType

    def split(self, value: Any) -> tuple[object, object]:
        try:
            return None, [value.cell_contents]
        except ValueError:
            return None, None

    def create(self, needed: object) -> object:
        return types.CellType()

    def fill(self, value: Any, rest: Any) -> None:
        value.cell_contents = rest[0]


class Functions:
    """Functions of this module's `makers`, by number, with their cells and defaults."""

    tag = "local"

    def __init__(self, codes: list[types.CodeType]) -> None:
        self.codes = codes

    def takes(self, value: object) -> bool:
        return type(value) is types.FunctionType and value.__code__ in self.codes

    def split(self, value: Any) -> tuple[object, object]:
        return {"code": self.codes.index(value.__code__), "cells": value.__closure__}, {"defaults": value.__defaults__}

    def create(self, needed: Any) -> object:
        return types.FunctionType(self.codes[needed["code"]], globals(), "f", None, needed["cells"])

    def fill(self, value: Any, rest: Any) -> None:
        value.__defaults__ = rest["defaults"]


def counter() -> tuple[Callable[[], int], Callable[[], int], list[Any]]:
    count = 0
    kept: list[Any] = []

    def up() -> int:
        nonlocal count
        count += 1
        return count

    def peek(also: Any = kept) -> int:
        return count if also is not None else -1

    kept += [up, peek]
    return up, peek, kept


up, peek, _kept = counter()
EXTENSIONS: list[Extension] = [Cells(), Functions([up.__code__, peek.__code__])]  # type: ignore[attr-defined]


def test_a_shared_cell_stays_one_cell() -> None:
    up, peek, _ = counter()
    up()
    stored = encode({"up": up, "peek": peek}, extensions=EXTENSIONS)
    back: Any = decode(stored.text, extensions=EXTENSIONS)
    assert back["peek"]() == 1
    assert [back["up"](), back["up"](), back["peek"]()] == [2, 3, 3]
    assert peek() == 1


def test_a_function_kept_in_a_list_that_it_closes_over() -> None:
    for entry in counter():
        stored = encode((entry, [entry]), extensions=EXTENSIONS)
        back: Any = decode(stored.text, extensions=EXTENSIONS)
        assert back[0] is back[1][0]
    up, peek, kept = back[0][0], back[0][1], back[0]
    assert peek.__defaults__[0] is kept
    assert [up(), peek()] == [1, 1]


def test_an_empty_cell_stays_empty() -> None:
    back: Any = decode(encode(types.CellType(), extensions=EXTENSIONS).text, extensions=EXTENSIONS)
    with pytest.raises(ValueError, match="empty"):
        _ = back.cell_contents


def test_a_cell_that_holds_itself_and_a_tuple_of_it() -> None:
    cell = types.CellType()
    cell.cell_contents = ((cell,), {"c": cell})
    back: Any = decode(encode(((cell,), 1), extensions=EXTENSIONS).text, extensions=EXTENSIONS)
    assert back[0][0].cell_contents[0][0] is back[0][0]
    assert back[0][0].cell_contents[1]["c"] is back[0][0]


class Handles:
    tag = "test handle"

    def takes(self, value: object) -> bool:
        return type(value) is memoryview

    def split(self, value: Any) -> tuple[object, object]:
        return bytes(value), None

    def create(self, needed: Any) -> object:
        return memoryview(needed)

    def fill(self, value: object, rest: object) -> None:
        raise AssertionError("there is no rest")


def test_a_registered_extension_serves_every_call(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(extension, "_registered", [])
    with pytest.raises(NotStorable):
        encode(memoryview(b"x"))
    handles = Handles()
    register(handles)
    register(handles)
    text = encode([memoryview(b"x")]).text
    back: Any = decode(text)
    assert back[0] == b"x"
    monkeypatch.setattr(extension, "_registered", [])
    with pytest.raises(CorruptValue, match="'test handle' is not a tag that this process knows"):
        decode(text)


@pytest.mark.parametrize("tag", ["tuple", "def", "datetime", "dataclass", "blob", "int", "test handle"])
def test_a_tag_that_is_taken_cannot_be_registered(monkeypatch: pytest.MonkeyPatch, tag: str) -> None:
    monkeypatch.setattr(extension, "_registered", [Handles()])
    other = Handles()
    other.tag = tag
    with pytest.raises(ValueError, match=repr(tag)):
        register(other)


def test_an_extension_comes_before_the_form_that_a_class_would_have() -> None:
    class Orders(Handles):
        tag = "order"

        def takes(self, value: object) -> bool:
            return type(value) is Order

        def split(self, value: Any) -> tuple[object, object]:
            return value.id, None

        def create(self, needed: Any) -> object:
            return Order(needed, ["made"])

    text = encode(Order(5), extensions=[Orders()]).text
    assert text == '{"~":"order","v":5}'
    assert decode(text, extensions=[Orders()]) == Order(5, ["made"])
