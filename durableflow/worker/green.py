"""Time limits where steps are greenlets: the gevent pool.

Celery has a hard limit there, a ``gevent.Timeout`` around the whole task, and no soft one. Neither gevent nor Celery
can interrupt a greenlet that computes and never waits: it keeps the loop, and whatever was to interrupt it. So a limit
here is two things: a timeout for a greenlet that waits, and, a moment later, an alarm signal for one that does not. The
handler of a signal runs in whichever greenlet has the thread at that moment, and so it knows the culprit.
"""

import signal
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

from durableflow.errors import StepTimedOut
from durableflow.steward import threads

_LATER = 0.2
"""Seconds by which the signal lets the timeout go first."""


class _Never(BaseException):
    """What nobody raises."""


def timeouts() -> type[BaseException]:
    """The exception by which gevent's timeouts end a block, for an ``except`` clause."""
    if not threads.are_greenlets():
        return _Never
    found: type[BaseException] = sys.modules["gevent"].Timeout
    return found


@contextmanager
def hard_limit() -> Iterator[None]:
    """Around a body: a timeout that comes out of it, Celery's or one of its own, is a failure like any other."""
    try:
        yield
    except timeouts() as timeout:
        seconds = getattr(timeout, "seconds", None)
        raise StepTimedOut(
            f"a gevent.Timeout of {seconds or 0:g} s ended the step: its hard time limit, or one that it had set itself"
        ) from None


@contextmanager
def limit(seconds: float, error: type[BaseException]) -> Iterator[None]:
    """Raise ``error`` in the block after so many seconds, whether its greenlet waits or computes."""
    import gevent

    me = gevent.getcurrent()
    timeout = gevent.Timeout(seconds, error)
    timeout.start()
    _watch.add(me, time.monotonic() + seconds + _LATER, timeout, error)
    try:
        yield
    finally:
        timeout.close()
        _watch.remove(me)


class _Watch:
    """The greenlets with a limit, and the one alarm that the process has for all of them."""

    def __init__(self) -> None:
        self._limits: dict[Any, tuple[float, Any, type[BaseException]]] = {}
        self._before: Any = None

    def add(self, greenlet: Any, deadline: float, timeout: Any, error: type[BaseException]) -> None:
        if not hasattr(signal, "SIGALRM"):
            return
        if self._before is None:
            self._before = signal.signal(signal.SIGALRM, self._ring) or signal.SIG_DFL
        self._limits[greenlet] = (deadline, timeout, error)
        self._set()

    def remove(self, greenlet: Any) -> None:
        self._limits.pop(greenlet, None)
        self._set()
        if not self._limits and self._before is not None:
            signal.signal(signal.SIGALRM, self._before)
            self._before = None

    def _set(self) -> None:
        now = time.monotonic()
        earliest = min((deadline for deadline, _, _ in self._limits.values()), default=None)
        signal.setitimer(signal.ITIMER_REAL, 0.0 if earliest is None else max(earliest - now, _LATER))

    def _ring(self, number: int, frame: Any) -> None:
        import greenlet

        me, now = greenlet.getcurrent(), time.monotonic()
        for each, (_, timeout, _) in list(self._limits.items()):
            if not timeout.pending:  # it waited, and was interrupted; what it does after that is its own affair
                del self._limits[each]
        deadline, timeout, error = self._limits.get(me, (float("inf"), None, _Never))
        if deadline <= now:
            del self._limits[me]
        self._set()
        if deadline <= now and timeout is not None:
            timeout.cancel()
            raise error


_watch = _Watch()
