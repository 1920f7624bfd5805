"""``durableflow runs``: look at runs, send one an event, cancel or redrive one. Reads the views, as anybody may.

``runs export`` has a module of its own (`export`).
"""

import json
from datetime import datetime
from typing import Annotated, Any
from uuid import UUID

import typer
from rich.console import Console
from rich.markup import escape
from rich.table import Table

from durableflow.cli.export import export
from durableflow.cli.mistake import Mistake
from durableflow.cli.servers import database
from durableflow.errors import RunNotFound

app = typer.Typer(
    help="Look at runs, send them events, cancel, redrive or export one.", no_args_is_help=True, rich_markup_mode=None
)

DatabaseOption = Annotated[
    str | None,
    typer.Option("--database", metavar="URL", help="Instead of DURABLEFLOW_DATABASE_URL", show_default=False),
]
RunArgument = Annotated[str, typer.Argument(metavar="RUN_ID", help="The run's id", show_default=False)]

_STATES = ("running", "succeeded", "failed", "cancelled")
_COLOURS = {"succeeded": "green", "failed": "red", "cancelled": "yellow", "lost": "red"}

_LIST = """
SELECT id, workflow, key, state, line, waiting_for, created_at
FROM durableflow.runs
WHERE (%(state)s::text IS NULL OR state = %(state)s) AND (%(workflow)s::text IS NULL OR workflow = %(workflow)s)
ORDER BY id DESC LIMIT %(limit)s
"""

_SHOW = """
SELECT id, workflow, version, key, state, source_file, line, source_line, waiting_for, waiting_since, variables, input,
       output, error, labels, rev, created_at, finished_at
FROM durableflow.runs WHERE id = %(id)s
"""

_STEPS = """
SELECT rev, index, name, state, attempt, started_at, finished_at
FROM durableflow.steps WHERE run_id = %(id)s ORDER BY rev DESC, index LIMIT %(limit)s
"""

_TROUBLE = """
SELECT name, attempt, outcome, hostname, finished_at, error
FROM durableflow.attempts WHERE run_id = %(id)s AND outcome IN ('failed', 'lost')
ORDER BY finished_at DESC LIMIT %(limit)s
"""


@app.command("list")
def list_(
    state: Annotated[str | None, typer.Option(help=f"Only these: {', '.join(_STATES)}")] = None,
    workflow: Annotated[str | None, typer.Option(help="Only runs of this workflow")] = None,
    limit: Annotated[int, typer.Option(min=1, help="How many, the newest first")] = 20,
    url: DatabaseOption = None,
) -> None:
    """List runs, the newest first."""
    if state is not None and state not in _STATES:
        raise Mistake(f"there is no state {state!r}; there are {', '.join(_STATES)}")
    rows = _select(url, _LIST, {"state": state, "workflow": workflow, "limit": limit})
    print_rows(rows, "no runs")


@app.command()
def show(
    run: RunArgument,
    limit: Annotated[int, typer.Option(min=1, help="How many steps and failed attempts, the newest first")] = 20,
    url: DatabaseOption = None,
) -> None:
    """Show where a run is, with which variables, what it waits for, its steps, and what went wrong."""
    given = {"id": _uuid(run), "limit": limit}
    found = _select(url, _SHOW, given)
    if not found:
        raise RunNotFound(f"there is no run {run}")
    facts = Table(show_header=False, box=None, padding=(0, 2, 0, 0))
    for name, value in found[0].items():
        if value not in (None, {}):
            facts.add_row(name.replace("_", " "), _cell(name, value))
    _print(facts)
    for title, query in (("steps", _STEPS), ("attempts that failed or were lost", _TROUBLE)):
        if rows := _select(url, query, given):
            _print(_table(rows, title))


