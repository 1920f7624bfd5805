"""``python -m examples.django_shop``: bring up the servers and a worker, sell three orders, and look at their runs.

``durableflow dev`` gives the servers' addresses to the worker and to ``manage.py``; the rest is the project's own.
"""

import argparse
import os
import subprocess
import sys
from pathlib import Path

PROJECT = Path(__file__).parent


def main() -> int:
    """Gives the exit status of ``manage.py sell``."""
    parser = argparse.ArgumentParser(prog="python -m examples.django_shop", description=__doc__)
    parser.add_argument("--state-dir", default=".durableflow/django_shop", help="where the servers keep their data")
    parser.add_argument("command", nargs="*", default=["sell"], help="of manage.py, such as runserver")
    given = parser.parse_args()
    development = [sys.executable, "-m", "durableflow", "dev", "--state-dir", str(Path(given.state_dir).absolute())]
    manage = [sys.executable, "manage.py", *given.command]
    return subprocess.run(
        [*development, "durableflow.contrib.django:df", "--", *manage],
        cwd=PROJECT,
        env={**os.environ, "DJANGO_SETTINGS_MODULE": "proj.settings"},
        check=False,
    ).returncode


if __name__ == "__main__":
    sys.exit(main())
