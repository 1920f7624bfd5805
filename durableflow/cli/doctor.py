"""``durableflow doctor``: what is dangerous around an application, and how to mend it."""

import json
from dataclasses import asdict
from textwrap import fill
from typing import TYPE_CHECKING, Annotated, Any

import typer
from rich.console import Console
from rich.text import Text

from durableflow.cli.loading import load_adopted

if TYPE_CHECKING:
    from durableflow.doctor import Examination

_STYLES = {"danger": "bold red", "warning": "bold yellow", "note": "bold cyan"}
_WIDTH = 100
_INDENT = " " * 8


def doctor(
    application: Annotated[
        str | None,
        typer.Argument(
            metavar="MODULE:ATTRIBUTE", help="The application, such as shop:df, or its Celery app", show_default=False
        ),
    ],
    as_json: Annotated[bool, typer.Option("--json", help="For programs: every check with what it found")] = False,
) -> None:
    """Examine an application, its broker and its database, and say what is dangerous and how to mend it.

    Nothing is changed. A Celery app that nothing has adopted yet is examined as if it were. Exit status: 0, nothing is
    dangerous; 1, something is; 2, the command was called wrongly.
    """
    from durableflow.doctor import examine

    flow = load_adopted(application)
    examination = examine(flow)
    if as_json:
        typer.echo(json.dumps(_document(flow.name, examination), indent=2, ensure_ascii=False))
    else:
        _print(examination)
    raise typer.Exit(1 if examination.dangerous else 0)


def _document(application: str, examination: "Examination") -> dict[str, Any]:
    return {
        "application": application,
        "dangerous": examination.dangerous,
        "checks": [
            {
                "name": checked.name,
                "question": checked.question,
                "state": checked.state,
                "not_made": checked.not_made,
                "findings": [asdict(finding) for finding in checked.findings],
            }
            for checked in examination.checks
        ],
    }


def _print(examination: "Examination") -> None:
    from durableflow.doctor.finding import counted

    console = Console(highlight=False, soft_wrap=True)
    width = min(console.width, _WIDTH) if console.is_terminal else _WIDTH

    def say(text: str, style: str, indent: str = "") -> None:
        lines = fill(text, width, initial_indent=indent, subsequent_indent=_INDENT, break_on_hyphens=False)
        console.print(Text(lines, style=style))

    for finding in examination.findings:
        say(f"{finding.severity:<8}{finding.title}", _STYLES[finding.severity])
        say(finding.meaning, "", _INDENT)
        say(f"-> {finding.mending}", "green", _INDENT)
        console.print()
    for reason, names in _not_made(examination).items():
        say(f"not made: {', '.join(names)}", "bold magenta")
        say(reason, "", _INDENT)
        console.print()
    fine = [checked.name for checked in examination.checks if checked.state == "fine"]
    if fine:
        say(f"fine: {', '.join(fine)}", "green")
    counts = (counted(sum(f.severity == kind for f in examination.findings), kind, f"{kind}s") for kind in _STYLES)
    say(f"{', '.join(counts)}; {len(fine)} of {len(examination.checks)} checks are fine", "bold")


def _not_made(examination: "Examination") -> dict[str, list[str]]:
    """Reason to the checks that could not be made for it."""
    reasons: dict[str, list[str]] = {}
    for checked in examination.checks:
        if checked.not_made is not None:
            reasons.setdefault(checked.not_made, []).append(checked.name)
    return reasons