@app.command()
def cancel(run: RunArgument, url: DatabaseOption = None) -> None:
    """Cancel a run: it takes no further step. A step that is running ends by itself, and its result is dropped."""
    from durableflow.store.cancel import cancel as cancel_in_store

    run_id = _uuid(run)
    landed = database(url).transact(lambda connection: cancel_in_store(connection, run_id))
    if landed is None:
        raise RunNotFound(f"there is no run {run}")
    typer.echo(f"run {run} is cancelled" if landed.landed else f"run {run} had ended already: nothing was changed")


@app.command()
def send(
    run: RunArgument,
    name: Annotated[str, typer.Argument(help="Name of the event.", show_default=False)],
    payload: Annotated[str, typer.Argument(help="What is sent, as JSON.")] = "null",
    event_id: Annotated[
        str | None, typer.Option("--id", help="Your own name of the event: a second one of this id is not kept.")
    ] = None,
    by: Annotated[str | None, typer.Option(help="Who sends it.")] = None,
    url: DatabaseOption = None,
) -> None:
    """Send a run an event: `durableflow runs send RUN approval '{"approved": true}' --by ana@example.org`."""
    from durableflow.client.events import new_event
    from durableflow.client.starting import executes
    from durableflow.language import Registry

    try:
        value = json.loads(payload)
    except ValueError as error:
        raise Mistake(f"the payload is not JSON ({error}): a text needs quotes of its own, as in '\"yes\"'") from None
    event = new_event(Registry("cli"), _uuid(run), name, value, event_id, by, None)
    sent = database(url).transact(lambda connection: event.send(executes(connection), publishes=False))
    told = (
        f"run {run} has event {name!r}" if sent.kept else f"run {run} had an event of this id before: it is kept once"
    )
    typer.echo(told)


@app.command()
def redrive(run: RunArgument, url: DatabaseOption = None) -> None:
    """Let a failed run go on from the await at which it failed, with fresh attempts under the same idempotency keys."""
    from durableflow.store.redrive import redrive as redrive_in_store

    run_id = _uuid(run)
    landed = database(url).transact(lambda connection: redrive_in_store(connection, run_id))
    if landed is None:
        raise RunNotFound(f"there is no run {run_id}")
    typer.echo(f"run {run_id} goes on" if landed else f"run {run_id} has not failed: nothing was changed")


app.command("export")(export)


def _uuid(text: str) -> UUID:
    try:
        return UUID(text)
    except ValueError:
        raise Mistake(f"{text!r} is not the id of a run; `durableflow runs list` shows them") from None


def _select(url: str | None, query: str, parameters: dict[str, Any]) -> list[dict[str, Any]]:
    from psycopg.rows import dict_row

    def work(connection: Any) -> list[dict[str, Any]]:
        with connection.cursor(row_factory=dict_row) as cursor:
            rows: list[dict[str, Any]] = cursor.execute(query, parameters).fetchall()
            return rows

    return database(url).transact(work)


def print_rows(rows: list[dict[str, Any]], none: str) -> None:
    """Print rows as a table; none: what to say where there are none."""
    if rows:
        _print(_table(rows))
    else:
        typer.echo(none)


def _table(rows: list[dict[str, Any]], title: str | None = None) -> Table:
    table = Table(title=title, title_justify="left")
    for name in rows[0]:
        table.add_column(name, no_wrap=name == "id", overflow="fold")
    for row in rows:
        table.add_row(*(_cell(name, value) for name, value in row.items()))
    return table


def _cell(name: str, value: Any) -> str:
    if value is None:
        return ""
    if isinstance(value, datetime):
        return f"{value.astimezone():%Y-%m-%d %H:%M:%S}"
    if isinstance(value, dict | list):
        return escape(json.dumps(value, ensure_ascii=False))
    text = escape(str(value))
    colour = _COLOURS.get(text) if name in ("state", "outcome") else None
    return f"[{colour}]{text}[/]" if colour else text


def _print(table: Table) -> None:
    console = Console()
    if not console.is_terminal:
        console = Console(width=200)  # a pipe has no width; 80 columns would fold every line
    console.print(table)
