"""An application in this process, and what its signals told."""

from collections.abc import Callable, Iterator
from typing import Any

import psycopg
import pytest

from durableflow import signals
from tests.signals import shop
from tests.support.clock import Clock
from tests.support.engine import Engine, engine_of, in_this_process
from tests.worker.conftest import df, env, intact, journal, start_worker  # noqa: F401 - fixtures, for real workers


class Told:
    """What was told, in its order, as (signal, sender, facts)."""

    def __init__(self) -> None:
        self.all: list[tuple[str, str, dict[str, Any]]] = []
        self._connected: list[tuple[signals.Signal, Callable[..., Any]]] = []

    def connect(self, *which: signals.Signal) -> "Told":
        """Listen to these, and to all of them where none is named."""
        for signal in which or signals.ALL:

            def receiver(signal: signals.Signal, sender: str, **facts: Any) -> None:
                self.all.append((signal.name, sender, facts))

            self.call(signal, receiver)
        return self

    def call(self, signal: signals.Signal, receiver: Callable[..., Any]) -> None:
        """Have a receiver called, until the end of the test."""
        signal.connect(receiver, weak=False)
        self._connected.append((signal, receiver))

    def close(self) -> None:
        for signal, receiver in self._connected:
            signal.disconnect(receiver)

    @property
    def names(self) -> list[str]:
        return [name for name, _, _ in self.all]

    def facts(self, name: str) -> list[dict[str, Any]]:
        """What each signal of this name carried."""
        return [facts for told, _, facts in self.all if told == name]


@pytest.fixture
def told() -> Iterator[Told]:
    told = Told()
    yield told
    told.close()


@pytest.fixture
def engine(
    database_url: str, queue_name: str, clock: Clock, db: psycopg.Connection[Any], monkeypatch: pytest.MonkeyPatch
) -> Iterator[Engine]:
    """The tasks of the application, in this process; the test's clock stands still."""
    with (
        in_this_process(shop.df, database_url, queue_name, monkeypatch) as told_df,
        engine_of(told_df, db, monkeypatch) as engine,
    ):
        yield engine
