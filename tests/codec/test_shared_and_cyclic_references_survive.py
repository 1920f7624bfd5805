"""What is one object stays one object, in every place and around every cycle."""

import json
import sys
from collections import OrderedDict, defaultdict, deque
from dataclasses import dataclass, field
from typing import Any

import pytest

from durableflow.codec import decode, encode
from durableflow.errors import CorruptValue, NotStorable
from tests.codec.likeness import unlike
from tests.codec.roundtrip import restored
from tests.codec.samples import Basket, Line, OutOfStock, Pair, Point, Slotted


@dataclass(eq=False)
class Node:
    name: str
    links: list[Any] = field(default_factory=list)
    one_of: Any = None


@dataclass(frozen=True)
class Named:
    """Hashed by its name; the rest may lead anywhere."""

    name: str
    rest: Any = field(default=None, hash=False, compare=False)

    def __repr__(self) -> str:
        return f"Named({self.name})"


@pytest.mark.parametrize(
    "shared",
    [
        [1],
        {"a": 1},
        {1: 2},
        {1},
        bytearray(b"x"),
        deque([1]),
        Slotted(1),
        Point([]),
        Line(sku="a"),
        ValueError(1),
        ([],),
    ],
    ids=lambda value: type(value).__name__,
)
def test_one_object_in_two_variables_stays_one(shared: Any) -> None:
    back = restored({"a": shared, "b": [shared], "c": (shared, 1)})
    assert back["a"] is back["b"][0]
    assert back["a"] is back["c"][0]


def test_equal_objects_stay_two() -> None:
    back = restored({"a": [1], "b": [1]})
    back["a"].append(2)
    assert back["b"] == [1]


def test_only_what_is_shared_carries_a_number() -> None:
    shared = [1]
    assert json.loads(encode({"a": shared, "b": shared, "c": [1]}).text) == {
        "a": {"~": "def", "id": 1, "v": [1]},
        "b": {"~": "ref", "id": 1},
        "c": [1],
    }


@pytest.mark.parametrize(
    "make", [list, dict, lambda: Slotted(None), lambda: deque(), lambda: ValueError(), OrderedDict]
)
def test_an_object_may_hold_itself(make: Any) -> None:
    value = make()
    if isinstance(value, list | deque):
        value.append(value)
    elif isinstance(value, dict):
        value["self"] = value
    else:
        value.a = value
    assert unlike(value, restored(value)) is None


def test_a_tuple_that_holds_itself_by_way_of_a_list() -> None:
    inner: list[Any] = [1]
    value = (inner, "x")
    inner.append(value)
    back = restored(value)
    assert back[0][1] is back


def test_a_cycle_may_be_entered_at_a_tuple_of_tuples() -> None:
    inner: list[Any] = []
    value = ((inner, (inner,)), Pair(inner))
    inner += [value, (value, value[0])]
    back = restored({"first": value, "again": inner})
    assert unlike({"first": value, "again": inner}, back) is None
    assert back["again"][0] is back["first"]


def test_a_frozen_instance_in_a_set_that_it_holds() -> None:
    names: set[Any] = set()
    a = Named("a", names)
    names.add(a)
    b = Named("b", [names, a])
    names.add(b)
    for entry in (names, a, b, {"x": a, "y": names}):
        back = restored(entry)
        assert unlike(entry, back) is None
    back = restored(names)
    assert Named("a") in back
    assert all(member.rest is back or member.rest[0] is back for member in back)


def test_a_key_that_leads_back_to_its_dict() -> None:
    table: dict[Any, Any] = {}
    key = Named("k", table)
    table[key] = [key]
    table[frozenset({key})] = table
    back = restored(table)
    assert unlike(table, back) is None
    assert back[Named("k")][0].rest is back


def test_a_frozenset_whose_member_leads_back_to_it() -> None:
    box: list[Any] = []
    value = frozenset({Named("m", box), 1})
    box.append(value)
    back = restored(value)
    (member,) = (m for m in back if m != 1)
    assert member.rest[0] is back


