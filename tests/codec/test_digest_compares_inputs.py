"""Equal inputs have equal digests, whatever the order of keys and members; other inputs have others."""

from collections import Counter, OrderedDict, defaultdict
from datetime import date
from typing import Any

import pytest

from durableflow.codec import digest
from durableflow.errors import NotStorable
from tests.codec.elsewhere import python
from tests.codec.likeness import unlike
from tests.codec.samples import Basket, Line, Order, Point
from tests.codec.test_every_type_comes_back import VALUES

SHARED = [1]
EQUAL: list[tuple[Any, Any]] = [
    ({"a": 1, "b": 2}, {"b": 2, "a": 1}),
    ({1: "x", "y": {2, 3}}, {"y": {3, 2}, 1: "x"}),
    ({"~": 1, "b": 2}, {"b": 2, "~": 1}),
    ({"a": SHARED, "b": SHARED}, {"b": [1], "a": [1]}),
    (frozenset("abcdefgh"), frozenset("hgfedcba")),
    ({"k": "x" * 5000, "l": list(range(2000))}, {"l": list(range(2000)), "k": "x" * 5000}),
    (Order(1, [{"a": 1, "b": 2}]), Order(1, [{"b": 2, "a": 1}])),
    (Basket(lines=[Line(sku="a")], x=1, y=2), Basket(y=2, x=1, lines=[Line(sku="a")])),  # type: ignore[call-arg]
    (Counter("ab"), Counter("ba")),
    (defaultdict(list, {1: 2, "a": 3}), defaultdict(list, {"a": 3, 1: 2})),
    ({(1, 2): {"p": 1, "q": 2}}, {(1, 2): {"q": 2, "p": 1}}),
]
OTHER: list[tuple[Any, Any]] = [
    ([1, 2], [2, 1]),
    (1, 1.0),
    (1, True),
    ((1,), [1]),
    ("1", 1),
    (0.0, -0.0),
    ({1, 2}, [1, 2]),
    ({1, 2}, frozenset({1, 2})),
    ({"a": "b"}, {"b": "a"}),
    ({"a": 1}, {"a": None}),
    (["a", "b"], ["a,b"]),
    (["a", ["b"]], [["a"], "b"]),
    ({"~": "set", "v": [1]}, {1}),
    ({"~": "tuple", "v": [1]}, (1,)),
    ({"~": "date", "v": "2024-01-01"}, date(2024, 1, 1)),
    (OrderedDict(a=1, b=2), OrderedDict(b=2, a=1)),
    (OrderedDict({1: 1, 2: 2}), OrderedDict({2: 2, 1: 1})),
    (OrderedDict(a=1), {"a": 1}),
    (Point(1), Point(2)),
    (Point(1), Order(1)),
    (["x" * 200, "y"], ["x" * 200, "z"]),
    ({1: 2, 3: 4}, {1: 4, 3: 2}),
    ("#" + "0" * 64, "#" + "1" * 64),
]


@pytest.mark.parametrize(("one", "two"), EQUAL, ids=lambda value: type(value).__name__)
def test_equal_inputs_have_one_digest(one: Any, two: Any) -> None:
    assert digest(one) == digest(two)
    assert digest([one, 1]) == digest([two, 1])


@pytest.mark.parametrize(("one", "two"), OTHER, ids=lambda value: type(value).__name__)
def test_other_inputs_have_other_digests(one: Any, two: Any) -> None:
    assert digest(one) != digest(two)
    assert digest({"k": [one]}) != digest({"k": [two]})


def test_each_value_has_a_digest_of_its_own() -> None:
    values: dict[str, Any] = {}
    for value in VALUES:
        assert unlike(value, values.setdefault(digest(value), value)) is None


def test_parts_that_share_parts_do_not_multiply() -> None:
    value: Any = ([],)
    for _ in range(100):
        value = (value, value)
    assert len(digest(value)) == 64


def test_a_cycle_has_a_digest() -> None:
    def cycle() -> Any:
        value: list[Any] = [1]
        value += [value, (value,)]
        return value

    assert digest(cycle()) == digest(cycle())


def test_a_deep_value_has_a_digest() -> None:
    def deep(bottom: int) -> Any:
        value: Any = bottom
        for _ in range(1000):
            value = [value]
        return value

    assert digest(deep(1)) == digest(deep(1)) != digest(deep(2))


def test_a_digest_is_the_same_in_every_process() -> None:
    script = (
        "from durableflow.codec import digest; print(digest({'a': {'x', 'y', 'zz', 'w'}, 'b': (1, frozenset('abc'))}))"
    )
    runs = [python("-c", script, PYTHONHASHSEED=seed) for seed in ("1", "2", "3")]
    assert len(set(runs)) == 1


def test_an_input_that_cannot_be_stored_has_none() -> None:
    with pytest.raises(NotStorable, match=r"^value\['a'\]: object is not storable"):
        digest({"a": object()})
