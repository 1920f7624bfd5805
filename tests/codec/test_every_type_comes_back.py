"""Each type, on its own: the value that comes back is of the same exact type, and like the one that was stored."""

import json
import math
import operator
from collections import Counter, OrderedDict, defaultdict, deque
from datetime import UTC, date, datetime, time, timedelta, timezone
from decimal import Decimal
from fractions import Fraction
from http import HTTPStatus
from ipaddress import ip_address, ip_interface, ip_network
from pathlib import Path, PurePosixPath, PureWindowsPath
from typing import Any
from uuid import UUID, SafeUUID
from zoneinfo import ZoneInfo

import pytest
from pydantic import TypeAdapter

from durableflow.codec import decode, encode
from tests.codec import samples
from tests.codec.likeness import unlike
from tests.codec.roundtrip import restored
from tests.codec.samples import Color, Odd, Order, Pair, Point, Rights, Size, Slotted, Word

BERLIN = ZoneInfo("Europe/Berlin")

VALUES: list[Any] = [
    *(None, True, False, 0, -1, 2**53, 2**53 + 1, -(2**53) - 1, 2**64, 10**5000, -(10**5000)),
    *(0.0, -0.0, 1.0, 1e20, 1e308, 5e-324, 0.1, math.inf, -math.inf, math.nan),
    *(
        "",
        "text",
        "ünï",
        "\N{PILE OF POO}",
        "a\0b",
        "\\u0000",
        "\\\0\\",
        "\ud800",
        "\ud83d\ude00",
        "\udcff\\udcff",
        "~",
    ),
    *(b"", b"\0\xff", bytearray(b"\0ab"), ..., NotImplemented),
    *(1j, complex(-0.0, math.nan), complex(math.inf, -0.0)),
    *(
        range(3),
        range(10**30, 0, -7),
        slice(None),
        slice(1, "a", [2]),
        Decimal("1.50"),
        Decimal("-0"),
        Decimal("sNaN12"),
    ),
    *(Decimal("1E+9999"), Fraction(1, 3), Fraction(2**70, 3**50)),
    *(UUID(int=5), UUID(int=5, is_safe=SafeUUID.safe)),
    *(Path("/a/b"), Path(), PurePosixPath("a/\udcff"), PureWindowsPath(r"C:\a"), Path("a\0b")),
    *(ip_address("::1%eth0"), ip_address("10.0.0.1"), ip_network("10.0.0.0/8"), ip_interface("10.0.0.1/8")),
    *(date.min, date(2024, 2, 29), datetime.min, datetime.max, datetime(2024, 1, 1, 12, 30, 15, 1), datetime(1, 1, 1)),
    *(
        datetime(2024, 1, 1, tzinfo=UTC),
        datetime(2024, 10, 27, 2, 30, tzinfo=BERLIN, fold=1),
        datetime(2024, 1, 1, fold=1),
    ),
    *(datetime(2024, 1, 1, tzinfo=timezone(timedelta(hours=-5, minutes=-30))), timezone(timedelta(0), "Zulu"), UTC),
    *(
        timezone(timedelta(microseconds=-1), "a\0"),
        BERLIN,
        TypeAdapter(datetime).validate_python("2024-01-01T00:00:00Z"),
    ),
    *(
        TypeAdapter(datetime).validate_python("2024-01-01T00:00:00+02:30"),
        time(1, 2, 3, 4),
        time(1, tzinfo=BERLIN, fold=1),
    ),
    *(time(1, tzinfo=UTC), timedelta.min, timedelta.max, timedelta(0), timedelta(seconds=-1.5)),
    *(
        [],
        [[]],
        [1, [2, [3]]],
        (),
        ((),),
        (1, [2]),
        {},
        {"a": {"b": []}},
        {"": 1},
        set(),
        {1, "a", (1, 2)},
        frozenset(),
    ),
    *(frozenset({frozenset({1}), None}), {"~": 1}, {"~": "blob", "hash": "0" * 32}, {1: 2, "1": 3, None: 4, (1,): []}),
    *({"a": 1, "~": 2, "b": [3]}, {"a\0": 1}, {"\ud800": 1}, {True: 1, 2.5: 2}, {"z": 1, "a": 2}, {2: 1, 1: 2}),
    *(deque(), deque([1, [2]], maxlen=5), deque(maxlen=0), defaultdict(list, {1: [2]}), defaultdict(None, a=1)),
    *(defaultdict(samples.double), OrderedDict(b=1, a=2), Counter("hello"), Counter({"a": -1})),
    *(Color.RED, Color.CRIMSON, Color.BLUE, Size.LARGE, Word.YES, HTTPStatus.OK, samples.Shape.Inner.DOT),
    *(Rights.READ, Rights.BOTH, Rights(0), Rights.READ | Rights.WRITE, samples.Bits(5), samples.Bits(64), Odd.A),
    *(Order(1), Order(2, [1, [2]], "x"), Point(1, Point([], None)), Slotted(1), samples.SlottedChild(1, 2, 3)),
    *(
        samples.FrozenSlotted("k", []),
        samples.Guarded(5, 3),
        samples.Box(5),
        samples.Box[int](5),
        samples.Declined(5, "no"),
    ),
    *(Pair(1), Pair([1], Pair(2)), samples.OldPair(1, 2), samples.Vector(3, 4)),
    *(len, math.sqrt, operator.add, samples.double, samples.Plain.helper, samples.Plain.method),
    *(int, list, type(None), datetime, Decimal, Path, object, type(...), Order, Color, samples.OutOfStock, ValueError),
    *(samples.Line, samples.IntCrate, samples.Shape.Inner, Counter),
]