def test_a_graph_of_instances() -> None:
    a, b, c = Node("a"), Node("b"), Node("c")
    a.links, b.links, c.links = [b, c], [a, b], a.links
    a.one_of, c.one_of = (a, (b, c)), {"all": [a, b, c]}
    assert unlike([a, b, c], restored([a, b, c])) is None
    assert unlike(c, restored(c)) is None


def test_a_model_and_an_exception_that_hold_each_other() -> None:
    basket = Basket(lines=[Line(sku="a")], owner=None)
    error = OutOfStock("a", left=0)
    error.basket = basket  # type: ignore[attr-defined]
    basket.owner = error
    basket.extra_thing = [basket]  # type: ignore[attr-defined]
    basket._later = basket
    assert unlike(basket, restored(basket)) is None


def test_a_linked_list_of_ten_thousand_has_no_depth() -> None:
    head: Any = None
    for i in range(10_000):
        head = Slotted(i, head)
    back = restored({"head": head})["head"]
    for i in reversed(range(10_000)):
        assert back.a == i
        back = back.b
    assert back is None


@pytest.mark.parametrize(
    "nest", [lambda v: [v], lambda v: (v,), lambda v: {"k": v}, lambda v: Point(v), lambda v: {1: (v,)}]
)
def test_deep_nesting_comes_back(nest: Any) -> None:
    value: Any = "bottom"
    for _ in range(700):
        value = nest(value)
    back = restored(value)
    while value != "bottom":
        assert type(back) is type(value)
        value, back = _inside(value), _inside(back)
    assert back == "bottom"


def _inside(value: Any) -> Any:
    match value:
        case Point():
            return value.x
        case dict():
            return next(iter(value.values()))
        case _:
            return value[0]


def test_a_deep_document_keeps_its_cycles() -> None:
    root: list[Any] = []
    value: Any = root
    for i in range(300):
        value = [value, root] if i % 2 else (value, root)
    root.append(value)
    assert unlike(value, restored(value)) is None


def test_shared_tuples_do_not_multiply() -> None:
    value: Any = ([],)
    for _ in range(60):
        value = (value, value)
    stored = encode(value)
    assert stored.size < 10_000
    back: Any = decode(stored.text, blobs=stored.blobs)
    for _ in range(60):
        assert back[0] is back[1]
        back = back[0]


def test_a_defaultdict_whose_factory_comes_back_makes_new_entries() -> None:
    table: Any = defaultdict(list)
    table["self"] = table
    back = restored(table)
    back["new"].append(1)
    assert back["new"] == [1]
    assert back["self"] is back


@pytest.mark.parametrize("holder", [lambda v: {"k": v, "z": 1}, lambda v: Node("n", [], v), lambda v: deque([v, 1])])
def test_a_tuple_that_holds_itself_by_way_of_something_that_can_wait(holder: Any) -> None:
    inside = holder(None)
    value = (inside, 1)
    match inside:
        case dict():
            inside["k"] = value
        case Node():
            inside.one_of = value
        case _:
            inside[0] = value
    assert unlike(value, restored(value)) is None
    assert unlike([value, inside], restored([value, inside])) is None


@dataclass(frozen=True)
class Key:
    """Hashed by all that it holds."""

    parts: Any


def test_a_key_whose_hash_needs_what_leads_back_to_the_key() -> None:
    table: dict[Any, Any] = {}
    key = Key(frozenset({Named("m", table)}))
    table[key] = 1
    for entry in (table, key, {key: 2}, {"key": key, "table": table}):
        back = restored(entry)
        assert unlike(entry, back) is None
    back = restored(key)
    (named,) = back.parts
    assert named.rest[back] == 1


def test_stored_by_a_deep_stack_or_refused_but_never_half() -> None:
    def deeper(depth: int) -> Any:
        return restored([[[[1]]]]) if depth == 0 else deeper(depth - 1)

    assert deeper(sys.getrecursionlimit() // 2) == [[[[1]]]]
    value: Any = []
    for _ in range(60):
        value = [Slotted(value)]
    with pytest.raises((NotStorable, CorruptValue)):
        deeper_with(value, sys.getrecursionlimit() - 150)


def deeper_with(value: Any, depth: int) -> Any:
    return restored(value) if depth == 0 else deeper_with(value, depth - 1)
