"""The table of commands."""

import functools
from typing import Any

import typer

from durableflow.cli import dev, doctor, graph, migrate, runs, schedules, sql, start, worker

APPLICATION = "application"
"""What every command calls the parameter that names the application."""

app = typer.Typer(
    help="Durable workflows in plain Python, on PostgreSQL and Celery.",
    no_args_is_help=True,
    add_completion=False,
    pretty_exceptions_enable=False,  # a defect of ours is reported as Python reports it
    rich_markup_mode=None,
)
app.command("dev")(dev.dev)
app.command(
    "worker",
    context_settings={"allow_extra_args": True, "ignore_unknown_options": True, "allow_interspersed_args": False},
)(worker.worker)
app.command("migrate")(migrate.migrate)
app.command("doctor")(doctor.doctor)
app.command("start")(start.start)
app.command("graph")(graph.graph)
app.command("sql")(sql.sql)
app.add_typer(runs.app, name="runs")
app.add_typer(schedules.app, name="schedules")


def without_application() -> Any:
    """The commands as they are where the application is given: none has an argument that names it. ``dev`` is not
    among them: it starts processes that would have to be told."""
    command = typer.main.get_command(app)
    del command.commands["dev"]  # type: ignore[attr-defined]
    _drop(command)
    return command


def _drop(command: Any) -> None:
    for each in getattr(command, "commands", {}).values():
        _drop(each)
    kept = [parameter for parameter in command.params if parameter.name != APPLICATION]
    if len(kept) < len(command.params):
        command.params = kept
        command.callback = functools.partial(command.callback, **{APPLICATION: None})
