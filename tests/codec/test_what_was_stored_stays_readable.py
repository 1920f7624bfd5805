# ruff: noqa: E501  # a text is one line
"""The stored form is for ever: the texts below were written once, and every Python and every later version reads them.

They are also what is written today, on every Python: large values are found by the hash of such texts.
"""

import math
import operator
from collections import Counter, OrderedDict, defaultdict, deque
from datetime import UTC, date, datetime, time, timedelta, timezone
from decimal import Decimal
from fractions import Fraction
from ipaddress import ip_address, ip_interface, ip_network
from pathlib import PurePosixPath, PureWindowsPath
from typing import Any
from uuid import UUID
from zoneinfo import ZoneInfo

import pytest

from durableflow.codec import decode, digest, encode
from tests.codec.likeness import unlike
from tests.codec.samples import (
    Basket,
    Color,
    IntCrate,
    Line,
    Link,
    Order,
    OutOfStock,
    Pair,
    Plain,
    Point,
    Rights,
    Size,
    Slotted,
    Vector,
    double,
)

SHARED = [1]
STORED: list[tuple[Any, str]] = [
    ({"a": [1, -2.5, None, True, "text"]}, '{"a":[1,-2.5,null,true,"text"]}'),
    (2**64, '{"~":"int","v":"18446744073709551616"}'),
    ([math.nan, -math.inf, 1e20, -0.0], '[{"~":"float","v":"nan"},{"~":"float","v":"-inf"},1e+20,-0.0]'),
    ("a\0b\\\ud800", '{"~":"str","v":"a\\\\u0000b\\\\\\\\\\\\ud800"}'),
    ({"~": 1, 2: "x"}, '{"~":"dict","v":[["~",1],[2,"x"]]}'),
    ((1, [2]), '{"~":"tuple","v":[1,[2]]}'),
    ([{1}, frozenset({"a"})], '[{"~":"set","v":[1]},{"~":"frozenset","v":["a"]}]'),
    ([b"bytes", bytearray(b"array")], '[{"~":"bytes","v":"Ynl0ZXM="},{"~":"bytearray","v":"YXJyYXk="}]'),
    (
        [1 + 2j, range(1, 10, 2), slice(1, None), ..., NotImplemented],
        '[{"~":"complex","v":["1.0","2.0"]},{"~":"range","v":[1,10,2]},{"~":"slice","v":[1,null,null]},{"~":"Ellipsis","v":null},{"~":"NotImplemented","v":null}]',
    ),
    (
        [datetime(2024, 2, 29, 1, 2, 3, 4), datetime(2024, 1, 1, tzinfo=UTC), datetime(2024, 1, 1, fold=1)],
        '[{"~":"datetime","v":"2024-02-29T01:02:03.000004"},{"~":"datetime","v":"2024-01-01T00:00:00+00:00"},{"~":"datetime","v":{"at":"2024-01-01T00:00:00","fold":1}}]',
    ),
    (
        [
            datetime(2024, 1, 1, tzinfo=ZoneInfo("Europe/Berlin")),
            time(1, 2, tzinfo=timezone(timedelta(hours=1), "one")),
        ],
        '[{"~":"datetime","v":{"at":"2024-01-01T00:00:00","zone":{"~":"zoneinfo","v":"Europe/Berlin"}}},{"~":"time","v":{"at":"01:02:00","zone":{"~":"timezone","v":[[0,3600,0],"one"]}}}]',
    ),
    (
        [date(2024, 2, 29), time(1, 2, 3), timedelta(1, 2, 3), timezone(timedelta(hours=-1))],
        '[{"~":"date","v":"2024-02-29"},{"~":"time","v":"01:02:03"},{"~":"timedelta","v":[1,2,3]},{"~":"timezone","v":[[-1,82800,0]]}]',
    ),
    (
        [Decimal("1.50"), Fraction(1, 3), UUID(int=1), PurePosixPath("/a"), PureWindowsPath("a")],
        '[{"~":"Decimal","v":"1.50"},{"~":"Fraction","v":[1,3]},{"~":"UUID","v":"00000000-0000-0000-0000-000000000001"},{"~":"PurePosixPath","v":"/a"},{"~":"PureWindowsPath","v":"a"}]',
    ),
    (
        [ip_address("10.0.0.1"), ip_network("10.0.0.0/8"), ip_interface("::1/128")],
        '[{"~":"IPv4Address","v":"10.0.0.1"},{"~":"IPv4Network","v":"10.0.0.0/8"},{"~":"IPv6Interface","v":"::1/128"}]',
    ),
    (
        [deque([1], 2), defaultdict(list, a=[1]), OrderedDict(b=1, a=2), Counter("aab")],
        '[{"~":"deque","maxlen":2,"v":[1]},{"~":"defaultdict","factory":{"~":"class","v":"list"},"v":{"a":[1]}},{"~":"OrderedDict","v":{"b":1,"a":2}},{"~":"Counter","v":{"a":2,"b":1}}]',
    ),
    (
        [Color.CRIMSON, Size.LARGE, Rights.READ | Rights.WRITE, Rights.READ],
        '[{"~":"enum","class":"tests.codec.samples:Color","name":"RED"},{"~":"enum","class":"tests.codec.samples:Size","name":"LARGE"},{"~":"enum","class":"tests.codec.samples:Rights","name":"BOTH"},{"~":"enum","class":"tests.codec.samples:Rights","name":"READ"}]',
    ),
    (
        [Order(1, ["a"]), Slotted(1), Point(1, 2), Pair(1), Vector(1, 2)],
        '[{"~":"dataclass","class":"tests.codec.samples:Order","v":{"id":1,"items":["a"],"note":"none"}},{"~":"dataclass","class":"tests.codec.samples:Slotted","v":{"a":1,"b":null}},{"~":"dataclass","class":"tests.codec.samples:Point","v":{"x":1,"y":2}},{"~":"namedtuple","class":"tests.codec.samples:Pair","v":{"left":1,"right":"default"}},{"~":"namedtuple","class":"tests.codec.samples:Vector","v":{"x":1,"y":2}}]',
    ),
    (
        [Basket(lines=[Line(sku="a")], more=1), IntCrate(content=1), Link(url="https://a.example/")],
        '[{"~":"pydantic","class":"tests.codec.samples:Basket","v":{"lines":[{"~":"pydantic","class":"tests.codec.samples:Line","v":{"sku":"a","count":1,"tags":[]},"set":["sku"]}],"owner":null},"set":["lines","more"],"extra":{"more":1},"private":{"_seen":{"~":"set","v":[]}}},{"~":"pydantic","class":"tests.codec.samples:Crate[int]","v":{"content":1},"set":["content"]},{"~":"pydantic","class":"tests.codec.samples:Link","v":{"url":{"~":"url","class":"pydantic.networks:HttpUrl","v":"https://a.example/"}},"set":["url"]}]',
    ),
    (
        [ValueError("v"), OutOfStock("a", left=1), FileNotFoundError(2, "no", "f"), ExceptionGroup("g", [KeyError(1)])],
        '[{"~":"error","class":"builtins:ValueError","args":["v"]},{"~":"error","class":"tests.codec.samples:OutOfStock","args":["a: only 1 left"],"v":{"sku":"a","left":1}},{"~":"error","class":"builtins:FileNotFoundError","args":[2,"no"],"fields":{"errno":2,"strerror":"no","filename":"f"}},{"~":"error","class":"builtins:ExceptionGroup","message":"g","exceptions":[{"~":"error","class":"builtins:KeyError","args":[1]}]}]',
    ),
    (
        [double, Plain.helper, len, math.sqrt, operator.add],
        '[{"~":"function","v":"tests.codec.samples:double"},{"~":"function","v":"tests.codec.samples:Plain.helper"},{"~":"function","v":"builtins:len"},{"~":"function","v":"math:sqrt"},{"~":"function","v":"_operator:add"}]',
    ),
    (
        [Order, int, type(None), ValueError, IntCrate],
        '[{"~":"class","v":"tests.codec.samples:Order"},{"~":"class","v":"int"},{"~":"class","v":"NoneType"},{"~":"class","v":"builtins:ValueError"},{"~":"class","v":"tests.codec.samples:Crate[int]"}]',
    ),
    ({"one": SHARED, "two": SHARED}, '{"one":{"~":"def","id":1,"v":[1]},"two":{"~":"ref","id":1}}'),
]


@pytest.mark.parametrize(("value", "text"), STORED, ids=range(len(STORED)))
def test_a_text_is_read_and_written_as_it_always_was(value: Any, text: str) -> None:
    assert unlike(value, decode(text)) is None
    assert encode(value).text == text


def test_a_digest_is_what_it_always_was() -> None:
    order = Order(1, [{"b": 2, "a": {3, 4}}])
    value = {"order": order, "at": datetime(2024, 1, 1, tzinfo=UTC), "big": ["x" * 3000] * 3}
    assert digest(value) == "c25bdfc9e3c526bd815b7ec1e2d3702c9c0b2015f243e7083f7a0fa7f47c8601"


def test_a_long_list_is_cut_where_it_always_was() -> None:
    stored = encode({"items": [{"id": i, "note": f"item {i}"} for i in range(1000)]})
    assert stored.text == '{"items":{"~":"blob","hash":"746d67356bdc9941705d7b84280b200b"}}'
    assert len(stored.blobs) == 51
