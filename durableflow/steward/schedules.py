"""Start what is due by the schedules of this worker's application.

Not the leader's duty: several applications may share a database, and a schedule can be served only where its workflow
is defined. All workers that have it try; the row lock, and the tick that the row expects, let one of them. A worker
whose code has a schedule otherwise than the table has it leaves it to those of the newer deploy.
"""

import itertools
import logging
from collections.abc import Callable, Sequence
from datetime import UTC, datetime, timedelta

from durableflow.errors import DurableFlowError
from durableflow.language.cron import Cron
from durableflow.language.schedules import Entry
from durableflow.steward import threads
from durableflow.steward.duty import Done, Duty
from durableflow.steward.post import Post
from durableflow.store import schedule, tick
from durableflow.store.faults import is_transient
from durableflow.store.schedule import Standing
from durableflow.store.start import NewRun
from durableflow.store.successor import Connection
from durableflow.store.tick import Ticked

log = logging.getLogger("durableflow.steward")

PAGE = 500
"""Ticks of one schedule that are looked at in one go, however many were missed."""

_SLICE = 0.2  # seconds after which the other duties have their turn: a lease has to be renewed
_AT_ONCE = 0.0
_LOCKED = 0.2  # another worker has it in hand, or the database is slow
_QUEUED = 1.0  # the end of a run tells nobody
_FAILED = 5.0
_PRUNE_EVERY = 60.0
_PRUNE_BATCH = 500

NewTick = Callable[[Entry, datetime], NewRun]
"""What a tick starts. Raises DurableFlowError, or whatever the author's own types raise."""


