"""The command ``durableflow``.

Exit status: 0 done; 1 it could not be done (no database answers, the run failed); 2 it was asked for wrongly (a name
that does not exist, an option that is not one). ``dev`` ends with the status of the command that it was given.
"""

import os
import sys
from collections.abc import Sequence
from typing import NoReturn

from durableflow.cli.mistake import Mistake
from durableflow.errors import DurableFlowError

__all__ = ["main"]


def main(arguments: Sequence[str] | None = None, *, program: str = "durableflow") -> NoReturn:
    """Run a command line and exit. A mistake of the user's is a message, never a traceback.

    arguments: by default those of this process; program: what the usage calls it.
    """
    # Not at the top: a wrong argument should not wait for all of Celery to load.
    from durableflow.cli.commands import app

    try:
        app(arguments, prog_name=program)
        sys.exit(0)
    except Mistake as mistake:
        _complain(str(mistake), 2)
    except DurableFlowError as error:
        _complain(str(error), 1)
    except BrokenPipeError:  # `durableflow runs list | head`
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        sys.exit(1)


def _complain(message: str, status: int) -> NoReturn:
    print(f"durableflow: {message}", file=sys.stderr)
    sys.exit(status)
