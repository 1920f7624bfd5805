"""``manage.py durableflow``: the command line of durableflow, with the project's settings and application filled in."""

import io
import os
import sys
from argparse import REMAINDER
from collections.abc import Iterator, Sequence
from contextlib import contextmanager, redirect_stdout
from typing import Any

import typer
from django.core.exceptions import ImproperlyConfigured
from django.core.management.base import BaseCommand, CommandError, CommandParser

from durableflow.cli import main
from durableflow.cli.commands import app
from durableflow.contrib.django import df

APPLICATION = "durableflow.contrib.django:df"

_PROGRAM = "manage.py durableflow"
_OF_DJANGO = ("--settings", "--pythonpath")


class Command(BaseCommand):
    """The arguments are those of ``durableflow``, without MODULE:ATTRIBUTE where that means the application:
    ``manage.py durableflow worker -c 4``, ``manage.py durableflow runs list``."""

    help = "durableflow's command line: workers, runs, schedules; `manage.py durableflow --help` lists the commands."

    def run_from_argv(self, argv: list[str]) -> None:
        """As a program of its own: everything, also ``--help``, is for durableflow's command line."""
        try:
            with _environment():
                main(_completed(_without_djangos(argv[2:])), program=_PROGRAM)
        except ImproperlyConfigured as error:
            self.stderr.write(f"durableflow: {error}")
            sys.exit(1)

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("arguments", nargs=REMAINDER)

    def handle(self, *args: Any, arguments: Sequence[str] = (), **options: Any) -> None:
        """As called by other code: ``call_command("durableflow", "runs", "list")``."""
        said = io.StringIO()
        try:
            with _environment(), redirect_stdout(said):
                main(_completed(arguments), program=_PROGRAM)
        except SystemExit as end:
            if end.code:
                raise CommandError(f"durableflow {' '.join(arguments)} failed", returncode=int(end.code)) from None
        finally:
            self.stdout.write(said.getvalue(), ending="")


@contextmanager
def _environment() -> Iterator[None]:
    """The project's settings, where the commands look for them: in the environment."""
    settings = df.settings
    before = dict(os.environ)
    for name, value in settings.model_dump(exclude_none=True).items():
        plain = value.get_secret_value() if hasattr(value, "get_secret_value") else value
        os.environ[f"DURABLEFLOW_{name.upper()}"] = str(plain)
    try:
        yield
    finally:
        os.environ.clear()
        os.environ.update(before)


def _completed(arguments: Sequence[str]) -> list[str]:
    """With the application, where the command takes one and nobody has named it."""
    command: Any = typer.main.get_command(app)
    taken = 0
    while taken < len(arguments) and arguments[taken] in getattr(command, "commands", {}):
        command = command.commands[arguments[taken]]
        taken += 1
    path, rest = list(arguments[:taken]), list(arguments[taken:])
    wanted = next((parameter for parameter in command.params if parameter.name == "application"), None)
    if wanted is None or hasattr(command, "commands"):
        return [*path, *rest]
    if wanted.param_type_name == "argument":
        return [*path, APPLICATION, *rest]
    option = wanted.opts[0]
    named = any(argument == option or argument.startswith(f"{option}=") for argument in rest)
    return [*path, *rest] if named else [*path, option, APPLICATION, *rest]


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
