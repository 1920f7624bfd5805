"""Any graph of any of the types, with parts shared and cycles closed at random, comes back as it was."""

import json
from collections import OrderedDict, defaultdict, deque
from datetime import UTC, timedelta, timezone
from pathlib import PurePosixPath
from typing import Any

from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from durableflow.codec import decode, digest, encode
from tests.codec.likeness import unlike
from tests.codec.samples import (
    Basket,
    Color,
    Failures,
    Line,
    Order,
    OutOfStock,
    Pair,
    Point,
    Rights,
    Slotted,
    Vector,
    double,
)

text = st.text(st.characters(codec=None, categories=None), max_size=12) | st.sampled_from(
    ["~", "blob", "v", "\0", "\ud800"]
)
zones = st.sampled_from([None, UTC, timezone(timedelta(minutes=-90)), timezone(timedelta(hours=3), "three")])
hashable = st.deferred(
    lambda: (
        st.none()
        | st.booleans()
        | st.integers()
        | st.floats(allow_nan=False)
        | text
        | st.binary(max_size=8)
        | st.decimals(allow_nan=False)
        | st.datetimes(timezones=zones)
        | st.timedeltas()
        | st.uuids()
        | st.sampled_from([Color.RED, Color.BLUE, Rights.READ | Rights.WRITE, Rights(0), ..., int, Order, double, len])
        | st.builds(PurePosixPath, st.text("ab/\0", max_size=4))
        | st.fractions()
        | st.tuples(hashable, hashable)
        | st.frozensets(hashable, max_size=2)
        | st.builds(Point, hashable, hashable)
    )
)
atoms = hashable | st.floats() | st.complex_numbers() | st.dates() | st.times(timezones=zones) | st.text(max_size=3000)

MUTABLE = [
    "list",
    "dict",
    "keyed",
    "ordered",
    "default",
    "deque",
    "order",
    "slotted",
    "model",
    "error",
    "set",
    "bytearray",
]
FIXED = ["tuple", "pair", "vector", "point", "group", "frozen"]


@st.composite
def graphs(draw: st.DrawFn) -> Any:
    """Objects made one after the other out of earlier ones, and then tied together in every direction."""
    pool: list[Any] = [draw(atoms) for _ in range(draw(st.integers(1, 4)))]
    open_ends: list[Any] = []
    some = st.deferred(lambda: st.sampled_from(pool))
    for kind in draw(st.lists(st.sampled_from(MUTABLE + FIXED), max_size=12)):
        value = _make(draw, kind, some)
        pool.append(value)
        if kind in MUTABLE:
            open_ends.append(value)
    for value in open_ends:
        _tie(draw, value, some)
    return draw(st.sampled_from([pool, pool[-1], {"a": pool[-1], "b": pool[0]}, tuple(pool)]))


def _make(draw: st.DrawFn, kind: str, some: st.SearchStrategy[Any]) -> Any:
    match kind:
        case "list":
            return draw(st.lists(some, max_size=3))
        case "dict":
            return draw(st.dictionaries(text, some, max_size=3))
        case "keyed":
            return draw(st.dictionaries(hashable, some, max_size=3))
        case "ordered":
            return OrderedDict(draw(st.lists(st.tuples(hashable, some), max_size=3)))
        case "default":
            return defaultdict(
                draw(st.sampled_from([None, list, double])), draw(st.dictionaries(text, some, max_size=3))
            )
        case "deque":
            return deque(draw(st.lists(some, max_size=3)), draw(st.sampled_from([None, 3, 7])))
        case "order":
            return Order(draw(some), draw(st.lists(some, max_size=2)))
        case "slotted":
            return Slotted(draw(some), draw(some))
        case "model":
            return Basket(lines=[Line(sku="a", count=draw(st.integers()))], owner=None, more=None)
        case "error":
            return OutOfStock(draw(text), left=draw(some))
        case "set":
            return draw(st.sets(hashable, max_size=3))
        case "bytearray":
            return bytearray(draw(st.binary(max_size=5)))
        case "tuple":
            return tuple(draw(st.lists(some, max_size=3)))
        case "pair":
            return Pair(draw(some), draw(some))
        case "vector":
            return Vector(draw(some), draw(some))
        case "point":
            return Point(draw(some), draw(some))
        case "group":
            return Failures("failed", [OutOfStock("x", left=draw(st.integers())), ValueError(draw(text))])
        case _:
            return draw(st.frozensets(hashable, max_size=3))


def _tie(draw: st.DrawFn, value: Any, some: st.SearchStrategy[Any]) -> None:
    for _ in range(draw(st.integers(0, 2))):
        match value:
            case list() | deque():
                value.append(draw(some))
            case dict():
                value[draw(hashable)] = draw(some)
            case Order():
                value.note = draw(some)
            case Slotted():
                value.b = draw(some)
            case Basket():
                value.owner, value._later = draw(some), draw(some)
                value.__pydantic_extra__["more"] = draw(some)
            case OutOfStock():
                value.what = draw(some)  # type: ignore[attr-defined]
                value.add_note("seen")
                error = draw(some)
                if isinstance(error, BaseException):
                    value.__cause__ = error if draw(st.booleans()) else None
                    value.__context__ = error
            case set():
                value.add(draw(hashable))


@settings(max_examples=400, deadline=None, suppress_health_check=list(HealthCheck))
@given(graphs())
def test_a_graph_comes_back_as_it_was(value: Any) -> None:
    stored = encode(value)
    assert unlike(value, decode(stored.text, blobs=stored.blobs)) is None
    for body in (stored.text, *stored.blobs.values()):
        json.loads(body)
        body.encode("utf-8")
        assert "\0" not in body
    assert stored.size == sum(len(body.encode()) for body in (stored.text, *stored.blobs.values()))


@settings(max_examples=200, deadline=None, suppress_health_check=list(HealthCheck))
@given(graphs())
def test_storing_does_not_change_the_digest(value: Any) -> None:
    stored = encode(value)
    assert digest(decode(stored.text, blobs=stored.blobs)) == digest(value)