@pytest.mark.parametrize("value", VALUES, ids=lambda value: type(value).__name__)
@pytest.mark.parametrize(
    "inside", [lambda v: v, lambda v: [v, {"k": v}], lambda v: (Point(v),)], ids=["bare", "list", "tuple"]
)
def test_a_value_comes_back_alike(value: Any, inside: Any) -> None:
    assert unlike(inside(value), restored(inside(value))) is None


@pytest.mark.parametrize(
    "plain", [None, True, 5, -1.5, "text", [1, "a", None], {"a": {"b": [1.5]}}, {"x": []}], ids=ascii
)
def test_plain_json_is_stored_as_it_is(plain: Any) -> None:
    assert json.loads(encode(plain).text) == plain


def test_sql_can_read_an_instance_by_its_fields() -> None:
    assert json.loads(encode(Order(7, ["a"])).text) == {
        "~": "dataclass",
        "class": "tests.codec.samples:Order",
        "v": {"id": 7, "items": ["a"], "note": "none"},
    }


def test_enum_members_come_back_as_the_member_itself() -> None:
    assert restored([Color.RED, Color.CRIMSON, Size.LARGE]) == [Color.RED, Color.RED, Size.LARGE]
    assert restored(Color.CRIMSON) is Color.RED


def test_attributes_that_are_no_fields_survive() -> None:
    order, vector = Order(1), samples.Vector(1, 2)
    order.extra = [order]  # type: ignore[attr-defined]
    vector.label = "v"  # type: ignore[attr-defined]
    back = restored({"order": order, "vector": vector})
    assert back["order"].extra[0] is back["order"]
    assert back["vector"].label == "v"


def test_a_field_that_is_not_set_stays_unset() -> None:
    half = Slotted.__new__(Slotted)
    half.b = 2
    back = restored(half)
    assert back.b == 2
    assert not hasattr(back, "a")


def test_a_tuple_of_an_older_class_gets_the_defaults_of_the_fields_that_came_later() -> None:
    text = encode(Pair(1, 2)).text.replace(',"right":2', "")
    assert decode(text) == Pair(1, "default")


def test_a_set_comes_back_in_the_order_it_was_iterated() -> None:
    assert json.loads(encode({3, 1, 2}).text)["v"] == list({3, 1, 2})


def test_restoring_runs_no_code_of_the_class() -> None:
    values = [samples.Armed([1]), samples.Trap([2]), samples.Strict(number=1), samples.OutOfStock("a", left=1)]
    stored = encode(values)
    samples.Armed.armed = samples.Trap.armed = True
    try:
        text = encode(values).text
        back: Any = decode(text)
    finally:
        samples.Armed.armed = samples.Trap.armed = False
    assert text == stored.text
    assert back[0].value == [1]
    assert back[1].value == [2]
