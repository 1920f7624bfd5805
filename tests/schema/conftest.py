"""Rows for the views to show."""

from typing import Any

import psycopg
import pytest

from tests.schema.world import World


@pytest.fixture
def world(db: psycopg.Connection[tuple[Any, ...]]) -> World:
    return World(db)
