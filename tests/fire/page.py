"""The table of ``docs/concepts/celery-under-fire.md``: written by ``python -m tests.fire``, read by the tests."""

from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import NamedTuple

from tests.docs import reference
from tests.docs.pages import ROOT

PAGE = ROOT / "docs" / "concepts" / "celery-under-fire.md"
NAME = "python -m tests.fire"

_WORTH_A_LOOK = ("late", "failed", "lost", "wrong", "repeats")


class Cell(NamedTuple):
    """Names of a fault, a canvas, a side."""

    fault: str
    canvas: str
    side: str


def read(page: Path = PAGE) -> dict[Cell, str]:
    """What the page says."""
    rows = [_row(line) for line in reference.part(page, NAME).splitlines() if line.startswith("|")]
    (_, _, *sides), _, *rows = rows
    return {
        Cell(fault, canvas, side): outcome.replace("*", "")
        for fault, canvas, *outcomes in rows
        for side, outcome in zip(sides, outcomes, strict=True)
    }


def write(outcomes: Mapping[Cell, str], page: Path = PAGE) -> None:
    """Put these into the page."""
    reference.write(page, NAME, _lines(outcomes))


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
