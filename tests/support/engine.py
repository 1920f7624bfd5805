"""An engine in one process: messages are handed to the tasks' tracers, and time is the test's.

A conftest makes its fixtures of ``in_this_process`` and ``engine_of``; see ``tests/waiting``.
"""

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any
from uuid import UUID

import psycopg
import pytest

from durableflow import DurableFlow
from durableflow.config import Settings
from durableflow.store import dispatch, wake_due
from tests.support.invariants import violations
from tests.worker.harness import Harness


class Engine(Harness):
    """Everything that workers and the leader would do, one thing after the other."""

    def drive(self, most: int = 5000) -> int:
        """Do what is to be done now, until nothing is. Gives how many messages that were."""
        count = 0
        while True:
            if not self.published:
                self.published += wake_due.wake_due(self.db).messages
                for load in dispatch.loads(self.db):
                    self.published += dispatch.dispatch(self.db, load.queue, limit=1000)
                if not self.published:
                    return count
            self.deliver(self.published.pop(0))
            count += 1
            assert count < most, "this run does not come to rest"

    def state(self, run_id: UUID) -> str:
        row = self.db.execute("SELECT state FROM durableflow_core.run WHERE id = %s", (run_id,)).fetchone()
        assert row is not None
        return str(row[0])

    def one(self, query: str, *parameters: object) -> Any:
        row = self.db.execute(query, parameters).fetchone()
        return None if row is None else row[0] if len(row) == 1 else row


@contextmanager
def in_this_process(
    df: DurableFlow, database_url: str, queue_name: str, monkeypatch: pytest.MonkeyPatch
) -> Iterator[DurableFlow]:
    """The application on the test's database, without a broker: the leader finds everything."""
    monkeypatch.setenv("DURABLEFLOW_DATABASE_URL", database_url)
    monkeypatch.setenv("DURABLEFLOW_QUEUE", queue_name)
    monkeypatch.setenv("DURABLEFLOW_BROKER_URL", "memory://")
    monkeypatch.setattr(DurableFlow, "publisher", property(lambda self: None))
    df.__dict__.pop("database", None)
    df.__dict__["settings"] = Settings.load()
    df._saved_versions.clear()
    try:
        yield df
    finally:
        df.database.close()
        df.__dict__.pop("database", None)
        df.__dict__.pop("settings", None)


@contextmanager
def engine_of(df: DurableFlow, db: psycopg.Connection[Any], monkeypatch: pytest.MonkeyPatch) -> Iterator[Engine]:
    """The engine of an application that is ``in_this_process``; the invariants hold at the end."""
    engine = Engine(df, db, monkeypatch)
    try:
        yield engine
    finally:
        engine.close()
    found = violations(db)
    assert not found, found
