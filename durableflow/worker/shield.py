"""Time limits: keep Celery's out of a commit, and have one where Celery has none.

Celery's soft limit arrives as a signal whose handler raises wherever the child happens to be. In the middle of a
statement that leaves the row committed, the connection unusable, and the attempt believing that it failed. So the
signal is held back once the body has returned, and swallowed if it came meanwhile: the work was done by then.
"""

import signal
import threading
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from typing import Any

from billiard.exceptions import SoftTimeLimitExceeded
from billiard.process import current_process

TURN_LIMIT = 20.0
"""Seconds that a workflow's own code may take from one await to the next."""

_CELERYS = getattr(signal, "SIGUSR1", None)
_OURS = getattr(signal, "SIGALRM", None)


class TurnHangs(BaseException):
    """A workflow's own code ran longer than TURN_LIMIT. Not an Exception, so that the code cannot catch it."""


@contextmanager
def shielded() -> Iterator[None]:
    """Hold Celery's soft time limit back for the time of the block, and for good where it comes meanwhile."""
    if _CELERYS is None or not _in_main_thread():
        yield  # the other threads are never sent one
        return
    before = signal.pthread_sigmask(signal.SIG_BLOCK, {_CELERYS})
    try:
        yield
    finally:
        with suppress(SoftTimeLimitExceeded):
            signal.pthread_sigmask(signal.SIG_SETMASK, before)


@contextmanager
def put_off() -> Iterator[None]:
    """Have Celery's soft time limit wait for the end of the block, and raise it there."""
    if _CELERYS is None or not _in_main_thread():
        yield
        return
    before = signal.pthread_sigmask(signal.SIG_BLOCK, {_CELERYS})
    try:
        yield
    finally:
        signal.pthread_sigmask(signal.SIG_SETMASK, before)


@contextmanager
def body_limit(seconds: float | None) -> Iterator[None]:
    """Raise SoftTimeLimitExceeded in the block after so many seconds, in a pool where Celery does not: in solo's main
    thread. Where each step has a thread, nothing can interrupt it."""
    if seconds is None or is_pool_child():
        yield
        return
    with _alarm(seconds, SoftTimeLimitExceeded):
        yield


@contextmanager
def turn_limit() -> Iterator[None]:
    """Raise TurnHangs in the block after TURN_LIMIT, where a main thread runs it."""
    with _alarm(TURN_LIMIT, TurnHangs):
        yield


def is_pool_child() -> bool:
    """Whether this process is one of a prefork pool's, whose parent keeps the time of steps."""
    return bool(current_process()._name != "MainProcess")


@contextmanager
def _alarm(seconds: float, error: type[BaseException]) -> Iterator[None]:
    if _OURS is None or not _in_main_thread():
        yield
        return

    def ring(number: int, frame: Any) -> None:
        raise error

    before = signal.signal(_OURS, ring)
    signal.setitimer(signal.ITIMER_REAL, seconds)
    try:
        yield
    finally:
        signal.setitimer(signal.ITIMER_REAL, 0.0)
        signal.signal(_OURS, before)


def _in_main_thread() -> bool:
    return threading.current_thread() is threading.main_thread()
