"""``durableflow schedules``: look at an application's schedules, pause one, resume it, make up for a past time."""

from collections.abc import Callable
from datetime import datetime
from typing import TYPE_CHECKING, Annotated, Any, TypeVar

import typer

from durableflow.cli.loading import load_application
from durableflow.cli.mistake import Mistake
from durableflow.cli.runs import print_rows
from durableflow.errors import UnknownSchedule

if TYPE_CHECKING:
    from durableflow.client import Schedule

app = typer.Typer(
    help="Look at schedules, pause and resume one, make up for a past time.",
    no_args_is_help=True,
    rich_markup_mode=None,
)

T = TypeVar("T")

AppArgument = Annotated[
    str | None, typer.Argument(metavar="MODULE:ATTRIBUTE", help="The application, such as shop:df", show_default=False)
]
NameArgument = Annotated[
    str, typer.Argument(metavar="NAME", help="The schedule, such as shop.nightly", show_default=False)
]

_LIST = """
SELECT name, expression, tz, state, next_at, last_at, last_state, queued
FROM durableflow.schedules WHERE app = %(app)s ORDER BY name
"""


@app.command("list")
def list_(application: AppArgument) -> None:
    """List the schedules of an application. A worker registers them when it starts."""
    from psycopg.rows import dict_row

    client = load_application(application)

    def read(connection: Any) -> list[dict[str, Any]]:
        with connection.cursor(row_factory=dict_row) as cursor:
            rows: list[dict[str, Any]] = cursor.execute(_LIST, {"app": client.name}).fetchall()
            return rows

    print_rows(client.database.transact(read), "no schedules: a worker registers them when it starts")


@app.command()
def pause(application: AppArgument, name: NameArgument) -> None:
    """Let a schedule start nothing until it is resumed. Runs that have started go on."""
    landed = _schedule(application, name).pause()
    typer.echo(f"{name} is paused" if landed else f"{name} was paused already: nothing was changed")


@app.command()
def resume(application: AppArgument, name: NameArgument) -> None:
    """Let a paused schedule go on with its next time from now."""
    schedule = _schedule(application, name)
    landed = schedule.resume()
    following = f"it starts next at {_shown(schedule.next()[0])}"
    typer.echo(f"{name} goes on: {following}" if landed else f"{name} was not paused: {following}")


@app.command()
def backfill(
    application: AppArgument,
    name: NameArgument,
    start: Annotated[str, typer.Option("--from", metavar="TIME", help="ISO 8601; without an offset, in its zone")],
    end: Annotated[str, typer.Option("--to", metavar="TIME", help="Likewise; this time itself is not included")],
    dry_run: Annotated[bool, typer.Option("--dry-run", help="Only print the times")] = False,
) -> None:
    """Start a run for each time of the past that has none, and print these times. Calling it again starts nothing."""
    schedule = _schedule(application, name)
    first, last = (_time(text, schedule) for text in (start, end))
    ticks = _asked(lambda: schedule.backfill(first, last, dry_run=dry_run))
    for tick in ticks:
        typer.echo(_shown(tick))
    typer.echo(f"{len(ticks)} {'run' if len(ticks) == 1 else 'runs'} {'would be ' if dry_run else ''}started", err=True)


def _schedule(application: str | None, name: str) -> "Schedule":
    client = load_application(application)
    return _asked(lambda: client.schedule(name))


def _time(text: str, schedule: "Schedule") -> datetime:
    try:
        moment = datetime.fromisoformat(text)
    except ValueError:
        raise Mistake(f"{text!r} is not a time: write it as 2026-11-22T03:00 or 2026-11-22T03:00+01:00") from None
    return moment if moment.tzinfo is not None else moment.replace(tzinfo=schedule.cron.zone)


def _asked(what: Callable[[], T]) -> T:
    """What cannot be meant is a mistake in how the command was called."""
    try:
        return what()
    except (UnknownSchedule, ValueError) as refused:
        raise Mistake(str(refused)) from None


def _shown(moment: datetime) -> str:
    return moment.isoformat(timespec="minutes")
