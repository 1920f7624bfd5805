"""A world to look after, and the parts of a steward, each to be run by hand."""

from collections.abc import Iterator
from typing import Any

import psycopg
import pytest

from durableflow.steward.leadership import Leadership
from durableflow.steward.settings import StewardSettings
from durableflow.store import register
from tests.steward.world import World


@pytest.fixture
def world(db: psycopg.Connection[tuple[Any, ...]]) -> World:
    return World(db)


@pytest.fixture
def leader(world: World) -> Leadership:
    """Leads, over the world's connection, and has been watching since now."""
    worker_id = world.worker()
    leadership = Leadership(StewardSettings(lease=3600.0), lambda: worker_id)
    leadership.start(world.conn)
    leadership.run_once(world.conn)
    assert leadership.leads
    return leadership


@pytest.fixture
def session_lock(database_url: str) -> Iterator[int]:
    """The key of a session lock that somebody holds."""
    with psycopg.connect(database_url, autocommit=True) as holder:
        register.hold_lock(holder, 77)
        yield 77
