"""What a checkpoint costs follows what changed, not what is held."""

import json
from collections.abc import Callable
from typing import Any

import pytest

from durableflow.codec import decode, encode, references
from tests.codec.likeness import unlike
from tests.codec.samples import Order


def item(i: int) -> dict[str, Any]:
    return {"id": i, "status": "charged", "amount": i * 17 % 1000, "note": f"order number {i}"}


class Run:
    """The stored values of a run, as its turns add to them."""

    def __init__(self) -> None:
        self.blobs: dict[str, str] = {}
        self.bytes = 0
        self.text = ""

    def turn(self, variables: Any) -> int:
        stored = encode(variables, known=self.blobs)
        assert not stored.blobs.keys() & self.blobs.keys()
        self.blobs.update(stored.blobs)
        self.bytes += stored.size
        self.text = stored.text
        return stored.size

    def variables(self) -> Any:
        return decode(self.text, blobs=self.reachable())

    def reachable(self) -> dict[str, str]:
        found: dict[str, str] = {}
        todo = references(self.text)
        while todo:
            name = todo.pop()
            found[name] = self.blobs[name]
            todo |= references(self.blobs[name]) - found.keys()
        return found


@pytest.mark.timeout(600)  # five thousand times a list of up to five thousand
def test_five_thousand_turns_that_append_to_a_list_cost_a_few_megabytes() -> None:
    run, items = Run(), []
    for i in range(5000):
        items.append(f"order {i}: charged 12.50 EUR to customer {i * 7919 % 1000}, shipped to DE")
        run.turn({"items": items, "i": i})
    assert run.variables() == {"items": items, "i": 4999}
    assert run.bytes < 6_000_000
    assert len(run.blobs) < 3000


LONG = 3000


@pytest.mark.parametrize(
    ("change", "most"),
    [
        (lambda items, i: items.append(item(LONG + i)), 3_000),
        (lambda items, i: items.pop(0), 5_000),
        (lambda items, i: items.insert(i * 37 % LONG, item(i)), 7_000),
        (lambda items, i: items[i * 37 % LONG].update(status="shipped"), 7_000),
        (lambda items, i: items.append(items.pop(0)), 6_000),
    ],
    ids=["append", "pop", "insert", "update", "rotate"],
)
def test_a_change_to_a_long_list_costs_a_few_chunks(change: Callable[[Any, int], Any], most: int) -> None:
    run, items = Run(), [item(i) for i in range(LONG)]
    first = run.turn({"items": items})
    assert first > 200_000
    for i in range(40):
        change(items, i)
        assert run.turn({"items": items}) < 3 * most
    assert (run.bytes - first) / 40 < most
    assert run.variables() == {"items": items}


def test_a_dict_that_grows_costs_what_is_new_and_keeps_its_order() -> None:
    run, table = Run(), {f"key {i * 7919 % 1000}": item(i) for i in range(1000)}
    run.turn({"table": table})
    before = run.bytes
    for i in range(40):
        table[f"new {i}"] = item(i)
        run.turn({"table": table})
    assert (run.bytes - before) / 40 < 3_000
    assert list(run.variables()["table"].items()) == list(table.items())


def test_a_large_value_that_is_only_held_costs_one_reference_a_turn() -> None:
    run = Run()
    held = {"order": Order(1, [item(i) for i in range(500)]), "text": "x" * 10_000}
    run.turn({**held, "i": 0})
    for i in range(1, 20):
        assert run.turn({**held, "i": i}) < 400
    assert unlike({**held, "i": 19}, run.variables()) is None


def test_what_was_changed_and_rests_again_costs_little() -> None:
    run, items = Run(), [item(i) for i in range(LONG)]
    run.turn({"items": items})
    items.append(item(LONG))
    run.turn({"items": items})
    assert max(run.turn({"items": items, "i": i}) for i in range(10)) < 3_000


@pytest.mark.parametrize(
    "value",
    [
        {"s": "é" * 5000},
        ["x" * 3000] * 3,
        {"t": tuple(range(5000))},
        {"d": {i: [i] for i in range(2000)}},
        {"nested": [[[i, "y" * 50] for i in range(100)] for _ in range(30)]},
        list(range(100_000)),
        {f"k{i}": i for i in range(5000)},
        {"b": bytes(10_000), "set": set(range(3000))},
        Order(1, ["z" * 100 for _ in range(100)], "n" * 5000),
        {"~": ["w" * 3000], "x": "blob"},
        {"u": ["\ud800" * 3000, "\0" * 3000]},
        "plain" * 1000,
        {"error": ValueError("m" * 5000)},
        [[], {}] * 2000,
    ],
    ids=lambda value: type(value).__name__,
)
def test_a_large_value_comes_back(value: Any) -> None:
    stored = encode(value)
    assert len(stored.text) < 20_000
    assert unlike(value, decode(stored.text, blobs=stored.blobs)) is None
    assert encode(value, known=stored.blobs).blobs == {}
    assert all(len(body) < 70_000 for body in stored.blobs.values() if not body.startswith('"'))


def test_aliases_between_large_values_survive() -> None:
    shared = [item(i) for i in range(100)]
    value = {"a": [item(i) for i in range(100)] + [shared], "b": shared, "c": {"deep": [shared] * 3}}
    stored = encode(value)
    back: Any = decode(stored.text, blobs=stored.blobs)
    assert unlike(value, back) is None
    assert back["a"][100] is back["b"] is back["c"]["deep"][2]


def test_equal_large_values_are_stored_once_and_stay_two() -> None:
    one = encode({"a": [item(i) for i in range(100)]})
    two = encode({"a": [item(i) for i in range(100)], "b": [item(i) for i in range(100)]})
    assert two.blobs == one.blobs
    back: Any = decode(two.text, blobs=two.blobs)
    back["a"].clear()
    assert len(back["b"]) == 100


def test_small_variables_stay_where_sql_sees_them() -> None:
    text = encode({"status": "paid", "big": "x" * 5000, "order": {"id": 7}}).text
    assert json.loads(text)["order"]["id"] == 7
    assert json.loads(text)["big"]["~"] == "blob"


def test_many_variables_stay_where_sql_sees_them() -> None:
    assert json.loads(encode({f"v{i}": "x" * 100 for i in range(100)}).text)["v99"] == "x" * 100


def test_references_are_those_of_the_codec_and_no_text_of_a_user() -> None:
    fake = '{"~":"blob","hash":"' + "0" * 32 + '"}'
    assert references(encode({"text": fake, "~": "blob", "hash": "0" * 32}).text) == set()
    assert references(encode([{"~": "blob", "hash": "0" * 32}]).text) == set()
    stored = encode({"a": "x" * 5000, "b": "y" * 5000})
    assert references(stored.text) == set(stored.blobs)
    assert references(json.dumps(json.loads(stored.text), indent=1)) == set(stored.blobs)


def test_a_missing_large_value_is_named() -> None:
    from durableflow.errors import CorruptValue

    stored = encode({"a": "x" * 5000})
    (name,) = stored.blobs
    with pytest.raises(CorruptValue, match=f"the large value {name} is missing"):
        decode(stored.text)