class Schedules(Duty):
    """Sleeps until the next tick, and at most for its interval, so that a pause is heeded soon.

    entries: the schedules of this worker's code; new_run: the run of a tick; retention: seconds after which ticks
    whose runs were pruned are forgotten, None: never.
    """

    name = "schedules"
    interval = 5.0

    def __init__(self, entries: Sequence[Entry], new_run: NewTick, post: Post, retention: float | None = None) -> None:
        self._entries = {entry.name: entry for entry in entries}
        self._new_run = new_run
        self._post = post
        self._retention = retention
        self._pruned_at = threads.monotonic()
        self._first = 0
        self._told: set[str] = set()
        self._failing: set[str] = set()

    def wanted(self) -> bool:
        return bool(self._entries)

    def run_once(self, conn: Connection) -> Done:
        until = threads.monotonic() + _SLICE
        count, again = self._prune(conn), self.interval
        standings = [standing for standing in schedule.standings(conn, list(self._entries)) if self._serves(standing)]
        # One that has much to catch up on uses the slice up: next time, the one after it comes first.
        for n in range(len(standings)):
            if n and threads.monotonic() >= until:
                self._first, again = self._first + n, _AT_ONCE if count else _LOCKED
                break
            done = self._guarded(conn, standings[(self._first + n) % len(standings)], until)
            count += done.count
            again = min(again, self.interval if done.again is None else done.again)
        return Done(count, again=again)

    def _serves(self, standing: Standing) -> bool:
        ours = standing.is_of(self._entries[standing.name])
        if not ours and standing.name not in self._told:
            self._told.add(standing.name)
            log.warning(
                "schedule %s is not served by this worker: one that started later has another definition of it",
                standing.name,
            )
        return ours and standing.live

    def _guarded(self, conn: Connection, standing: Standing, until: float) -> Done:
        try:
            done = self._run(conn, standing, until)
        except Exception as error:
            if conn.closed or is_transient(error):
                raise
            if standing.name not in self._failing:
                self._failing.add(standing.name)
                log.error("schedule %s failed: it is tried again", standing.name, exc_info=error)
            return Done(again=_FAILED)
        self._failing.discard(standing.name)
        return done

    def _run(self, conn: Connection, standing: Standing, until: float) -> Done:
        """Deal with what waits, and with what is due, for as long as there is time."""
        cron, count, waits = self._entries[standing.name].cron, 0, self.interval
        if standing.queued_at is not None:
            count, waits = self._release(conn, standing.name, standing.queued_at)
        ticks, following = due(cron, standing.next_at, standing.now)
        missed: list[datetime] = []
        for at, then in itertools.pairwise([*ticks, following]):
            if is_missed(cron, at, then, standing.now):
                missed.append(at)
                continue
            if missed and not self._miss(conn, standing.name, missed, then=at):
                return Done(count, again=_LOCKED)
            count, missed = count + len(missed), []
            if not self._fire(conn, standing.name, at, then):
                return Done(count, again=_LOCKED)
            count += 1
            if threads.monotonic() >= until:
                return Done(count, again=_AT_ONCE)
        if missed and not self._miss(conn, standing.name, missed, then=following):
            return Done(count, again=_LOCKED)
        left = (following.astimezone(UTC) - standing.now).total_seconds()
        return Done(count + len(missed), again=min(max(left, _AT_ONCE), waits))

    def _fire(self, conn: Connection, name: str, at: datetime, then: datetime) -> bool:
        publishes = self._post.free  # a broker that is away is the leader's concern, who finds the wake
        ticked = tick.fire(conn, name, at, self._prepared(name, at), then=then, publishes=publishes)
        self._after(name, at, ticked, publishes)
        return ticked is not None

    def _release(self, conn: Connection, name: str, at: datetime) -> tuple[int, float]:
        publishes = self._post.free
        ticked = tick.release(conn, name, at, self._prepared(name, at), publishes=publishes)
        self._after(name, at, ticked, publishes)
        return int(ticked is not None), _QUEUED

    def _miss(self, conn: Connection, name: str, ticks: Sequence[datetime], *, then: datetime) -> bool:
        landed = tick.miss(conn, name, ticks, then=then)
        if landed:
            log.warning("schedule %s: %d ticks were missed, from %s to %s", name, len(ticks), ticks[0], ticks[-1])
        return landed

    def _prepared(self, name: str, at: datetime) -> NewRun | str:
        """Made before the transaction: no code of the author's runs in one."""
        try:
            return self._new_run(self._entries[name], at)
        except DurableFlowError as refused:
            return str(refused)
        except Exception as error:  # of a type of the author's, that validates the tick
            return f"{type(error).__name__}: {error}"

    def _after(self, name: str, at: datetime, ticked: Ticked | None, publishes: bool) -> None:
        if ticked is None:
            return
        if ticked.message is not None and publishes:
            self._post.send([ticked.message])
        if ticked.state == "started":
            log.info("schedule %s: run %s for %s", name, ticked.run_id, at)
        elif ticked.reason is not None:
            log.warning("schedule %s: nothing was started for %s: %s", name, at, ticked.reason)

    def _prune(self, conn: Connection) -> int:
        if self._retention is None or threads.monotonic() - self._pruned_at < _PRUNE_EVERY:
            return 0
        removed = tick.prune(conn, self._retention, limit=_PRUNE_BATCH)
        if removed < _PRUNE_BATCH:
            self._pruned_at = threads.monotonic()
        return removed


def due(cron: Cron, next_at: datetime, now: datetime, *, limit: int = PAGE) -> tuple[list[datetime], datetime]:
    """The ticks from ``next_at`` that are due, at most so many, in their order; and the one that follows them."""
    found: list[datetime] = []
    for at in itertools.chain([next_at.astimezone(cron.zone)], cron.ticks(next_at)):
        if len(found) == limit or at.astimezone(UTC) > now:
            return found, at
        found.append(at)
    raise AssertionError(f"{cron} has no tick after {next_at}")


def is_missed(cron: Cron, at: datetime, then: datetime, now: datetime) -> bool:
    """Whether a tick that is due is given up; then: the tick after it."""
    late = now - at.astimezone(UTC) > timedelta(seconds=cron.grace_seconds)
    if not late or cron.catch_up == "all":
        return False
    return cron.catch_up == "skip" or then.astimezone(UTC) <= now
