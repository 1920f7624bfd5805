"""The command line as one command of somebody else's: ``flask durableflow ...``, ``celery -A proj durableflow ...``.

They are made with click, and so is ours, but with the copy of it that typer carries: neither takes a command of the
other. So theirs gets one command that takes every argument as it is, and hands them on.
"""

from collections.abc import Callable
from typing import TYPE_CHECKING

import click

from durableflow.cli import run

if TYPE_CHECKING:
    from durableflow import DurableFlow


def nested(application: "Callable[[click.Context], DurableFlow]") -> click.Command:
    """The command ``durableflow``, to be added to a click group. Making it imports next to nothing.

    application: gives the application when a command needs it; may raise a ``Mistake``.
    """

    def callback(arguments: tuple[str, ...], **_: object) -> None:
        context = click.get_current_context()
        try:
            run(arguments, prog_name=context.command_path, application=lambda: application(context))
        except SystemExit as end:
            if end.code:  # else it went well: what the other program has around a command need not see an exception
                raise

    return click.Command(
        "durableflow",
        callback=callback,
        params=[click.Argument(["arguments"], nargs=-1, type=click.UNPROCESSED)],
        context_settings={"ignore_unknown_options": True, "allow_interspersed_args": False},
        add_help_option=False,
        help="Durable workflows: look at runs, start one, run a worker.",
    )
