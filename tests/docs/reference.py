"""The parts of ``docs/reference`` that are made from the code: ``python -m tests.docs.reference`` writes them again.

Each stands between ``<!-- made from NAME -->`` and ``<!-- end -->``.
"""

import inspect
import os
import re
import subprocess
import sys
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import psycopg
import typer

from durableflow import errors
from durableflow.cli.commands import app
from durableflow.config import Settings
from tests.docs.pages import ROOT

REFERENCE = ROOT / "docs" / "reference"

VIEWS = ("runs", "steps", "attempts", "checkpoints", "dead_letters", "workers", "events", "inbox", "schedules", "ticks")

_COLUMNS = """
SELECT a.attname, format_type(a.atttypid, a.atttypmod), col_description(a.attrelid, a.attnum)
FROM pg_attribute AS a WHERE a.attrelid = %s::regclass AND a.attnum > 0 ORDER BY a.attnum
"""


def settings() -> Iterator[str]:
    """The table of settings."""
    yield from ("| variable | default | meaning |", "|---|---|---|")
    for name, field in Settings.model_fields.items():
        default = "" if field.default is None else f"`{field.default}`"
        yield f"| `DURABLEFLOW_{name.upper()}` | {default} | {field.description} |"


def error_tree() -> Iterator[str]:
    """The tree, as the module draws it."""
    tree = (errors.__doc__ or "").split("::\n\n")[1].split("\n\n")[0]
    yield "```text"
    yield from inspect.cleandoc("\n" + tree).splitlines()
    yield "```"


def commands() -> Iterator[str]:
    """Every command with its arguments and options."""
    yield from _commands("durableflow", typer.main.get_command(app))


def _commands(prefix: str, group: Any) -> Iterator[str]:
    for name, command in group.commands.items():
        if hasattr(command, "commands"):
            yield from _commands(f"{prefix} {name}", command)
            continue
        arguments = [parameter for parameter in command.params if _is_argument(parameter)]
        yield f"### {prefix} {name}"
        yield ""
        yield "```text"
        # What follows `--` comes last of all.
        yield " ".join([prefix, name, *sorted(["[OPTIONS]", *map(_placeholder, arguments)], key=_rank)])
        yield "```"
        yield ""
        yield inspect.cleandoc(command.help or "")
        yield ""
        yield from ("| | |", "|---|---|")
        for parameter in command.params:
            if parameter.name != "help":
                yield f"| {_written(parameter)} | {getattr(parameter, 'help', '')}{_default(parameter)} |"
        yield ""


def _rank(placeholder: str) -> int:
    return 2 if placeholder.startswith("[--") else int(placeholder == "[OPTIONS]")


def _is_argument(parameter: Any) -> bool:
    return bool(parameter.param_type_name == "argument")


def _placeholder(argument: Any) -> str:
    return str(argument.metavar or argument.name or "").strip()


def _written(parameter: Any) -> str:
    if _is_argument(parameter):
        return f"`{_placeholder(parameter)}`"
    return ", ".join(f"`{option}`" for option in parameter.opts)


def _default(parameter: Any) -> str:
    plain = isinstance(parameter.default, str | int | Path) and not isinstance(parameter.default, bool)
    return f" (default `{parameter.default}`)" if plain and parameter.default != "" else ""


def views(database: psycopg.Connection[Any]) -> Iterator[str]:
    """Every view with its columns, as the database's own comments describe them."""
    for view in VIEWS:
        name = f"durableflow.{view}"
        (comment,) = database.execute("SELECT obj_description(%s::regclass)", (name,)).fetchone() or ("",)
        yield from (f"## {name}", "", comment, "", "| column | type | meaning |", "|---|---|---|")
        for column, kind, meaning in database.execute(_COLUMNS, (name,)):
            short = kind.replace("timestamp with time zone", "timestamptz")
            yield f"| `{column}` | {short} | {_cell(meaning)} |"
        yield ""


def conformance() -> Iterator[str]:
    """The table of canvases, by a process of its own: its application's tasks are to be nobody else's."""
    command = [sys.executable, "-m", "tests.conformance.table"]
    yield from subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=True).stdout.splitlines()


def _cell(text: str) -> str:
    return re.sub(r"(\{.*\})", r"`\1`", text.replace("|", "\\|"))


PARTS: dict[str, tuple[Path, Callable[[], Iterator[str]]]] = {
    "settings": (REFERENCE / "settings.md", settings),
    "errors": (REFERENCE / "errors.md", error_tree),
    "commands": (REFERENCE / "cli.md", commands),
    "conformance": (REFERENCE / "canvas-conformance.md", conformance),
}
"""Those that need no database; the views are beside."""


def part(page: Path, name: str) -> str:
    """What stands in the page now."""
    return _between(name).search(page.read_text())[2]  # type: ignore[index]


def made(lines: Iterator[str]) -> str:
    return "\n" + "\n".join(lines).rstrip() + "\n\n"


def _between(name: str) -> "re.Pattern[str]":
    return re.compile(rf"(<!-- made from {name} -->\n)(.*?)(<!-- end -->)", re.DOTALL)


def write(page: Path, name: str, lines: Iterator[str]) -> None:
    text = made(lines)
    page.write_text(_between(name).sub(lambda found: found[1] + text + found[3], page.read_text()))


def main() -> None:
    """Write all of them; needs DURABLEFLOW_DATABASE_URL of a migrated database."""
    for name, (page, lines) in PARTS.items():
        write(page, name, lines())
    with psycopg.connect(os.environ["DURABLEFLOW_DATABASE_URL"]) as database:
        write(REFERENCE / "views.md", "views", views(database))


if __name__ == "__main__":
    main()
