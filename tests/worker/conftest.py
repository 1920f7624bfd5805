"""An application of its own for each test: database, broker, queue and journal."""

import time
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from pathlib import Path
from typing import Any

import psycopg
import pytest

from durableflow import DurableFlow
from durableflow.config import Settings
from tests.support.invariants import violations
from tests.worker import shop
from tests.worker.harness import Harness
from tests.worker.workers import PATIENCE, Worker


class Journal:
    """What steps have done, as they wrote it down."""

    def __init__(self, path: Path) -> None:
        self.path = path
        path.touch()

    def entries(self, effect: str = "") -> list[str]:
        return [line for line in self.path.read_text().splitlines() if line.startswith(effect)]

    def wait_for(self, effect: str, count: int = 1) -> list[str]:
        """Wait for so many entries that begin with ``effect``."""
        deadline = time.monotonic() + PATIENCE
        while len(found := self.entries(effect)) < count:
            assert time.monotonic() < deadline, f"{len(found)} of {count} {effect!r} in {self.entries()}"
            time.sleep(0.02)
        return found

    def release(self, name: str) -> None:
        """Let the steps that wait for ``name`` go on."""
        self.path.with_name(name).touch()


@pytest.fixture
def journal(tmp_path: Path) -> Journal:
    return Journal(tmp_path / "journal")


@pytest.fixture
def env(database_url: str, broker_url: str, queue_name: str, journal: Journal) -> dict[str, str]:
    """The environment of this test's workers."""
    return {
        "DURABLEFLOW_DATABASE_URL": database_url,
        "DURABLEFLOW_BROKER_URL": broker_url,
        "DURABLEFLOW_QUEUE": queue_name,
        "JOURNAL": str(journal.path),
    }


@pytest.fixture
def df(env: dict[str, str], monkeypatch: pytest.MonkeyPatch) -> Iterator[DurableFlow]:
    """The application as a client: it starts runs, and leaves it to the workers to find them."""
    for name, value in env.items():
        monkeypatch.setenv(name, value)
    monkeypatch.setattr(DurableFlow, "publisher", property(lambda self: None))
    client = shop.df
    client.__dict__.pop("database", None)
    client.__dict__["settings"] = Settings.load()
    client._saved_versions.clear()
    yield client
    client.database.close()
    client.__dict__.pop("database", None)
    client.__dict__.pop("settings", None)


@pytest.fixture
def start_worker(env: dict[str, str], tmp_path: Path) -> Iterator[Callable[..., Worker]]:
    """Start a worker process: start_worker("-c", "1", env={...}, wait=True)."""
    with ExitStack() as stack:
        number = 0

        def start(*options: str, wait: bool = True, more: dict[str, str] | None = None, **how: Any) -> Worker:
            nonlocal number
            number += 1
            worker = Worker({**env, **(more or {})}, tmp_path / f"worker{number}.log", *options, **how)
            stack.callback(worker.close)
            stack.callback(lambda: print(f"--- worker {number}\n{worker.text()}"))  # shown where the test fails
            return worker.wait_until_ready() if wait else worker

        yield start


@pytest.fixture
def intact(db: psycopg.Connection[Any]) -> Callable[[], bool]:
    """Whether the invariants hold."""

    def check() -> bool:
        found = violations(db)
        assert not found, found
        return True

    return check


@pytest.fixture
def harness(df: DurableFlow, db: psycopg.Connection[Any], monkeypatch: pytest.MonkeyPatch) -> Iterator[Harness]:
    """The tasks of the application, in this process."""
    harness = Harness(df, db, monkeypatch)
    yield harness
    harness.close()
