"""Where the tests of the pools take place: servers that they may break, and for each pool two workers.

The workers are shared by all tests of a pool, because their start is what costs time; a test that has killed one
leaves it to the next test that needs two to start another. Other packages may use this with an application of theirs:
its module takes the place of ``tests.pools.app``.
"""

from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import psutil
import psycopg

from durableflow import DurableFlow
from durableflow.config import Settings
from durableflow.devstack import PostgresServer, ValkeyServer
from tests.faults.fleet import Site
from tests.faults.journal import until
from tests.support.invariants import violations
from tests.worker.workers import Worker

PATIENCE = 120.0
"""Seconds for what takes one, on a machine that has other things to do."""


@dataclass(frozen=True)
class Pool:
    """One of Celery's pools, and what it can do.

    places: steps that one worker runs at a time; kills: whether a cold shutdown can end what runs; module: that has
    ``app`` and ``df``.
    """

    name: str
    options: tuple[str, ...]
    places: int
    kills: bool = True
    module: str = "tests.pools.app"

    def __str__(self) -> str:
        return self.name


PREFORK = Pool("prefork", ("-P", "prefork", "-c", "2"), 2)
SPAWN = Pool("spawn", ("-P", "prefork", "-c", "1"), 1, module="tests.pools.spawning")
THREADS = Pool("threads", ("-P", "threads", "-c", "4"), 4, kills=False)
GEVENT = Pool("gevent", ("-P", "gevent", "-c", "60"), 60)
SOLO = Pool("solo", ("-P", "solo"), 1, kills=False)
POOLS = (PREFORK, SPAWN, THREADS, GEVENT, SOLO)


class Grounds:
    """A database and a broker that the tests may break, and the workers of one pool on them."""

    def __init__(self, pool: Pool, postgres: PostgresServer, valkey: ValkeyServer, site: Site, directory: Path) -> None:
        self.pool = pool
        self.postgres = postgres
        self.valkey = valkey
        self.site = site
        self._directory = directory
        self._started: list[Worker] = []
        self._stack = ExitStack()

    @property
    def workers(self) -> list[Worker]:
        """Those that live."""
        return [worker for worker in self._started if worker.process.poll() is None]

    def need(self, count: int = 2) -> list[Worker]:
        """At least so many workers that take messages."""
        missing = [self._start() for _ in range(count - len(self.workers))]
        for worker in missing:
            until(
                lambda worker=worker: " ready." in worker.text() or worker.process.poll() is not None,
                "a worker",
                PATIENCE,
            )
        assert len(self.workers) >= count, [worker.text() for worker in missing]
        return self.workers

    def close(self) -> None:
        self._stack.close()

    def worker_of(self, pid: int) -> Worker:
        """The worker that this process is, or is a child of."""
        parents = {pid, *(each.pid for each in psutil.Process(pid).parents())}
        return next(worker for worker in self.workers if worker.pid in parents)

    def query(self, query: str, *parameters: object) -> list[Any]:
        """The first column of a query's rows."""
        with psycopg.connect(self.site.database_url, autocommit=True) as conn:
            return [row[0] for row in conn.execute(query, parameters)]

    def assert_intact(self) -> None:
        """The invariants hold, once nothing is at work any more."""
        until(lambda: not self.query("SELECT run_id FROM durableflow_core.claim"), "the end of all attempts", PATIENCE)
        with psycopg.connect(self.site.database_url, autocommit=True) as conn:
            assert violations(conn) == {}

    def _start(self) -> Worker:
        number = len(self._started) + 1
        name = f"{self.pool}{number}"
        # Every second one by our own command: it has to do for gevent what Celery's does.
        command = (
            ("celery", "-A", f"{self.pool.module}:app", "worker")
            if number % 2
            else ("durableflow", "worker", f"{self.pool.module}:df")
        )
        worker = Worker(self.site.env, self._directory / f"{name}.log", *self.pool.options, command=command)
        self._started.append(worker)
        self._stack.callback(worker.close)
        return worker

    def show(self) -> None:
        """Print what the workers have logged, for a test that fails."""
        for worker in self._started:
            print(f"--- {worker.log.stem}\n{worker.text()[-20_000:]}")


def _has_begun(worker: Worker) -> bool:
    return " ready." in worker.text() or worker.process.poll() is not None


@contextmanager
def client_of(df: DurableFlow, site: Site) -> Iterator[None]:
    """The application is a client of this site, in this process, and publishes to its broker."""
    own = df.__dict__
    own.pop("database", None)
    own["settings"] = Settings.load(database_url=site.database_url, broker_url=site.broker_url, queue=site.queue)
    df._saved_versions.clear()
    df.celery.conf.broker_url = site.broker_url
    try:
        yield
    finally:
        df.database.close()
        df._runtime.publisher.close()
        own.pop("database", None)
        own.pop("settings", None)
