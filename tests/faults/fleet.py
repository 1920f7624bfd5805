"""A site (a database, a broker, a queue), the workers on it, and the application as its client."""

from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from uuid import UUID, uuid4

import psycopg
import pytest
from celery import Celery

from durableflow import DurableFlow
from durableflow.config import Settings
from durableflow.store.messages import Message, advance_message
from durableflow.worker import Publisher
from durableflow.worker.settings import celery_settings
from tests.faults import app
from tests.faults.journal import until
from tests.support import databases
from tests.support.brokers import broker_on
from tests.worker.workers import Worker


@dataclass(frozen=True)
class Site:
    """Where runs live."""

    database_url: str
    broker_url: str
    queue: str

    @property
    def env(self) -> dict[str, str]:
        """The environment of this site's workers and clients."""
        return {
            "DURABLEFLOW_DATABASE_URL": self.database_url,
            "DURABLEFLOW_BROKER_URL": self.broker_url,
            "DURABLEFLOW_QUEUE": self.queue,
        }


@contextmanager
def site_on(postgres_url: str, template: str, broker_url: str) -> Iterator[Site]:
    """A database, and a part of the broker, that nobody else uses."""
    queue = f"test-{uuid4().hex[:12]}"
    with ExitStack() as stack:
        database_url = stack.enter_context(databases.database(postgres_url, template=template))
        broker = stack.enter_context(broker_on(broker_url, database_url, queue))
        yield Site(database_url, broker, queue)


class Fleet:
    """The workers of a site, and what a test wants to know of them."""

    def __init__(
        self,
        site: Site,
        directory: Path,
        settings: dict[str, str] | None = None,
        application: str = "tests.faults.app:app",
    ) -> None:
        self.site = site
        self.application = application
        self.workers: list[Worker] = []
        self._directory = directory
        self._env = {**site.env, **(settings or {})}
        self._stack = ExitStack()
        celery = Celery("test", set_as_current=False)
        celery.conf.update(celery_settings(Settings.load(broker_url=site.broker_url, queue=site.queue)))
        self._publisher = Publisher(celery)

    def start(self, *concurrency: int, more: dict[str, str] | None = None, program: str = "celery") -> list[Worker]:
        """Start a worker for each number of pool children, and wait until all of them take messages. more: of the
        environment; program: the module that is Celery's command."""
        started = [self._start(number, more or {}, program) for number in concurrency]
        return [worker.wait_until_ready() for worker in started]

    def close(self) -> None:
        self._stack.close()
        self._publisher.close()

    def publish(self, *messages: Message) -> None:
        """Put these into the broker."""
        self._publisher.publish_or_raise(messages)

    def hurry(self, run_id: UUID) -> None:
        """Have the run looked at now, as a client that publishes would."""
        self.publish(advance_message(run_id, self.site.queue))

    def one(self, query: str, *parameters: object) -> Any:
        """The first column of a query's first row; None where there is none."""
        with psycopg.connect(self.site.database_url, autocommit=True) as conn:
            row = conn.execute(query, parameters).fetchone()
        return None if row is None else row[0]

    def leader(self) -> Worker:
        """The worker that leads at present."""
        query = """
            SELECT w.pid FROM durableflow_core.leadership AS l JOIN durableflow_core.worker AS w ON w.id = l.holder
            WHERE l.expires_at > now() AND w.tombstone_at IS NULL
        """
        pid = until(lambda: self.one(query), "a leader")
        return next(worker for worker in self.workers if worker.pid == pid)

    def _start(self, concurrency: int, more: dict[str, str], program: str) -> Worker:
        number = len(self.workers) + 1
        command = (program, "-A", self.application, "worker")
        log = self._directory / f"worker{number}.log"
        worker = Worker({**self._env, **more}, log, "-c", str(concurrency), command=command)
        self.workers.append(worker)
        self._stack.callback(worker.close)
        self._stack.callback(lambda: print(f"--- worker {number}\n{worker.text()}"))  # shown where the test fails
        return worker


@contextmanager
def client_of(site: Site, df: DurableFlow = app.df) -> Iterator[None]:
    """The application is a client of this site, in this process. It leaves publishing to the leader."""
    own = df.__dict__
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(DurableFlow, "publisher", property(lambda _: None))
        before = {name: own.pop(name) for name in ("database", "settings") if name in own}  # of a site around this one
        own["settings"] = Settings.load(database_url=site.database_url, broker_url=site.broker_url, queue=site.queue)
        df._saved_versions.clear()
        yield
        df.database.close()
        own.pop("database", None)
        own.pop("settings", None)
        own.update(before)
        app.df._saved_versions.clear()


@contextmanager
def fleet_on(site: Site, directory: Path, **settings: str) -> Iterator[Fleet]:
    """A fleet without workers yet, and the application as the site's client."""
    fleet = Fleet(site, directory, settings)
    with client_of(site):
        try:
            yield fleet
        finally:
            fleet.close()
