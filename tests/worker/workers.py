"""Celery workers as real processes."""

import os
import signal
import subprocess
import sys
import time
from collections.abc import Mapping
from pathlib import Path

import psutil

from tests.support.processes import all_end

ROOT = Path(__file__).parents[2]
PATIENCE = 90.0


class Worker:
    """``celery -A tests.worker.shop worker`` with the environment of the test."""

    def __init__(
        self, env: Mapping[str, str], log: Path, *options: str, command: tuple[str, ...] | None = None
    ) -> None:
        self.log = log
        command = command or ("celery", "-A", "tests.worker.shop:app", "worker")
        arguments = [sys.executable, "-m", *command, "-l", "INFO", "-n", f"{log.stem}@%h", *options]
        with log.open("wb") as output:
            self.process = subprocess.Popen(
                arguments, cwd=ROOT, env={**os.environ, **env}, stdout=output, stderr=output, start_new_session=True
            )

    @property
    def pid(self) -> int:
        return self.process.pid

    def text(self) -> str:
        """What it has logged."""
        return self.log.read_text(errors="replace")

    def wait_until_ready(self) -> "Worker":
        """Wait until it takes messages."""
        self.wait_for_log(" ready.")
        return self

    def wait_for_log(self, text: str) -> None:
        deadline = time.monotonic() + PATIENCE
        while text not in self.text():
            assert self.process.poll() is None, f"the worker ended with {self.process.returncode}:\n{self.text()}"
            assert time.monotonic() < deadline, f"no {text!r} in the worker's log:\n{self.text()}"
            time.sleep(0.05)

    def children(self) -> list[psutil.Process]:
        """Its pool children."""
        return psutil.Process(self.pid).children()

    def signal(self, number: int) -> None:
        self.process.send_signal(number)

    def kill(self) -> None:
        """kill -9 of the parent; the children go with it."""
        children = self.children()
        self.signal(signal.SIGKILL)
        self.process.wait(PATIENCE)
        assert all_end(children, PATIENCE), "pool children outlived their parent"

    def stop(self) -> int:
        """Warm shutdown; gives the exit status."""
        self.signal(signal.SIGTERM)
        return self.process.wait(PATIENCE)

    def close(self) -> None:
        """At the end of the test, whatever state it is in."""
        if self.process.poll() is None:
            self.signal(signal.SIGCONT)
            self.kill()
