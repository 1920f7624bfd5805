"""``durableflow doctor``: what is dangerous around an application, and how to mend it."""

import json
from dataclasses import asdict
from typing import TYPE_CHECKING, Annotated, Any

import typer
from rich.console import Console
from rich.padding import Padding
from rich.text import Text

from durableflow.cli.loading import load_adopted

if TYPE_CHECKING:
    from durableflow.doctor import Examination

_STYLES = {"danger": "bold red", "warning": "bold yellow", "note": "bold cyan"}
_WIDTH = 100


def doctor(
    application: Annotated[
        str, typer.Argument(metavar="MODULE:ATTRIBUTE", help="The application, such as shop:df, or its Celery app")
    ],
    as_json: Annotated[bool, typer.Option("--json", help="For programs: every check with what it found")] = False,
) -> None:
    """Examine an application, its broker and its database, and say what is dangerous and how to mend it.

    Nothing is changed. A Celery app that nothing has adopted yet is examined as if it were. Exit status: 0, nothing is
    dangerous; 1, something is; 2, the command was called wrongly.
    """
    from durableflow.doctor import examine

    examination = examine(load_adopted(application))
    if as_json:
        typer.echo(json.dumps(_document(application, examination), indent=2, ensure_ascii=False))
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
    console = Console()
    console = Console(width=min(console.width, _WIDTH) if console.is_terminal else _WIDTH, highlight=False)
    for finding in examination.findings:
        console.print(Text(f"{finding.severity:<8}").append(finding.title), style=_STYLES[finding.severity])
        console.print(Padding(Text(finding.meaning), (0, 0, 0, 8)))
        console.print(Padding(Text("-> " + finding.mending, style="green"), (0, 0, 1, 8)))
    unmade: dict[str, list[str]] = {}
    for checked in examination.checks:
        if checked.not_made is not None:
            unmade.setdefault(checked.not_made, []).append(checked.name)
    for reason, names in unmade.items():
        console.print(Text("not made: " + ", ".join(names)), style="bold magenta")
        console.print(Padding(Text(reason), (0, 0, 1, 8)))
    fine = [checked.name for checked in examination.checks if checked.state == "fine"]
    if fine:
        console.print(Text("fine: ", style="bold green").append(", ".join(fine), style="not bold green"))
    counts = [f"{sum(f.severity == kind for f in examination.findings)} {kind}s" for kind in _STYLES]
    console.print(f"{', '.join(counts)}; {len(fine)} of {len(examination.checks)} checks are fine")
