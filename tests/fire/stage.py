"""Where a canvas is played: a Redis, two workers of two children, a journal; and the moments at which a fault strikes.

A moment is something that has happened, not a time that has passed: a body is at work and stays there, or has ended
while the workers' parents are frozen, so that the message of what follows is in Redis and nobody takes it.
"""

import os
import signal
from collections import Counter
from collections.abc import Iterable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Any

from tests.faults.fleet import Fleet
from tests.faults.journal import Line, until
from tests.fire.app import Witness
from tests.fire.canvases import Canvas
from tests.fire.client import Client
from tests.fire.redis import Redis
from tests.support.processes import all_end
from tests.worker.workers import Worker

PATIENCE = 240.0
"""Seconds until hundreds of tasks have run, on a machine that has other things to do."""


@dataclass
class Stage:
    """settings: of the application, as far as they differ; killed: processes that the fault has killed."""

    canvas: Canvas
    redis: Redis
    fleet: Fleet
    journal: Witness
    client: Client
    settings: Mapping[str, Any]
    killed: set[int] = field(default_factory=set)

    def start(self) -> Any:
        """Have the client start the canvas; gives what its result is known by."""
        return self.client.start(self.canvas, str(self.journal.directory))

    def alive(self) -> list[Worker]:
        return [worker for worker in self.fleet.workers if worker.process.poll() is None]

    # --- moments

    def at_work(self, names: Iterable[str], count: int) -> list[Line]:
        """Wait until so many of these are at work; gives where."""
        names = set(names)

        def look() -> list[Line] | None:
            ended = {line.nonce for line in self.journal.lines(event="ends")}
            begun = [line for line in self.journal.lines(event="begins") if line.name in names]
            here = [line for line in begun if line.nonce not in ended]
            return here if len(here) >= count else None

        found: list[Line] = until(look, f"{count} of {len(names)} tasks at work", PATIENCE)
        return found

    @contextmanager
    def between(self, names: Iterable[str], count: int) -> Iterator[None]:
        """Between two tasks: those of these names that are at work have ended, there are messages in Redis, and the
        workers' parents are frozen for as long as the block lasts."""
        names = set(names)
        here = self.at_work(names, count)
        with self._frozen():
            until(lambda: not self.redis.is_listened_to(), "the end of what the workers asked Redis for")
            self.journal.release(*names)
            nonces = {line.nonce for line in here}
            until(lambda: nonces <= {line.nonce for line in self.journal.lines(event="ends")}, "the end of the tasks")
            until(self.redis.waiting, "the message of what comes next")
            yield

    @contextmanager
    def _frozen(self) -> Iterator[None]:
        for worker in self.alive():
            worker.signal(signal.SIGSTOP)
        try:
            yield
        finally:
            for worker in self.alive():
                worker.signal(signal.SIGCONT)

    # --- faults

    def kill_worker(self, line: Line) -> None:
        """The worker that has this at work, with its children, as the kernel does it to a container."""
        worker = next(worker for worker in self.fleet.workers if worker.pid == line.parent)
        children = worker.children()
        self.killed |= {worker.pid, *(child.pid for child in children)}
        os.killpg(worker.pid, signal.SIGKILL)
        worker.process.wait(10)
        assert all_end(children, 10)

    def kill_child(self, line: Line) -> None:
        self.killed.add(line.pid)
        os.kill(line.pid, signal.SIGKILL)

    # --- what came of it

    def repeated(self) -> Counter[str]:
        """How often bodies began again although nobody had killed them."""
        ended = {line.nonce for line in self.journal.lines(event="ends")}
        begun = self.journal.lines(event="begins")
        cut_short = Counter(line.name for line in begun if line.nonce not in ended and line.pid in self.killed)
        often = Counter(line.name for line in begun) - cut_short
        return often - Counter(set(often))
