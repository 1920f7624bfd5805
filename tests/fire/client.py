"""A client in a process of its own: ``python -m tests.fire.client celery`` (or ``durable``).

Each line that it reads names a canvas and the journal's directory; it starts that canvas, and writes what the result is
known by. It does that in a fork of itself, so that the imports are paid once, and nothing is kept of a Redis that is
another one by the next time.
"""

import importlib
import json
import os
import subprocess
import sys
from collections.abc import Callable, Mapping
from typing import Any

from tests.fire.canvases import CANVASES, Canvas
from tests.worker.workers import ROOT


class Client:
    """The process, from outside. env: with the addresses."""

    def __init__(self, how: str, env: Mapping[str, str]) -> None:
        self._process = subprocess.Popen(
            [sys.executable, "-m", "tests.fire.client", how],
            cwd=ROOT,
            env={**os.environ, **env},
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
        )

    def start(self, canvas: Canvas, book: str) -> Any:
        """Have it start a canvas; gives what it answered."""
        assert self._process.stdin is not None
        assert self._process.stdout is not None
        self._process.stdin.write(json.dumps([canvas.name, book]) + "\n")
        self._process.stdin.flush()
        answer = self._process.stdout.readline()
        assert answer, "the client could not start the canvas"
        return json.loads(answer)

    def close(self) -> None:
        with self._process as process:  # closes what it reads, waits
            assert process.stdin is not None
            process.stdin.close()


def main() -> None:
    start = _durably() if sys.argv[1:] == ["durable"] else _celery
    while line := sys.stdin.readline():
        name, book = json.loads(line)
        child = os.fork()
        if child == 0:
            print(json.dumps(start(CANVASES[name].make(book))), flush=True)
            os._exit(0)
        if os.waitpid(child, 0)[1] != 0:
            sys.exit(1)


def _celery(canvas: Any) -> Any:
    return canvas.apply_async().as_tuple()


def _durably() -> Callable[[Any], Any]:
    from durableflow import durable

    importlib.import_module("tests.fire.immortal")  # adopts the app
    return lambda canvas: str(durable(canvas).start().id)


if __name__ == "__main__":
    main()
