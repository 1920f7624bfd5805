"""The pages of the reference are what the code and the database say: ``python -m tests.docs.reference`` writes them."""

from typing import Any

import psycopg
import pytest

from tests.docs import reference


@pytest.mark.parametrize("name", reference.PARTS)
def test_a_page_is_as_the_code_says(name: str) -> None:
    page, lines = reference.PARTS[name]
    assert reference.part(page, name) == reference.made(lines())


def test_the_views_page_is_as_the_database_says(db: psycopg.Connection[Any]) -> None:
    assert reference.part(reference.REFERENCE / "views.md", "views") == reference.made(reference.views(db))
