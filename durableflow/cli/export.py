"""``durableflow runs export``: a recorded run as a test."""

import importlib
import sys
from pathlib import Path
from typing import Annotated
from uuid import UUID

import typer

from durableflow.cli.given import given_application
from durableflow.cli.loading import load_application
from durableflow.cli.mistake import Mistake
from durableflow.cli.servers import database

_SOURCE = """
SELECT source_file FROM durableflow.runs WHERE id = %(id)s
"""


def export(
    run: Annotated[str, typer.Argument(metavar="RUN_ID", help="The run's id", show_default=False)],
    out: Annotated[
        Path | None, typer.Option(metavar="FILE", help="Where to write it, such as test_run.py", show_default=False)
    ] = None,
    application: Annotated[
        str | None,
        typer.Option(
            "--app", metavar="MODULE:APP", help="What defines its workflow, where that is not found", show_default=False
        ),
    ] = None,
    url: Annotated[
        str | None,
        typer.Option("--database", metavar="URL", help="Instead of DURABLEFLOW_DATABASE_URL", show_default=False),
    ] = None,
) -> None:
    """Write a pytest test that does again what a run did: its steps mocked with what they gave, its events sent."""
    from durableflow.testing.export import export as exported

    try:
        run_id = UUID(run)
    except ValueError:
        raise Mistake(f"{run!r} is not the id of a run; `durableflow runs list` shows them") from None
    opened = database(url)
    if application is not None or given_application.get() is not None:
        load_application(application)
    else:
        rows = opened.transact(lambda connection: connection.execute(_SOURCE, {"id": run_id}).fetchall())
        if rows:
            _import_from(rows[0][0])
    source = exported(opened, run_id)
    if out is None:
        typer.echo(source, nl=False)
    else:
        out.write_text(source)
        typer.echo(f"{out} is written; `python -m pytest {out}` runs it")


def _import_from(file: str | None) -> None:
    """Import the module that a file is, under the name by which the application imports it."""
    here = str(Path.cwd())
    if here not in sys.path:
        sys.path.insert(0, here)
    name = None if file is None else _module_of(Path(file))
    if name is None:
        raise Mistake(
            f"the module of this run's workflow is not found here ({file or 'it was not stored'}): name its "
            "application, as in --app shop:df"
        )
    try:
        importlib.import_module(name)
    except Exception as error:
        raise Mistake(
            f"importing {name} failed ({type(error).__name__}: {error}); --app names another module"
        ) from error


def _module_of(file: Path) -> str | None:
    """The dotted name of a file below one of the directories that modules are imported from."""
    for root in map(Path, sys.path):
        try:
            relative = file.relative_to(root.resolve())
        except ValueError:
            continue
        parts = [*relative.parts[:-1], relative.stem]
        if file.is_file() and all(part.isidentifier() for part in parts):
            return ".".join(parts)
    return None
