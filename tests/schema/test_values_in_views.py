"""Documents in the views are what the workflow's author thinks of: own names, shared and large values in place."""

import json
from typing import Any
from uuid import UUID, uuid4

import psycopg
import pytest

from durableflow.codec import encode
from tests.schema.world import World

Connection = psycopg.Connection[tuple[Any, ...]]


def _store(db: Connection, run_id: UUID, value: object) -> str:
    encoded = encode(value)
    for name, body in encoded.blobs.items():
        db.execute(
            "INSERT INTO durableflow_core.value VALUES (%s, %s, %s) ON CONFLICT DO NOTHING", (run_id, name, body)
        )
    return encoded.text


def _expand(db: Connection, run_id: UUID, text: str, most: int | None = None) -> Any:
    row = db.execute(
        "SELECT durableflow.expand(%s, %s::jsonb, coalesce(%s::bigint, 67108864))", (run_id, text, most)
    ).fetchone()
    assert row is not None
    return row[0]


LARGE: list[object] = [
    ["a long text " * 1000],
    {"lines": [{"number": n, "text": "x" * 30} for n in range(2000)]},
    {str(n): n for n in range(3000)},
    {"deep": [[[{"inner": "y" * 5000}]]], "small": 1},
    {"looks like a mark": '{"~": "blob", "hash": "' + "z" * 3000},
    [["q" * 900] * 3 for _ in range(400)],
]


@pytest.mark.parametrize("value", LARGE)
def test_expand_puts_every_large_value_in_its_place(db: Connection, value: object) -> None:
    run_id = uuid4()
    text = _store(db, run_id, value)
    assert '"blob"' in text
    assert _expand(db, run_id, text) == value


def test_expand_takes_json_as_well_as_jsonb(db: Connection) -> None:
    run_id = uuid4()
    text = _store(db, run_id, ["x" * 5000])
    assert db.execute("SELECT durableflow.expand(%s, %s::json)", (run_id, text)).fetchone() == (["x" * 5000],)


def test_expand_leaves_references_beyond_the_limit(db: Connection) -> None:
    run_id = uuid4()
    text = _store(db, run_id, {"large": "x" * 5000, "small": 1})
    shown = _expand(db, run_id, text, 4000)
    assert shown["small"] == 1
    assert shown["large"]["~"] == "blob"


@pytest.mark.parametrize(
    "text",
    ['{"~": "blob", "hash": "nothing has it"}', '{"~": "blob"}', '{"~": "blob", "hash": 5}', '{"~": "chunks"}',
     '{"~": "chunks", "v": []}', '{"~": "chunks", "v": [[1], {"a": 1}]}', '{"~": "chunks", "v": 5}', "null", "5"],
)  # fmt: skip
def test_what_cannot_be_expanded_stays_as_it_is(db: Connection, text: str) -> None:
    assert _expand(db, uuid4(), text) == json.loads(text)


def test_values_that_contain_each_other_do_not_hold_expand_up(db: Connection) -> None:
    run_id = uuid4()
    for name, other in (("a", "b"), ("b", "a")):
        body = json.dumps([{"~": "blob", "hash": other}] * 2)
        db.execute("INSERT INTO durableflow_core.value VALUES (%s, %s, %s)", (run_id, name, body))
    assert _expand(db, run_id, '{"~": "blob", "hash": "a"}', 10_000) is not None


def test_a_value_of_another_run_is_not_shown(db: Connection) -> None:
    text = _store(db, uuid4(), "x" * 5000)
    assert _expand(db, uuid4(), text) == json.loads(text)


def test_the_machines_own_names_are_not_among_the_variables(world: World) -> None:
    world.run()
    world.checkpoint(variables={"order": 1, "@iterator": [1, 2], "@handled": None})
    assert world.row("runs", "variables") == {"order": 1}


def test_a_value_that_two_variables_share_is_shown_in_both(world: World) -> None:
    items = [{"sku": "a"}, {"sku": "b"}]
    world.run()
    world.checkpoint(variables={"@iterator": items, "order": {"items": items}, "item": items[1]})
    assert world.row("runs", "variables") == {"order": {"items": items}, "item": {"sku": "b"}}


def test_a_value_that_holds_itself_is_shown_once_around(world: World) -> None:
    ring: list[object] = [1]
    ring.append(ring)
    world.run()
    world.checkpoint(variables={"ring": ring})
    assert world.row("runs", "variables") == {"ring": [1, {"~": "ref", "id": 1}]}


def test_a_chain_deeper_than_any_stack_is_shown_as_far_as_it_goes(world: World) -> None:
    chain: list[object] = []
    for _ in range(500):
        chain = [chain]
    world.run()
    world.checkpoint(variables={"chain": chain})
    shown = json.dumps(world.row("runs", "variables"))
    assert shown.startswith('{"chain": [[[[')
    assert '"ref"' in shown


def test_sharing_upon_sharing_does_not_explode(world: World) -> None:
    layer: list[object] = ["x" * 100]
    for _ in range(40):
        layer = [layer, layer]
    world.run()
    world.checkpoint(variables={"layer": layer})
    assert len(json.dumps(world.row("runs", "variables"))) < 2_000_000


def test_large_variables_are_shown_up_to_a_size_and_then_as_references(world: World) -> None:
    world.run()
    world.checkpoint(variables={"some": ["x" * 3000], "much": ["y" * 300_000]})
    shown = world.row("runs", "variables")
    assert shown["some"] == ["x" * 3000]
    assert shown["much"] == [{"~": "blob", "hash": shown["much"][0]["hash"]}]
    row = world.db.execute(
        "SELECT durableflow.expand(id, variables) FROM durableflow.runs WHERE id = %s", (world.run_id,)
    ).fetchone()
    assert row == ({"some": ["x" * 3000], "much": ["y" * 300_000]},)


def test_types_that_json_lacks_are_readable(world: World) -> None:
    world.run()
    world.checkpoint(text='{"at": {"~": "datetime", "v": "2026-11-22T18:00:00+00:00"}}')
    assert world.row("runs", "variables") == {"at": {"~": "datetime", "v": "2026-11-22T18:00:00+00:00"}}
