"""``manage.py durableflow``: the command line of durableflow, with the project's settings and application filled in."""

import io
import sys
from argparse import REMAINDER
from collections.abc import Sequence
from contextlib import redirect_stdout
from typing import Any

from django.core.exceptions import ImproperlyConfigured
from django.core.management.base import BaseCommand, CommandError, CommandParser

from durableflow.cli import run
from durableflow.contrib.django import df

_PROGRAM = "manage.py durableflow"
_OF_DJANGO = ("--settings", "--pythonpath")


class Command(BaseCommand):
    """The arguments are those of ``durableflow``, without MODULE:ATTRIBUTE where that means the application:
    ``manage.py durableflow worker -c 4``, ``manage.py durableflow runs list``."""

    help = "durableflow's command line: workers, runs, schedules; `manage.py durableflow --help` lists the commands."

    def run_from_argv(self, argv: list[str]) -> None:
        """As a program of its own: everything, also ``--help``, is for durableflow's command line."""
        try:
            _run(_without_djangos(argv[2:]))
        except ImproperlyConfigured as error:
            self.stderr.write(f"durableflow: {error}")
            sys.exit(1)

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("arguments", nargs=REMAINDER)

    def handle(self, *args: Any, arguments: Sequence[str] = (), **options: Any) -> None:
        """As called by other code: ``call_command("durableflow", "runs", "list")``."""
        said = io.StringIO()
        try:
            with redirect_stdout(said):
                _run(arguments)
        except SystemExit as end:
            if end.code:
                raise CommandError(f"durableflow {' '.join(arguments)} failed", returncode=int(end.code)) from None
        finally:
            self.stdout.write(said.getvalue(), ending="")


def _run(arguments: Sequence[str]) -> None:
    run(arguments, prog_name=_PROGRAM, application=lambda: df)


def _without_djangos(arguments: Sequence[str]) -> list[str]:
    """Without the options that ``manage.py`` itself has read; what follows ``--`` is somebody else's."""
    own: list[str] = []
    rest = iter(arguments)
    for argument in rest:
        if argument == "--":
            return [*own, argument, *rest]
        if argument in _OF_DJANGO:
            next(rest, None)
        elif not argument.startswith(tuple(f"{option}=" for option in _OF_DJANGO)):
            own.append(argument)
    return own
