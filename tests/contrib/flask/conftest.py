from collections.abc import Iterator
from typing import Any

import psycopg
import pytest

from durableflow import DurableFlow
from tests.contrib.flask import shop
from tests.support.engine import Engine, engine_of, in_this_process


@pytest.fixture
def df(database_url: str, queue_name: str, monkeypatch: pytest.MonkeyPatch) -> Iterator[DurableFlow]:
    shop.ENDED.clear()
    with in_this_process(shop.df, database_url, queue_name, monkeypatch) as df:
        yield df
        df.configure()


@pytest.fixture
def engine(df: DurableFlow, db: psycopg.Connection[Any], monkeypatch: pytest.MonkeyPatch) -> Iterator[Engine]:
    with engine_of(df, db, monkeypatch) as engine:
        yield engine
