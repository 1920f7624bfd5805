"""Start runs and wait for them in a coroutine, whose event loop goes on with other things meanwhile.

All the runs that an event loop waits for are looked at together, with one SELECT a look, in a thread that is borrowed
for the time of that statement. So ten thousand requests that wait hold no thread and no connection each. Every run has
pauses of its own between the looks, as in `waiting`: at first short ones, then a quarter of a second.

Whoever waits can be cancelled at any time: neither the run nor anybody else who waits notices.
"""

import asyncio
import contextvars
from collections.abc import Mapping
from contextlib import suppress
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import TypeVar
from uuid import UUID

from durableflow.client.database import Database
from durableflow.client.facade import Client
from durableflow.client.waiting import (
    FIRST_PAUSE,
    GROWTH,
    LONGEST_PAUSE,
    PATIENCE,
    not_found,
    outcome,
    state_of,
    timed_out,
)
from durableflow.errors import DatabaseUnreachable
from durableflow.language import Call, Run
from durableflow.store.load import RunState, run_states

T = TypeVar("T")


async def started(
    call: Call[T],
    *,
    key: str | None = None,
    labels: Mapping[str, str] | None = None,
    priority: int | None = None,
    deadline: datetime | timedelta | None = None,
) -> Run[T]:
    """Start a run, as :meth:`durableflow.Call.start` does, without blocking the event loop.

    Cancelled while it does so, it may have started the run or not: with a ``key``, it can simply be called again.
    Raises what ``start`` raises.
    """
    return await asyncio.to_thread(call.start, key=key, labels=labels, priority=priority, deadline=deadline)


async def result_of(run: Run[T], timeout: float | timedelta | None = None) -> T:
    """Wait until a run has ended, as :meth:`durableflow.Run.result` does, without blocking the event loop.

    timeout: seconds (or a timedelta) to wait; None waits for as long as it takes. Raises what ``result`` raises.
    """
    client = run._runs
    if not isinstance(client, Client):  # somebody else who holds runs
        return await asyncio.to_thread(run.result, timeout)
    database = client.database
    ended = await _end(database, run.id, timeout)
    result: T = await asyncio.to_thread(outcome, database, ended)
    return result


async def _end(database: Database, run_id: UUID, timeout: float | timedelta | None) -> RunState:
    seconds = timeout.total_seconds() if isinstance(timeout, timedelta) else timeout
    try:
        async with asyncio.timeout(seconds):
            return await _watch_of(database).end_of(run_id)
    except TimeoutError:
        pass
    state = await asyncio.to_thread(state_of, database, run_id)
    if state.state == "running":
        raise await asyncio.to_thread(timed_out, database, state, seconds or 0.0)
    return state


@dataclass(eq=False, slots=True)
class _Waiter:
    """One who waits for a run. due: when it is looked at next, by the loop's clock, after a pause of so many seconds;
    away_since: when the database was first found to be away, in a row."""

    run_id: UUID
    ended: asyncio.Future[RunState]
    due: float
    pause: float = FIRST_PAUSE
    away_since: float | None = None

    def looked(self, state: RunState | None, now: float) -> None:
        self.away_since = None
        if self.ended.done():
            return  # who waited has gone
        if state is None:
            self.ended.set_exception(not_found(self.run_id))
        elif state.state != "running":
            self.ended.set_result(state)
        else:
            self._again(now)

    def missed(self, error: DatabaseUnreachable, now: float) -> None:
        self.away_since = self.away_since or now
        if self.ended.done():
            return
        if now - self.away_since > PATIENCE:
            self.ended.set_exception(error)
        else:
            self._again(now)

    def _again(self, now: float) -> None:
        self.due = now + self.pause
        self.pause = min(self.pause * GROWTH, LONGEST_PAUSE)


class _Watch:
    """Looks at the runs that one event loop waits for in one database. Its task lives while somebody waits."""

    def __init__(self, database: Database) -> None:
        self._database = database
        self._waiters: set[_Waiter] = set()
        self._news = asyncio.Event()
        # In a context of its own: it serves all, and is no part of the request that happened to come first.
        self._task = asyncio.get_running_loop().create_task(self._look_on(), context=contextvars.Context())

    async def end_of(self, run_id: UUID) -> RunState:
        loop = asyncio.get_running_loop()
        waiter = _Waiter(run_id, loop.create_future(), loop.time())
        self._waiters.add(waiter)
        self._news.set()
        try:
            return await waiter.ended
        finally:
            self._waiters.discard(waiter)
            self._news.set()

    async def _look_on(self) -> None:
        loop = asyncio.get_running_loop()
        try:
            while self._waiters:
                self._news.clear()
                due = [waiter for waiter in self._waiters if waiter.due <= loop.time()]
                if due:
                    await self._look_at(due)
                else:
                    with suppress(TimeoutError):
                        async with asyncio.timeout_at(min(waiter.due for waiter in self._waiters)):
                            await self._news.wait()
        except BaseException as error:
            for waiter in self._waiters:
                if not waiter.ended.done():
                    if isinstance(error, Exception):
                        waiter.ended.set_exception(error)
                    else:
                        waiter.ended.cancel()
            if not isinstance(error, Exception):
                raise
        finally:
            del _watches[loop, self._database]

    async def _look_at(self, waiters: list[_Waiter]) -> None:
        loop = asyncio.get_running_loop()
        run_ids = {waiter.run_id for waiter in waiters if not waiter.ended.done()}
        try:
            states = await asyncio.to_thread(self._database.transact, lambda conn: run_states(conn, run_ids))
        except DatabaseUnreachable as error:
            for waiter in waiters:
                waiter.missed(error, loop.time())
        else:
            for waiter in waiters:
                waiter.looked(states.get(waiter.run_id), loop.time())
        self._waiters.difference_update([waiter for waiter in waiters if waiter.ended.done()])


_watches: dict[tuple[asyncio.AbstractEventLoop, Database], _Watch] = {}
"""Those whose task is alive."""


def _watch_of(database: Database) -> _Watch:
    here = asyncio.get_running_loop(), database
    if here not in _watches:
        _watches[here] = _Watch(database)
    return _watches[here]
