"""Schedule: the handle of a schedule; and what a tick starts."""

import difflib
import itertools
from collections.abc import Callable, Mapping
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any, TypeVar

from psycopg.rows import dict_row

from durableflow.client.database import Connection
from durableflow.client.starting import new_run
from durableflow.config import Settings
from durableflow.errors import DuplicateDefinition, UnknownSchedule
from durableflow.language import Registry, Workflow
from durableflow.language.cron import Cron
from durableflow.language.schedules import Entry, arguments
from durableflow.store import schedule as store
from durableflow.store import tick as store_tick
from durableflow.store.start import NewRun, Started

if TYPE_CHECKING:
    from durableflow.client.facade import Client

T = TypeVar("T")

_MOST = 100_000
"""Ticks of one backfill."""


class Schedule:
    """The handle of a schedule of this application, made by ``df.schedule("shop.nightly")``. name: the schedule's.

    Whatever is asked of it goes to the database, by whose clock schedules go; any process may ask.
    """

    def __init__(self, entry: Entry, client: "Client") -> None:
        self.name = entry.name
        self._entry = entry
        self._client = client

    @property
    def cron(self) -> Cron:
        """Its times and policies, as this code has them."""
        return self._entry.cron

    def pause(self) -> bool:
        """Let it start nothing, until it is resumed; runs that have started go on. False: it was paused already."""
        return self._transact(lambda conn: store.pause(conn, self.name))

    def resume(self) -> bool:
        """Let it go on with the next tick from now; those in between are for ``backfill``. False: it was not paused."""
        return self._transact(lambda conn: store.resume(conn, self.name, self.cron))

    def next(self, count: int = 1) -> list[datetime]:
        """The next ticks from now, so many, as aware datetimes in the schedule's zone."""
        now = self._client.database.transact(store.clock)
        return list(itertools.islice(self.cron.ticks(now), count))

    def backfill(self, start: datetime, end: datetime, *, dry_run: bool = False) -> list[datetime]:
        """Start a run for each tick of a past time that has none: from ``start``, and before ``end``.

        start, end: aware datetimes; dry_run: only tell. Gives the ticks whose runs were started, or would be. A tick
        has one run, however often this is called and whatever happens in the middle of it; what waits in the queue of
        an overlap is left there. The runs start at once, whatever the policies say.

        Raises ValueError: a datetime has no zone, the end lies in the future, or there are too many ticks;
        InvalidInput; RunConflict: the key of a tick's run is that of a run with other input.
        """
        ticks = self._past(start, end)
        taken = self._transact(lambda conn: store_tick.taken(conn, self.name, start, end))
        free = [at for at in ticks if at.astimezone(UTC) not in taken]
        return free if dry_run else [at for at in free if self._start(at)]

    def info(self) -> Mapping[str, Any]:
        """Its row of the view ``durableflow.schedules``."""

        def read(conn: Connection) -> dict[str, Any] | None:
            with conn.cursor(row_factory=dict_row) as cursor:
                return cursor.execute("SELECT * FROM durableflow.schedules WHERE name = %s", (self.name,)).fetchone()

        row = self._transact(read)
        assert row is not None
        return row

    def _past(self, start: datetime, end: datetime) -> list[datetime]:
        for moment in (start, end):
            if moment.tzinfo is None:
                raise ValueError(f"{moment.isoformat()} has no time zone; for example tzinfo=UTC")
        now = self._client.database.transact(store.clock)
        if end > now:
            raise ValueError(f"a backfill is of the past: {end.isoformat()} is later than {now.isoformat()}")
        return ticks_between(self.cron, start, end)

    def _start(self, at: datetime) -> bool:
        """Start the run of a past tick. False: it has got one meanwhile."""
        client = self._client
        workflow = client.registry.workflow(self._entry.workflow)
        new = tick_run(workflow, self._entry, at, client.settings)
        publisher = client.publisher
        client._save_version(workflow)
        ticked = client.database.transact(
            lambda conn: store_tick.make_up(conn, self.name, at, new, publishes=publisher is not None)
        )
        if ticked.run_id is None:
            return False
        client._publish(publisher, Started(ticked.run_id, True, ticked.message))
        return True

    def _transact(self, work: Callable[[Connection], T]) -> T:
        """Run ``work`` where the schedule is in the table: it may be that no worker has ever started."""

        def registered(conn: Connection) -> T:
            store.register(conn, self._client.name, self._entry, replace=False)
            return work(conn)

        return self._client.database.transact(registered)

    def __repr__(self) -> str:
        return f"<schedule {self.name}: {self.cron.expression} {self.cron.tz}>"


def ticks_between(cron: Cron, start: datetime, end: datetime) -> list[datetime]:
    """The ticks from ``start``, and before ``end``. Raises ValueError where there are too many for one call."""
    found: list[datetime] = []
    for at in cron.ticks(start.astimezone(UTC) - datetime.resolution):
        if at.astimezone(UTC) >= end.astimezone(UTC):
            return found
        if len(found) == _MOST:
            raise ValueError(f"there are more than {_MOST} ticks of {cron.expression} in that time: divide it")
        found.append(at)
    return found


def tick_run(workflow: Workflow[..., Any], entry: Entry, at: datetime, settings: Settings) -> NewRun:
    """The run that a tick starts. Raises InvalidInput, NotStorable, ValueTooLarge."""
    local = at.astimezone(entry.cron.zone)
    args, kwargs = arguments(workflow.signature.full, local)
    key = f"{entry.name}@{at.astimezone(UTC).isoformat()}"
    call = workflow(*args, **kwargs)
    call._used = True  # it is started by its tick, and need not warn that nobody did
    return new_run(call, settings, key=key, labels={"schedule": entry.name}, priority=None, deadline=None)


def find(registry: Registry, name: "str | Workflow[..., Any]") -> Entry:
    """A schedule by its name, or of a workflow that has one. Raises UnknownSchedule with the names that come closest,
    ValueError where the workflow has several."""
    if isinstance(name, Workflow):
        if len(name.schedules) == 1:
            return name.schedules[0]
        if name.schedules:
            several = ", ".join(entry.name for entry in name.schedules)
            raise ValueError(f"{name.name} has several schedules: ask for one by its name: {several}")
        raise UnknownSchedule(f"{name.name} has no schedule: @df.workflow(schedule=Cron(...)) gives it one")
    known = {entry.name: entry for workflow in registry.workflows for entry in workflow.schedules}
    if name in known:
        return known[name]
    close = difflib.get_close_matches(str(name), known, n=3, cutoff=0.5)
    hint = f"did you mean {' or '.join(close)}?" if close else f"there are: {', '.join(sorted(known)[:10]) or 'none'}"
    raise UnknownSchedule(f"no workflow has a schedule named {name}; {hint}")


def check_names(registry: Registry, workflow: Workflow[..., Any]) -> None:
    """Raise DuplicateDefinition where another workflow has a schedule of the same name."""
    for other in registry.workflows:
        for name in {entry.name for entry in other.schedules} & {entry.name for entry in workflow.schedules}:
            if other.name != workflow.name:
                raise DuplicateDefinition(
                    f"{other.name} and {workflow.name} both have a schedule named {name}: give one a name of its own, "
                    f"Cron(..., name={name + '-2'!r})"
                )
