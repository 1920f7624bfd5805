"""A value without a stored form is refused by name, with the path to it; nothing is flattened to something else."""

import io
import re
import socket
import struct
import threading
from collections import Counter, OrderedDict, UserDict, defaultdict
from datetime import datetime, tzinfo
from decimal import Decimal
from enum import Enum
from functools import partial
from typing import Any
from zoneinfo import ZoneInfo

import pytest

from durableflow.codec import encode
from durableflow.errors import NotStorable, ValueTooLarge
from tests.codec import samples
from tests.codec.samples import Odd, Order, Plain, Point

ZONE = b"TZif" + bytes(16) + struct.pack(">6l", 0, 0, 0, 0, 1, 4) + struct.pack(">lbb", 0, 0, 0) + b"UTC\0"


def odd_names(value: Any = None) -> Any:
    value = value or Order(1)
    vars(value)["~"] = 1
    return value


class Money(Decimal):
    pass


class Moment(datetime):
    pass


class Zone(tzinfo):
    pass


class Names(list[str]):
    pass


class Text(str):
    pass


@pytest.mark.parametrize(
    ("value", "kind", "why"),
    [
        (Money("1"), "Money", "subclass of Decimal without a stored form of its own"),
        (Moment(2024, 1, 1), "Moment", "subclass of datetime"),
        (Names(), "Names", "subclass of list"),
        (Text("a"), "Text", "subclass of str"),
        (samples.MyDict(), "MyDict", "subclass of dict"),
        (samples.MyInt(5), "MyInt", "subclass of int"),
        (samples.DictAnd(), "DictAnd", "dict keeps its data outside of attributes"),
        (samples.Masked(1), "Masked", "it replaces __dict__"),
        (odd_names(), "Order", "the names of its attributes are not plain text"),
        (odd_names(samples.Line(sku="a")), "Line", "the names of its attributes are not plain text"),
        (tuple.__new__(samples.Pair, [1]), "Pair", "more or fewer items than fields"),
        (object.__new__(samples.Color), "Color", "not a member of its own class"),
        (Odd.A | Odd.B, "Odd", "not a member of its own class"),
        (Enum("Nul", ["a\0"], module=__name__), "EnumType", "cannot be found by name"),
        (ZoneInfo.from_file(io.BytesIO(ZONE)), "ZoneInfo", "made from a file"),
        (samples.Held(1), "Held", "it has a __del__"),
        (UserDict(), "UserDict", "neither a dataclass nor"),
        (datetime(2024, 1, 1, tzinfo=Zone()), "Zone", ""),
        (Plain(), "Plain", "tests.codec.samples.Plain is neither a dataclass nor"),
        (Plain().method, "method", "bound method"),
        ([].append, "builtin_function_or_method", ""),
        (samples.outer(), "function", "outer.<locals>.inner cannot be found by name"),
        (lambda: 1, "function", "cannot be found by name"),
        (samples.local_class(), "local_class.<locals>.Local", "define it at module level"),
        (Plain, "type", "Plain"),
        (threading.Thread, "type", "Thread"),
        ((i for i in [1]), "generator", "a running computation"),
        (iter([1]), "list_iterator", ""),
        (threading.Lock(), "lock", ""),
        (re, "module", ""),
        (partial(int, "1"), "partial", ""),
        (memoryview(b"x"), "memoryview", ""),
        (object(), "object", ""),
        (re.compile, "function", "belongs to Python"),
        (print, "builtin_function_or_method", "belongs to Python"),
    ],
    ids=lambda value: value if isinstance(value, str) else "",
)
def test_a_value_is_refused_by_the_name_of_its_class(value: Any, kind: str, why: str) -> None:
    with pytest.raises(NotStorable) as refused:
        encode(value, where="x")
    assert str(refused.value).startswith(f"x: {kind} is not storable")
    assert why in str(refused.value)


@pytest.mark.parametrize(
    ("value", "path"),
    [
        ({"order": Order(1, [0, 1, 2, Point(socket)])}, "order.items[3].x"),
        ({"a b": [socket]}, "a b[0]"),
        ({"d": {1: socket}}, "d[1]"),
        ({"d": {"k": {"~": socket}}}, "d['k']['~']"),
        ({"d": {Point(1): socket}}, "d[<Point>]"),
        ({"d": {Plain(): 1}}, "d<key Plain>"),
        ({"s": {Plain()}}, "s<member>"),
        ({"t": (1, ([socket],))}, "t[1][0][0]"),
        ({"f": defaultdict(lambda: 0)}, "f.default_factory"),
        ({"p": samples.Pair(1, socket)}, "p.right"),
        ({"m": samples.Basket(lines=[], owner=socket)}, "m.owner"),
        ({"m": OrderedDict(a=[Counter(a=socket)])}, "m['a'][0]['a']"),  # type: ignore[arg-type]
    ],
)
def test_the_error_tells_the_path(value: Any, path: str) -> None:
    with pytest.raises(NotStorable) as refused:
        encode(value, where="")
    assert str(refused.value).split(":")[0] == path
    with pytest.raises(NotStorable, match=r"^result"):
        encode(value, where="result")


def test_the_error_tells_that_a_path_is_too_deep_to_tell() -> None:
    value: Any = {"end": socket}
    for _ in range(100):
        value = [value]
    with pytest.raises(NotStorable, match=r"^value\[\.\.\.\](\[0\])+\['end'\]: module is not storable"):
        encode(value)


@pytest.mark.parametrize("name", ["a\0", "a\ud800"], ids=ascii)
def test_a_name_that_postgresql_would_not_take_is_refused(monkeypatch: pytest.MonkeyPatch, name: str) -> None:
    odd: Any = Enum("OddNames", [name], module=samples.__name__)
    monkeypatch.setattr(samples, "OddNames", odd, raising=False)
    with pytest.raises(NotStorable, match="a name in it has a NUL character or a lone surrogate"):
        encode([odd[name]])


def test_attributes_on_a_counter_are_not_dropped_in_silence() -> None:
    counter = Counter("a")
    counter.label = "x"  # type: ignore[attr-defined]
    with pytest.raises(NotStorable, match="has attributes of its own"):
        encode(counter)


def test_a_value_above_the_limit_is_refused_with_its_size() -> None:
    assert encode("x" * 90, limit=92).size == 92
    with pytest.raises(ValueTooLarge, match=r"^result: its stored form takes 92 bytes, and the limit is 91"):
        encode("x" * 90, limit=91, where="result")
    with pytest.raises(ValueTooLarge):
        encode(["y" * 1000] * 3 + [list(range(10_000))], limit=20_000)


def test_the_limit_counts_what_is_known_too() -> None:
    value = {"items": [f"item {i}" for i in range(2000)]}
    known = encode(value).blobs
    assert encode(value, known=known).size < 500
    with pytest.raises(ValueTooLarge):
        encode(value, known=known, limit=10_000)


def test_the_limit_is_of_bytes() -> None:
    with pytest.raises(ValueTooLarge):
        encode("ü" * 100, limit=150)
