"""``python -m tests.fire``: every canvas, with every fault, on every side. It prints a table, and what each outcome
rests on, and writes the table into ``docs/concepts/celery-under-fire.md``.

With ``--only WORD...`` it plays those whose names have all of these words, and with ``--tested`` those that the tests
play; the page keeps what it says of the others. The servers are embedded ones of its own. All of it takes half an hour
on two CPUs.
"""

import argparse
import contextlib
import sys
import tempfile
import time
from collections.abc import Iterator
from pathlib import Path

from rich.console import Console
from rich.table import Table

from durableflow.devstack import PostgresServer
from tests.fire import page
from tests.fire.canvases import CANVASES
from tests.fire.faults import FAULTS
from tests.fire.page import Cell
from tests.fire.redis import Redis
from tests.fire.sides import SIDES
from tests.fire.theatre import Theatre
from tests.support import databases


def main() -> int:
    parser = argparse.ArgumentParser(prog="python -m tests.fire", description=__doc__)
    parser.add_argument("--only", nargs="+", default=[], metavar="WORD", help="play a part")
    parser.add_argument("--tested", action="store_true", help="play what the tests play")
    options = parser.parse_args()
    cells = [cell for cell in _cells() if all(word in "/".join(cell) for word in options.only)]
    if options.tested:
        cells = [cell for cell in cells if cell in page.TESTED]
    console = Console(file=sys.stdout)
    outcomes = {}
    with (
        tempfile.TemporaryDirectory(prefix="durableflow-fire-") as directory,
        (Path(directory) / "said").open("w") as said,
        contextlib.redirect_stdout(said),  # workers' logs, which are for tests that fail
        _theatre(Path(directory)) as theatre,
    ):
        for cell in sorted(cells, key=lambda cell: list(SIDES).index(cell.side)):  # a side's plays share its workers
            began = time.monotonic()
            outcome = theatre.play(SIDES[cell.side], CANVASES[cell.canvas], FAULTS[cell.fault])
            outcomes[cell] = str(outcome)
            page.write(list(_cells()), outcomes)
            console.print(f"[dim]{' / '.join(cell)} ({time.monotonic() - began:.0f} s)[/dim]")
            repeats = f"; {outcome.repeated} bodies ran again" if outcome.repeated else ""
            console.print(f"    {outcome.verdict}: {outcome.evidence}{repeats}", highlight=False)
    _report(console, cells, outcomes)
    return 0 if all(outcome == "finished" for cell, outcome in outcomes.items() if SIDES[cell.side].durable) else 1


def _cells() -> Iterator[Cell]:
    for fault in FAULTS:
        for canvas in CANVASES:
            for side in SIDES:
                yield Cell(fault, canvas, side)


@contextlib.contextmanager
def _theatre(directory: Path) -> Iterator[Theatre]:
    with (
        PostgresServer(directory / "postgres") as postgres,
        databases.template(postgres.url) as template,
        Redis(directory / "redis") as redis,
        Theatre(postgres.url, template, redis, directory / "plays") as theatre,
    ):
        yield theatre


def _report(console: Console, cells: list[Cell], outcomes: dict[Cell, str]) -> None:
    sides = list(dict.fromkeys(cell.side for cell in cells))
    table = Table("fault", "canvas", *sides, title="The same canvases under the same faults")
    for fault, canvas in dict.fromkeys((cell.fault, cell.canvas) for cell in cells):
        table.add_row(fault, canvas, *(outcomes.get(Cell(fault, canvas, side), "") for side in sides))
    console.print(table)


if __name__ == "__main__":
    sys.exit(main())
