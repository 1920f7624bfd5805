"""Threads and locks that are real ones, also in a process that gevent or eventlet has patched.

A greenlet's heartbeat stops while a busy task holds the loop, and its worker is declared dead; so the steward runs on
threads of the operating system, and waits on locks of the operating system.
"""

import sys
import time
from collections.abc import Callable
from contextlib import suppress
from typing import Any


def original(name: str) -> Any:
    """A function of the module ``_thread`` as it was before any patch."""
    gevent = sys.modules.get("gevent.monkey")
    if gevent is not None:
        return gevent.get_original("_thread", name)
    eventlet = sys.modules.get("eventlet.patcher")
    module = eventlet.original("_thread") if eventlet is not None else __import__("_thread")
    return getattr(module, name)


def are_greenlets() -> bool:
    """Whether what this process takes for threads are greenlets of gevent's: several of them share a thread of the
    operating system, and its gevent loop."""
    gevent = sys.modules.get("gevent.monkey")
    return gevent is not None and bool(gevent.is_module_patched("threading"))


class Alarm:
    """Wakes one waiting thread. Set before anybody waits, the next wait returns at once; set twice, it counts once."""

    def __init__(self) -> None:
        self._lock = original("allocate_lock")()
        self._lock.acquire()

    def set(self) -> None:
        """Wake the thread that waits, or the next one that is going to."""
        with suppress(RuntimeError):  # it was set already
            self._lock.release()

    def wait(self, seconds: float) -> bool:
        """Wait for the alarm. False: it did not go off in that time."""
        return bool(self._lock.acquire(True, max(seconds, 0.0)))


class Thread:
    """A daemon thread of the operating system."""

    def __init__(self, target: Callable[[], None]) -> None:
        self._target = target
        self._done = Alarm()
        self.alive = False

    def start(self) -> None:
        """Run the target on a thread of its own."""
        self.alive = True
        original("start_new_thread")(self._run, ())

    def join(self, seconds: float) -> bool:
        """Wait for the end. False: it has not come in that time."""
        ended = not self.alive or self._done.wait(seconds)
        if ended:
            self._done.set()
        return ended

    def _run(self) -> None:
        try:
            self._target()
        finally:
            self.alive = False
            self._done.set()


def monotonic() -> float:
    """This process' own clock, in seconds: for intervals, never for a decision that the database takes by its clock."""
    return time.monotonic()
