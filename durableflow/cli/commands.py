"""The table of commands."""

import typer

from durableflow.cli import dev, doctor, graph, migrate, runs, schedules, sql, start, worker

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
