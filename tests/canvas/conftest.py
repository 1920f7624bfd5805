"""Canvases in this process: messages are handed to the tasks' tracers, and time is the test's."""

from collections.abc import Callable, Iterator
from typing import Any

import psycopg
import pytest
from celery import _state

from durableflow import DurableFlow, Run, durable
from tests.canvas import shop
from tests.support.clock import Clock
from tests.support.engine import Engine, engine_of, in_this_process
from tests.worker.conftest import env, intact, journal, start_worker

__all__ = ["env", "intact", "journal", "start_worker"]  # of real workers


@pytest.fixture
def df(database_url: str, queue_name: str, clock: Clock, monkeypatch: pytest.MonkeyPatch) -> Iterator[DurableFlow]:
    shop.EFFECTS.clear()
    shop.app.finalize()
    monkeypatch.setattr(_state, "_tls", _state._TLS())  # what is current is said for each thread
    shop.app.set_current()
    with in_this_process(shop.df, database_url, queue_name, monkeypatch) as df:
        yield df


@pytest.fixture
def engine(df: DurableFlow, db: psycopg.Connection[Any], monkeypatch: pytest.MonkeyPatch) -> Iterator[Engine]:
    with engine_of(df, db, monkeypatch) as engine:
        yield engine


@pytest.fixture
def start(engine: Engine) -> Callable[..., Run[Any]]:
    """Start a canvas and do all that can be done now."""

    def start(canvas: Any, *args: Any) -> Run[Any]:
        run = durable(canvas, *args).start()
        engine.drive()
        return run

    return start


@pytest.fixture
def result(start: Callable[..., Run[Any]]) -> Callable[..., Any]:
    """What a canvas comes to: its value, or the error that it failed with."""

    def result(canvas: Any, *args: Any) -> Any:
        run = start(canvas, *args)
        assert run.state in ("succeeded", "failed"), run.info()
        try:
            return run.result(timeout=0)
        except Exception as failed:
            return failed.__cause__

    return result
