"""What one execution of a program was seen to do, and how two of them differ."""

import difflib
import traceback
from collections.abc import Callable
from dataclasses import dataclass, field

from tests.fidelity.canonical import canonical

MOST_AWAITS = 150


class Divergence(AssertionError):
    """The machine did something else than CPython."""


@dataclass
class Trace:
    """One execution: its effects and awaits in order, where it waited, how it ended, and which lines of the program's
    file the traceback names."""

    filename: str
    effects: list[object]
    places: list[tuple[int, dict[str, object]]] = field(default_factory=list)
    ending: object = "cut off"
    lines: list[tuple[str, int]] = field(default_factory=list)

    def awaits(self, line: int, variables: dict[str, object], awaited: object) -> bool:
        """Record a suspension; False when this execution has waited often enough."""
        self.effects.append(("await", line, canonical(awaited)))
        self.places.append((line, variables))
        return len(self.places) < MOST_AWAITS

    def returned(self, value: object) -> None:
        """Record the value that the execution ended with."""
        self.ending = ("returned", canonical(value))

    def raised(self, error: BaseException) -> None:
        """Record the exception that the execution ended with."""
        self.ending = ("raised", canonical(error))
        for frame, line in traceback.walk_tb(error.__traceback__):
            if frame.f_code.co_filename == self.filename:
                self.lines.append((frame.f_code.co_name, line))


def compare(expected: Trace, actual: Trace, describe: Callable[[], str], handles_none: bool = False) -> None:
    """Raise :class:`Divergence` unless both executions did the same.

    A variable that the machine did not store is dead; one that it stored has the value that CPython's frame has. A
    traceback is lost where an exception is stored, so it is compared only for programs that handle none.
    """
    if expected.effects != actual.effects or expected.ending != actual.ending:
        raise Divergence(f"{describe()}\n{_difference(expected, actual)}")
    if handles_none and expected.lines != actual.lines:
        raise Divergence(
            f"{describe()}\nthe traceback is\n  in CPython {expected.lines}\n  in the machine {actual.lines}"
        )
    for number, (plain, stored) in enumerate(zip(expected.places, actual.places, strict=True)):
        for name, value in stored[1].items():
            if name in plain[1] and plain[1][name] != value:
                raise Divergence(
                    f"{describe()}\nat await {number} (line {plain[0]}) the variable {name} is\n"
                    f"  in CPython    {plain[1][name]}\n  in the machine {value}"
                )


def _difference(expected: Trace, actual: Trace) -> str:
    lines = [[str(entry) for entry in (*trace.effects, trace.ending)] for trace in (expected, actual)]
    return "\n".join(difflib.unified_diff(*lines, "CPython", "the machine", lineterm="", n=4))
