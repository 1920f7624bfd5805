"""Show on the terminal what is added to log files.

Workers write to files, not to a pipe of ours: a pipe would break under them when this process is killed.
"""

import sys
from pathlib import Path


class Follower:
    """Copies the lines that a file gets from now on to standard error, each with a label."""

    def __init__(self, path: Path, label: str) -> None:
        self._path = path
        self._label = label
        self._at = path.stat().st_size if path.exists() else 0
        self._partial = ""

    def copy_new_lines(self) -> None:
        try:
            with self._path.open("rb") as file:
                if file.seek(0, 2) < self._at:
                    self._at = 0  # the log was put aside
                file.seek(self._at)
                added = file.read()
        except FileNotFoundError:
            return
        self._at += len(added)
        *lines, self._partial = (self._partial + added.decode(errors="replace")).split("\n")
        for line in lines:
            if line.strip():
                print(f"{self._label} | {line}", file=sys.stderr, flush=True)
