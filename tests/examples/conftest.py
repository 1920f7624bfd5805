"""The shop of ``examples/checkout`` on servers and in a world of each test's own."""

import sqlite3
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path
from typing import Any

import psycopg
import pytest

from durableflow.config import Settings
from examples.checkout import shop
from examples.checkout.services import World
from tests.support.invariants import violations
from tests.worker.workers import Worker


class Shop:
    """world: what is behind the shop; start_worker: a real worker process."""

    def __init__(self, path: Path, start_worker: Callable[[], Worker]) -> None:
        self.world = World(path)
        self.start_worker = start_worker
        self._path = path

    @contextmanager
    def closed(self) -> Iterator[None]:
        """While this lasts, the services answer nobody: a step that asks one of them waits."""
        self.world.stock()
        database = sqlite3.connect(self._path, isolation_level=None)
        database.execute("BEGIN EXCLUSIVE")
        try:
            yield
        finally:
            database.execute("ROLLBACK")
            database.close()


@pytest.fixture
def open_shop(
    database_url: str, broker_url: str, queue_name: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> Iterator[Shop]:
    path = tmp_path / "world.sqlite"
    env = {
        "DURABLEFLOW_DATABASE_URL": database_url,
        "DURABLEFLOW_BROKER_URL": broker_url,
        "DURABLEFLOW_QUEUE": queue_name,
        "CHECKOUT_WORLD": str(path),
    }
    with ExitStack() as stack:
        numbers = iter(range(1, 10))

        def start_worker() -> Worker:
            log = tmp_path / f"worker{next(numbers)}.log"
            worker = Worker(env, log, "-c", "2", command=("durableflow", "worker", "examples.checkout.shop:df"))
            stack.callback(worker.close)
            stack.callback(lambda: print(f"--- {log.stem}\n{worker.text()}"))  # shown where the test fails
            return worker

        for name, value in env.items():
            monkeypatch.setenv(name, value)
        shop.df.__dict__["settings"] = Settings.load()
        shop.df._saved_versions.clear()
        # The workers find what is started: Celery's own publisher would keep to the first test's broker.
        monkeypatch.setattr(type(shop.df), "publisher", property(lambda self: None))
        yield Shop(path, start_worker)
        shop.df.close()
        for cached in ("database", "settings"):
            shop.df.__dict__.pop(cached, None)


@pytest.fixture
def intact(db: psycopg.Connection[Any]) -> Callable[[], list[str]]:
    """The invariants that do not hold."""
    return lambda: list(violations(db))
