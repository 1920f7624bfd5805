"""PostgreSQL takes every stored text as json and casts it to jsonb; as json it gives the same text back."""

from collections.abc import Iterator
from typing import Any

import psycopg
import pytest
from hypothesis import HealthCheck, given, settings

from durableflow.codec import decode, encode
from tests.codec.likeness import unlike
from tests.codec.test_every_type_comes_back import VALUES
from tests.codec.test_exceptions_come_back import ERRORS
from tests.codec.test_generated_graphs_come_back import graphs


@pytest.fixture(scope="module")
def conn(postgres_url: str) -> Iterator[psycopg.Connection[Any]]:
    with psycopg.connect(postgres_url, autocommit=True) as conn:
        yield conn


def through(conn: psycopg.Connection[Any], texts: list[str]) -> list[str]:
    rows = conn.execute(
        "SELECT t::json::text, (t::json)::jsonb IS NOT NULL"
        " FROM unnest(%s::text[]) WITH ORDINALITY AS u(t, n) ORDER BY n",
        [texts],
    ).fetchall()
    assert all(cast for _, cast in rows)
    return [text for text, _ in rows]


def returned(conn: psycopg.Connection[Any], value: Any) -> Any:
    stored = encode(value)
    text, *bodies = through(conn, [stored.text, *stored.blobs.values()])
    return decode(text, blobs=dict(zip(stored.blobs, bodies, strict=True)))


def test_every_type_passes_through_json(conn: psycopg.Connection[Any]) -> None:
    for value in [*VALUES, *ERRORS]:
        assert unlike(value, returned(conn, value)) is None


@settings(max_examples=100, deadline=None, suppress_health_check=list(HealthCheck))
@given(value=graphs())
def test_any_graph_passes_through_json(conn: psycopg.Connection[Any], value: Any) -> None:
    assert unlike(value, returned(conn, value)) is None


def test_deep_nesting_passes_through_json(conn: psycopg.Connection[Any]) -> None:
    value: Any = None
    for i in range(2000):
        value = (i, [value]) if i % 2 else {i: value}
    back = returned(conn, value)
    for i in reversed(range(2000)):
        back = back[1][0] if i % 2 else back[i]
    assert back is None
