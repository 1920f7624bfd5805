"""A process with a sidecar in it: ``python -m tests.steward.process DATABASE [--fork]``.

Says its worker id once it is registered and watching, and the pid of the child that it has forked; goes on until its
standard input ends.
"""

import os
import signal
import sys
import time
from uuid import uuid4

from durableflow.steward import Sidecar


def main() -> None:
    sidecar = Sidecar(
        database=sys.argv[1],
        boot=uuid4(),
        queues=["q"],
        versions=[],
        publish=lambda messages: None,
        depth=lambda queue: 0,
        holds=set,
    )
    sidecar.start()
    while sidecar.worker_id is None or sidecar.leadership.watch.since is None:
        time.sleep(0.01)
    child = _fork() if "--fork" in sys.argv else 0
    print(sidecar.worker_id, child, flush=True)
    sys.stdin.read()
    sidecar.stop()


def _fork() -> int:
    """A child that outlives its parent, as a pool child does for a while."""
    child = os.fork()
    if child == 0:
        signal.alarm(60)
        while True:
            signal.pause()
    return child


if __name__ == "__main__":
    main()
