from collections.abc import Iterator
from typing import Any

import psycopg
import pytest

from durableflow import DurableFlow
from tests.support.clock import Clock
from tests.support.engine import Engine, engine_of, in_this_process
from tests.waiting import shop


@pytest.fixture
def df(database_url: str, queue_name: str, clock: Clock, monkeypatch: pytest.MonkeyPatch) -> Iterator[DurableFlow]:
    shop.EFFECTS.clear()
    with in_this_process(shop.df, database_url, queue_name, monkeypatch) as df:
        yield df


@pytest.fixture
def engine(df: DurableFlow, db: psycopg.Connection[Any], monkeypatch: pytest.MonkeyPatch) -> Iterator[Engine]:
    with engine_of(df, db, monkeypatch) as engine:
        yield engine
