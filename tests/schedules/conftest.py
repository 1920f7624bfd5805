"""A cluster whose workers are duties that run by hand, on a clock that the test moves."""

from collections.abc import Callable, Iterator, Sequence
from datetime import UTC, datetime
from typing import Any
from uuid import UUID

import psycopg
import pytest

from durableflow import DurableFlow
from durableflow.client.schedules import find, tick_run
from durableflow.config import Settings
from durableflow.language.schedules import Entry
from durableflow.steward.schedules import Schedules
from durableflow.store import schedule
from durableflow.store.messages import Message
from tests.schedules import clockwork
from tests.support.clock import Clock

Connection = psycopg.Connection[tuple[Any, ...]]

NOON = datetime(2031, 5, 13, 12, tzinfo=UTC)
"""A Tuesday, years away from the clock of whoever runs this."""


class Broker:
    """What a duty needs of the post. sent: what was given to it; free: whether the broker takes anything."""

    def __init__(self) -> None:
        self.sent: list[Message] = []
        self.free = True

    def send(self, messages: Sequence[Message]) -> None:
        self.sent += messages


class Cluster:
    """The schedules of one database."""

    def __init__(self, conn: Connection, clock: Clock, settings: Settings) -> None:
        self.conn = conn
        self.clock = clock
        self.settings = settings
        self.broker = Broker()

    def register(self, *names: str) -> list[Entry]:
        """What a worker does at its start, with these schedules in its code."""
        entries = [find(clockwork.df.registry, name) for name in names]
        for entry in entries:
            assert schedule.register(self.conn, "clockwork", entry)
        return entries

    def duty(self, *entries: Entry, **how: Any) -> Schedules:
        def new_run(entry: Entry, at: datetime) -> Any:
            return tick_run(clockwork.df.registry.workflow(entry.workflow), entry, at, self.settings)

        return Schedules(entries, new_run, self.broker, **how)  # type: ignore[arg-type]

    def worker(self, *names: str) -> Schedules:
        return self.duty(*self.register(*names))

    def run(self, duty: Schedules) -> float:
        """Let a worker look until there is nothing to do at once; gives the seconds that it would sleep."""
        for _ in range(5000):
            again = duty.run_once(self.conn).again
            assert again is not None
            if again > 0:
                return again
        raise AssertionError("it spins")

    def rows(self, query: str, *parameters: object) -> list[Any]:
        found = self.conn.execute(query, parameters).fetchall()  # type: ignore[arg-type]
        return [row[0] if len(row) == 1 else row for row in found]

    def ticks(self, name: str) -> list[tuple[str, str]]:
        """The ticks of a schedule as (time, state), in their order."""
        found = self.rows("SELECT at, state FROM durableflow.ticks WHERE schedule = %s ORDER BY at", name)
        return [(at.astimezone(UTC).strftime("%d %H:%M"), state) for at, state in found]

    def runs(self) -> list[UUID]:
        """All runs, in the order of their start."""
        return self.rows("SELECT id FROM durableflow_core.run ORDER BY id")

    def end(self, run_id: UUID) -> None:
        self.conn.execute(
            "UPDATE durableflow_core.run SET state = 'succeeded', output = 'null',"
            " finished_at = durableflow_core.now() WHERE id = %s",
            (run_id,),
        )


@pytest.fixture
def df(database_url: str, monkeypatch: pytest.MonkeyPatch) -> Iterator[DurableFlow]:
    """The application as a client."""
    monkeypatch.setattr(DurableFlow, "publisher", property(lambda self: None))
    client = clockwork.df
    client.__dict__.pop("database", None)
    client.__dict__["settings"] = Settings.load(database_url=database_url)
    client._saved_versions.clear()
    yield client
    client.close()
    client.__dict__.pop("database", None)
    client.__dict__.pop("settings", None)


@pytest.fixture
def cluster(db: Connection, clock: Clock, database_url: str) -> Cluster:
    clock.set(NOON)
    return Cluster(db, clock, Settings.load(database_url=database_url))


@pytest.fixture
def at(clock: Clock) -> Callable[[str], datetime]:
    """Set the clock to a time of that May, such as "13 14:00"."""

    def at(text: str) -> datetime:
        day, _, time = text.partition(" ")
        hour, minute, *second = map(int, time.split(":"))
        return clock.set(datetime(2031, 5, int(day), hour, minute, *second, tzinfo=UTC))

    return at
