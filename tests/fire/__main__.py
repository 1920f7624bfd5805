"""``python -m tests.fire``: every canvas, with every fault, on every side."""

import contextlib
import sys
import tempfile
import time
from pathlib import Path

from tests.fire.canvases import CANVASES
from tests.fire.faults import FAULTS
from tests.fire.redis import Redis
from tests.fire.sides import SIDES
from tests.fire.theatre import Theatre


def main() -> int:
    with tempfile.TemporaryDirectory(prefix="durableflow-fire-") as directory:
        path = Path(directory)
        with Redis(path / "redis") as redis:
            theatre = Theatre("", "", redis, path / "plays")
            for canvas in CANVASES.values():
                for fault in FAULTS.values():
                    for side in SIDES.values():
                        if not all(word in f"{canvas.name}/{fault.name}/{side.name}" for word in sys.argv[1:]):
                            continue
                        began = time.monotonic()
                        try:
                            with (path / "log").open("a") as log, contextlib.redirect_stdout(log):
                                outcome = theatre.play(side, canvas, fault)
                        except AssertionError as e:
                            outcome = f"ASSERT {str(e)[:200]}"
                        print(f"{canvas.name:18} | {fault.name:32} | {side.name:18} | {outcome} {getattr(outcome,'repeated','')} {getattr(outcome,'evidence','')[:100]} ({time.monotonic() - began:.1f} s)", flush=True)
    return 0


if __name__ == "__main__":
    sys.exit(main())
