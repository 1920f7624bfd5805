"""What every duty is, and the one loop that runs them.

A duty does one thing when it is asked to, ``run_once``, and says when it wants to be asked again. It neither sleeps nor
loops nor logs that it failed: ``Rota`` does, with one connection and one thread for all the duties in it. Tests call
``run_once``.
"""

import logging
from collections import deque
from collections.abc import Callable, Sequence
from dataclasses import dataclass

from durableflow.steward import threads
from durableflow.steward.link import Link
from durableflow.steward.threads import Alarm, Thread
from durableflow.store.faults import is_transient
from durableflow.store.successor import Connection

log = logging.getLogger("durableflow.steward")

_PASSING = 10
"""So many times in a row an error that should pass by itself may happen before it counts as one that does not."""

Job = Callable[[Connection], None]


@dataclass(frozen=True, slots=True)
class Done:
    """What one run of a duty came to. count: rows that it changed; again: seconds after which it wants to run again,
    None: after its interval."""

    count: int = 0
    again: float | None = None


class Duty:
    """One of the steward's duties.

    interval: seconds between two runs; hurries: duties that have something to do once this one has done something.
    """

    name: str = ""
    interval: float = 1.0
    hurries: Sequence["Duty"] = ()

    def start(self, conn: Connection) -> None:
        """The duty begins, or goes on over a new connection."""

    def stop(self, conn: Connection) -> None:
        """The duty ends, and leaves nothing behind that others would wait for."""

    def wanted(self) -> bool:
        """Whether it should run at present."""
        return True

    def hurried(self) -> None:
        """Another duty has just given this one something to do."""

    def run_once(self, conn: Connection) -> Done:
        """Do what there is to do now."""
        raise NotImplementedError


class Rota:
    """Duties that share a connection and a thread.

    A duty that fails is logged once, until it has worked again, and is tried again at growing intervals; it stops
    neither the others nor the loop.
    """

    def __init__(self, name: str, link: Link, duties: Sequence[Duty]) -> None:
        self._name = name
        self._link = link
        self._duties = tuple(duties)
        self._due = dict.fromkeys(self._duties, 0.0)
        self._failures = dict.fromkeys(self._duties, 0)
        self._reported: set[Duty] = set()
        self._jobs: deque[Job] = deque()
        self._job_failures = 0
        self._alarm = Alarm()
        self._stopping = False
        self._thread = Thread(self._loop)

    def start(self) -> None:
        """Begin; returns at once."""
        self._thread.start()

    def stop(self, seconds: float) -> bool:
        """End each duty, and the thread. False: it hangs on the database, and was left to itself."""
        self._stopping = True
        self._alarm.set()
        return self._thread.join(seconds)

    def hurry(self, duty: Duty) -> None:
        """Have the duty run now. May be called from any thread."""
        self._due[duty] = 0.0
        self._alarm.set()

    def submit(self, job: Job) -> None:
        """Run the job on this connection, as soon as there is one. May be called from any thread."""
        self._jobs.append(job)
        self._alarm.set()

    def _loop(self) -> None:
        while not self._stopping:
            conn = self._link.present() or self._connect()
            self._alarm.wait(self._link.pause() if conn is None else self._round(conn))
        self._finish()

    def _connect(self) -> Connection | None:
        conn = self._link.connect()
        if conn is None:
            return None
        for duty in self._duties:
            if not self._guarded(duty, lambda duty=duty: duty.start(conn)):  # type: ignore[misc]
                self._link.failed()  # half begun is not begun: once more, from the start
                return None
            self._due[duty] = 0.0
        self._link.works()
        return conn

    def _round(self, conn: Connection) -> float:
        """Run what is due, and give the seconds until the next is."""
        self._run_jobs(conn)
        for duty in self._duties:
            if conn.closed or self._stopping:
                return 0.0
            if self._due[duty] <= threads.monotonic() and duty.wanted():
                self._guarded(duty, lambda duty=duty: self._run(duty, conn))  # type: ignore[misc]
        waiting = [self._due[duty] for duty in self._duties if duty.wanted()]
        return max(min(waiting, default=threads.monotonic() + 1.0) - threads.monotonic(), 0.0)

    def _run(self, duty: Duty, conn: Connection) -> None:
        self._due[duty] = threads.monotonic() + duty.interval
        done = duty.run_once(conn)
        if done.again is not None:
            self._due[duty] = threads.monotonic() + done.again
        if done.count:
            for other in duty.hurries:
                other.hurried()
                self._due[other] = 0.0

    def _guarded(self, duty: Duty, action: Callable[[], None]) -> bool:
        try:
            action()
        except Exception as error:
            self._after_failure(duty, error)
            return False
        self._failures[duty] = 0
        self._reported.discard(duty)
        return True

    def _after_failure(self, duty: Duty, error: Exception) -> None:
        self._failures[duty] += 1
        passing = is_transient(error) and self._failures[duty] < _PASSING  # a deadlock, a connection that is gone
        pause = min(duty.interval, 0.2) if passing else min(duty.interval * 2 ** min(self._failures[duty], 6), 30.0)
        self._due[duty] = threads.monotonic() + pause
        if not passing and duty not in self._reported:
            self._reported.add(duty)
            log.error("%s failed: it is tried again, and reported again once it has worked", duty.name, exc_info=error)

    def _run_jobs(self, conn: Connection) -> None:
        while self._jobs and not conn.closed:
            try:
                self._jobs[0](conn)
            except Exception as error:
                self._job_failures += not conn.closed
                if is_transient(error) and self._job_failures < _PASSING:
                    return  # it stays the first, for the next round or the next connection
                log.error("a job failed", exc_info=error)
            self._jobs.popleft()
            self._job_failures = 0

    def _finish(self) -> None:
        conn = self._link.present() or self._link.connect()
        if conn is not None:
            self._run_jobs(conn)
            for duty in reversed(self._duties):
                self._guarded(duty, lambda duty=duty: duty.stop(conn))  # type: ignore[misc]
        self._link.drop()
