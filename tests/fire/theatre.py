"""The servers of a series of plays, and the plays: a side, a canvas, a fault."""

import json
from collections.abc import Mapping
from contextlib import ExitStack
from itertools import count
from pathlib import Path
from types import TracebackType
from typing import Any, Self

from tests.faults.fleet import Fleet, Site
from tests.fire.app import Witness
from tests.fire.canvases import CHILDREN, Canvas
from tests.fire.client import Client
from tests.fire.faults import Fault
from tests.fire.redis import Redis
from tests.fire.sides import Outcome, Side
from tests.fire.stage import Stage
from tests.support import databases


class Theatre:
    """Has one company at a time, which stays for as long as the plays are of its kind: boots are what takes long.

    postgres_url, template: where databases are made, and of what; directory: for journals and logs.
    """

    def __init__(self, postgres_url: str, template: str, redis: Redis, directory: Path) -> None:
        self._postgres_url = postgres_url
        self._template = template
        self._redis = redis
        self._directory = directory
        self._numbers = count(1)
        self._company: _Company | None = None

    def play(self, side: Side, canvas: Canvas, fault: Fault) -> Outcome:
        """Two workers take up the canvas, the fault strikes, and the side says what came of it."""
        directory = self._directory / str(next(self._numbers))
        directory.mkdir(parents=True)
        company = self._engaged(side, {**side.settings, **fault.settings}, directory)
        self._redis.forget()
        company.complete()
        journal = Witness(directory / "journal")
        journal.hold(*canvas.late, *(canvas.early if fault.early else ()))
        stage = Stage(canvas, self._redis, company.fleet, journal, company.client, company.settings)
        try:
            return side.play(stage, fault.strike)
        except BaseException:
            self.close()  # nobody knows what it is about by now
            raise

    def close(self) -> None:
        if self._company is not None:
            self._company.close()
            self._company = None

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()

    def _engaged(self, side: Side, settings: Mapping[str, Any], directory: Path) -> "_Company":
        company = self._company
        if company is None or (company.side, company.settings) != (side, settings):
            self.close()
            company = self._company = _Company(side, settings, self._redis, directory)
            company.open(self._postgres_url, self._template)
        return company


class _Company:
    """A side's workers and its client, on a database of their own."""

    def __init__(self, side: Side, settings: Mapping[str, Any], redis: Redis, directory: Path) -> None:
        self.side = side
        self.settings = settings
        self._redis = redis
        self._directory = directory
        self._stack = ExitStack()

    def open(self, postgres_url: str, template: str) -> None:
        database_url = ""
        if self.side.durable:
            database_url = self._stack.enter_context(databases.database(postgres_url, template=template))
        site = Site(database_url, self._redis.url, "celery")
        env = {"FIRE_REDIS": self._redis.url, "FIRE_SETTINGS": json.dumps(self.settings)}
        self.fleet = Fleet(site, self._directory, env, application=self.side.application)
        self._stack.callback(self.fleet.close)
        self.client = Client("durable" if self.side.durable else "celery", {**site.env, **env})
        self._stack.callback(self.client.close)

    def complete(self) -> None:
        """Have two workers."""
        living = sum(worker.process.poll() is None for worker in self.fleet.workers)
        self.fleet.start(*[CHILDREN // 2] * (2 - living))

    def close(self) -> None:
        self._stack.close()
