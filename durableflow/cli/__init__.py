"""The command ``durableflow``.

Exit status: 0 done; 1 it could not be done (no database answers, the run failed); 2 it was asked for wrongly (a name
that does not exist, an option that is not one). ``dev`` ends with the status of the command that it was given.
"""

import os
import sys
from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING

from durableflow.cli.given import given_application
from durableflow.cli.mistake import Mistake
from durableflow.errors import DurableFlowError

if TYPE_CHECKING:
    from durableflow import DurableFlow

__all__ = ["main", "run"]


def main() -> None:
    """Run the command line of this process and exit."""
    arguments = sys.argv[1:]
    if arguments[:1] == ["worker"]:
        _patch_for_the_pool(arguments)
    run(arguments)


def run(
    arguments: Sequence[str],
    *,
    prog_name: str = "durableflow",
    application: "Callable[[], DurableFlow] | None" = None,
) -> None:
    """Run one command and exit. A mistake of the user's is a message, never a traceback.

    prog_name: what help calls the program; application: where somebody else's command line knows the application
    (``flask durableflow``), what gives it. It is asked for when a command needs it, and may raise a ``Mistake``. The
    commands then lose the argument that names it, and use its settings.
    """
    # Not at the top: a wrong argument should not wait for all of Celery to load.
    from durableflow.cli.commands import app, without_application

    command = app if application is None else without_application()
    token = given_application.set(application)
    try:
        command(list(arguments), prog_name=prog_name)
    except Mistake as mistake:
        _complain(str(mistake), 2)
    except DurableFlowError as error:
        _complain(str(error), 1)
    except BrokenPipeError:  # `durableflow runs list | head`
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        sys.exit(1)
    finally:
        given_application.reset(token)


def _patch_for_the_pool(arguments: Sequence[str]) -> None:
    """Before anything else is imported, do what the command ``celery`` does: a pool of greenlets needs a standard
    library that lets the others run while one waits."""
    from celery import maybe_patch_concurrency

    apart = [part for given in arguments for part in (("-P", given[2:]) if given[:2] == "-P" else (given,)) if part]
    try:
        maybe_patch_concurrency(apart)
    except IndexError:
        pass  # an option without its value: Celery says so when it reads them all
    except ImportError as missing:
        _complain(f"this pool needs {missing.name}, which is not installed: pip install {missing.name}", 2)


def _complain(message: str, status: int) -> None:
    print(f"durableflow: {message}", file=sys.stderr)
    sys.exit(status)
