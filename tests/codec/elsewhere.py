"""Other processes of this Python that find the package where this one found it."""

import os
import subprocess
import sys
from pathlib import Path

import durableflow

ROOT = Path(durableflow.__file__).parents[1]


def python(*arguments: str, cwd: Path = ROOT, **environment: str) -> str:
    """What such a process prints; fails the test with its complaint when it does not end well."""
    env = {**os.environ, "PYTHONPATH": str(ROOT), **environment}
    done = subprocess.run([sys.executable, *arguments], cwd=cwd, env=env, capture_output=True, text=True, check=False)
    assert (done.returncode, done.stderr) == (0, "")
    return done.stdout
