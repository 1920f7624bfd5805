"""The public API means to a type checker what it means to an author."""

import subprocess
import sys
from pathlib import Path

import pytest

pytest.importorskip("mypy", reason="mypy is not installed here")

HERE = Path(__file__).parent
PROMISES = [HERE / name for name in ("public_api.py", "signals.py", "waiting.py")]


def test_mypy_finds_every_mistake_and_nothing_else() -> None:
    checked = subprocess.run(
        [sys.executable, "-m", "mypy", "--strict", "--warn-unused-ignores", "--no-error-summary",
         *map(str, PROMISES)],
        capture_output=True, text=True, cwd=HERE.parent.parent, timeout=110,
    )  # fmt: skip
    about_us = [line for line in checked.stdout.splitlines() if any(path.name in line for path in PROMISES)]
    assert not about_us, "\n".join(about_us)
    assert not checked.stderr
