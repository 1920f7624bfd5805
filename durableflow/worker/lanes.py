"""What a process keeps from use to use, and how many of it are in use at a time: connections, to whatever.

All threads of a process share one lane. Where steps are greenlets, each thread of the operating system has a lane of
its own: a socket that gevent has patched belongs to the loop of the thread that made it, and so do those greenlets that
wait for a place.
"""

import threading
from collections import deque
from typing import Generic, TypeVar

from durableflow.steward import threads

T = TypeVar("T")

MOST = 10
"""In use at a time, of each kind. A transaction or a publish takes milliseconds, and one interpreter runs them all:
more would bring a pool of hundreds of greenlets no further, and PostgreSQL to its limit."""


class Lane(Generic[T]):
    """idle: to be taken from the right and put back there; places: to be held by whoever has taken one."""

    def __init__(self, most: int) -> None:
        self.idle: deque[T] = deque()
        self.places = threading.BoundedSemaphore(most)


class Lanes(Generic[T]):
    """The lanes of this process; most: places in each."""

    def __init__(self, most: int = MOST) -> None:
        self._most = most
        self._shared: Lane[T] = Lane(most)
        self._own: dict[int, Lane[T]] = {}

    def here(self) -> Lane[T]:
        """The lane of whoever asks."""
        if not threads.are_greenlets():
            return self._shared
        thread = threads.original("get_ident")()
        lane = self._own.get(thread)
        if lane is None:
            lane = self._own[thread] = Lane(self._most)
        return lane

    def idle(self) -> list[T]:
        """Take everything that is not in use."""
        found: list[T] = []
        for lane in (self._shared, *self._own.values()):
            while lane.idle:
                found.append(lane.idle.pop())
        return found

    def start_over(self) -> list[T]:
        """In a forked child, where other threads' places would never be given back: begin anew. Gives what was idle."""
        inherited = self.idle()
        self._shared, self._own = Lane(self._most), {}
        return inherited
