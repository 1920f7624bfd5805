"""The table of ``docs/concepts/celery-under-fire.md``: written by ``python -m tests.fire``, read by the tests."""

from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import NamedTuple

from tests.docs import reference
from tests.docs.pages import ROOT
from tests.fire.sides import CAREFUL, DEFAULTS, DURABLE

PAGE = ROOT / "docs" / "concepts" / "celery-under-fire.md"
NAME = "python -m tests.fire"

_NOT_PLAYED = "–"  # noqa: RUF001

_WORTH_A_LOOK = ("late", "failed", "lost", "wrong", "repeats")


class Cell(NamedTuple):
    """Names of a fault, a canvas, a side."""

    fault: str
    canvas: str
    side: str


TESTED = [
    Cell("kill -9 of a worker", "chords in a chord", DURABLE.name),
    Cell("kill -9 of a pool child", "chain of 20", DURABLE.name),
    Cell("Redis wiped (FLUSHALL)", "chain of 20", DURABLE.name),
    Cell("Redis restarted, keeps nothing", "group of 1,000", DURABLE.name),
    Cell("Redis restarted from a snapshot", "chord of 50", DURABLE.name),
    Cell("tasks outlast the visibility timeout", "chord of 50", DURABLE.name),
    Cell("kill -9 of a worker", "chain of 20", DEFAULTS.name),
    Cell("Redis wiped (FLUSHALL)", "chord of 50", DEFAULTS.name),
    Cell("tasks outlast the visibility timeout", "chain of 20", CAREFUL.name),
]
"""What the tests play: each fault and each canvas for durableflow, and Celery alone where it is well understood.
Neighbours share their workers."""


def read(page: Path = PAGE) -> dict[Cell, str]:
    """What the page says of the cells that were played."""
    rows = [_row(line) for line in reference.part(page, NAME).splitlines() if line.startswith("|")]
    if not rows:
        return {}
    (_, _, *sides), _, *rows = rows
    return {
        Cell(fault, canvas, side): outcome.replace("*", "")
        for fault, canvas, *outcomes in rows
        for side, outcome in zip(sides, outcomes, strict=True)
        if outcome != _NOT_PLAYED
    }


def write(cells: Sequence[Cell], outcomes: Mapping[Cell, str], page: Path = PAGE) -> None:
    """Put these into the page. cells: all that it has a place for; the others stay as they are."""
    known = {**dict.fromkeys(cells, _NOT_PLAYED), **read(page), **outcomes}
    reference.write(page, NAME, _lines({cell: known[cell] for cell in cells}))


def _lines(outcomes: Mapping[Cell, str]) -> Iterator[str]:
    sides = list(dict.fromkeys(cell.side for cell in outcomes))
    yield f"| fault | canvas | {' | '.join(sides)} |"
    yield "|---" * (2 + len(sides)) + "|"
    for fault, canvas in dict.fromkeys((cell.fault, cell.canvas) for cell in outcomes):
        row = " | ".join(_marked(outcomes[Cell(fault, canvas, side)]) for side in sides)
        yield f"| {fault} | {canvas} | {row} |"


def _marked(outcome: str) -> str:
    return f"**{outcome}**" if any(word in outcome for word in _WORTH_A_LOOK) else outcome


def _row(line: str) -> list[str]:
    return [cell.strip() for cell in line.strip("|").split("|")]
