"""An event loop on a thread of the operating system, for the coroutines of greenlets.

The greenlet waits for its coroutine as for a socket: the others run meanwhile. It may be interrupted while it waits, by
a time limit or by the worker's end. Then its coroutine is cancelled, after a soft limit with a moment to clean up.
"""

import asyncio
import contextvars
import logging
import os
from collections.abc import Callable, Coroutine
from typing import Any

from billiard.exceptions import SoftTimeLimitExceeded

from durableflow.steward import threads

_log = logging.getLogger(__name__)

_CLEANUP = 10.0
"""Seconds for a coroutine that was cancelled."""


def run_for_greenlet(coroutine: Coroutine[Any, Any, Any]) -> Any:
    """Run the coroutine to its end, in the context of the greenlet that calls. Gives its value, or raises its error.

    Raises:
        BaseException: what interrupted the greenlet, where the coroutine has ended because of that, or goes on although
            it was cancelled.
    """
    from gevent.event import Event

    ended = Event()
    bell = _Bell(ended.set)
    try:
        loop, work = _loop(), _Work(coroutine, bell.ring)
        loop.call_soon_threadsafe(work.begin, context=contextvars.copy_context())
        try:
            ended.wait()
        except BaseException as interruption:
            loop.call_soon_threadsafe(work.cancel)
            if not isinstance(interruption, SoftTimeLimitExceeded) or not ended.wait(_CLEANUP) or work.was_cancelled:
                raise
        return work.outcome()
    finally:
        bell.close()


class _Bell:
    """Wakes a greenlet from another thread: the one thing that another thread may do to a loop of gevent's."""

    def __init__(self, woken: Callable[[], None]) -> None:
        import gevent

        self._watcher = gevent.get_hub().loop.async_()
        self._watcher.start(woken)
        self._lock = threads.original("allocate_lock")()

    def ring(self) -> None:
        with self._lock:
            if self._watcher is not None:
                self._watcher.send()

    def close(self) -> None:
        with self._lock:
            self._watcher.stop()
            self._watcher.close()
            self._watcher = None


class _Work:
    """A coroutine on the loop. done: is called on the loop's thread at its end."""

    def __init__(self, coroutine: Coroutine[Any, Any, Any], done: Callable[[], None]) -> None:
        self._coroutine = coroutine
        self._done = done
        self._task: asyncio.Task[None] | None = None
        self._value: Any = None
        self._error: BaseException | None = None

    @property
    def was_cancelled(self) -> bool:
        return isinstance(self._error, asyncio.CancelledError)

    def begin(self) -> None:
        self._task = asyncio.get_running_loop().create_task(self._run())

    def cancel(self) -> None:
        if self._task is not None:
            self._task.cancel()

    def outcome(self) -> Any:
        if self._error is not None:
            raise self._error
        return self._value

    async def _run(self) -> None:
        try:
            self._value = await self._coroutine
        except BaseException as error:  # also SystemExit, which would end the loop, and with it the steps of others
            self._error = error
        self._done()


_loops: dict[int, asyncio.AbstractEventLoop] = {}
"""By process: a forked child has no thread of its parent's."""


def _loop() -> asyncio.AbstractEventLoop:
    pid = os.getpid()
    if pid not in _loops:
        begun = threads.Alarm()

        def serve() -> None:
            loop = _loops[pid] = asyncio.new_event_loop()
            loop.call_soon(begun.set)
            while True:
                try:
                    loop.run_forever()
                except BaseException as error:  # raised by a callback that a step has left there
                    _log.error("the event loop of the steps goes on after an error", exc_info=error)

        threads.Thread(serve).start()
        begun.wait(60.0)
    return _loops[pid]
