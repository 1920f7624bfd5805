"""One worker process of the stack, started again when it dies."""

import os
import signal
import sys
import time
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path

from durableflow.devstack import statedir
from durableflow.devstack.process import Child, wait_until

_FIRST_DELAY = 0.5  # seconds until a worker that died is started again; doubles while it keeps dying
_LONGEST_DELAY = 10.0
_LIVED_WELL = 10.0  # seconds after which a death is a first one again
_USAGE_ERROR = 2  # `durableflow worker` was asked for something that cannot work: a name that does not exist, say


class WorkerProcess:
    """``durableflow worker`` as a child process with a log file of its own.

    Args:
        number: from 1; part of the worker's Celery name and of its log's.
        app: ``module:attribute`` of the application.
        options: further options of ``durableflow worker``.
        env: the whole environment of the process.
        log: file that takes everything the worker writes.
    """

    def __init__(self, number: int, app: str, options: Sequence[str], env: Mapping[str, str], log: Path) -> None:
        self.name = f"worker-{number}"
        self.log = log
        self._command = [sys.executable, "-m", "durableflow", "worker", app, "-n", f"{self.name}@%h", *options]
        self._env = env
        self._child: Child | None = None
        self._started_at = 0.0
        self._delay = _FIRST_DELAY
        self._due_at: float | None = None

    @property
    def pid(self) -> int | None:
        """The id of the worker's main process; None while there is none."""
        return None if self._child is None else self._child.pid

    def start(self) -> None:
        with os.fdopen(statedir.open_log(self.log), "ab") as output:
            # Asked more politely, Celery tries for a while to reach the servers, which end at the same moment.
            self._child = Child(self._command, orphan_signal=signal.SIGKILL, env=self._env, output=output)
        self._started_at = time.monotonic()
        self._due_at = None

    def tend(self) -> str | None:
        """Start the worker again if it has died and its delay is over. Returns what happened, for the terminal."""
        if self._child is not None:
            status = self._child.poll()
            return None if status is None else self._bury(status)
        if self._due_at is not None and time.monotonic() >= self._due_at:
            self.start()
            return f"{self.name} runs again, process {self.pid}"
        return None

    @property
    def hopeless(self) -> bool:
        """Whether the worker said that it can never run like this, so that starting it again makes no sense."""
        return self._child is None and self._due_at is None

    def ask_to_stop(self, number: signal.Signals) -> None:
        self._due_at = None
        if self._child is not None:
            self._child.send(number)

    def ended(self) -> bool:
        return self._child is None or self._child.poll() is not None

    def kill(self) -> None:
        """SIGKILL the worker and its pool, at once."""
        if self._child is not None:
            self._child.kill()
            self._child = None

    def _bury(self, status: int) -> str:
        assert self._child is not None  # only called for a child that has ended
        pid = self._child.pid
        self._child.kill()  # what is left of its pool
        self._child = None
        if status == _USAGE_ERROR:
            return f"{self.name} cannot start; its log, {self.log}, ends with:\n{statedir.tail(self.log)}"
        if time.monotonic() - self._started_at >= _LIVED_WELL:
            self._delay = _FIRST_DELAY
        delay, self._delay = self._delay, min(self._delay * 2, _LONGEST_DELAY)
        self._due_at = time.monotonic() + delay
        return f"{self.name}, process {pid}, {_describe(status)}; starting it again in {delay:g} s (log: {self.log})"


def stop_all(workers: Sequence[WorkerProcess], patience: float, *, hurried: Callable[[], bool]) -> None:
    """Let all workers finish what they do, then end them; a step that is cut short is rescued later.

    Args:
        workers: what to stop, all at the same time.
        patience: seconds until running steps are no longer waited for.
        hurried: asked all the time; True: do not wait any longer.
    """
    for number, seconds in ((signal.SIGTERM, patience), (signal.SIGQUIT, 2.0)):
        for worker in workers:
            worker.ask_to_stop(number)
        wait_until(lambda: hurried() or all(worker.ended() for worker in workers), seconds)
    for worker in workers:
        worker.kill()


def _describe(status: int) -> str:
    return f"died of {signal.Signals(-status).name}" if status < 0 else f"ended with status {status}"
