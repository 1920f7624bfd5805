"""What the awaits of one execution give: values by position, and which of them fail with what.

Outcomes are built anew for every use: the two executions, and a repeated one, must not share an object.
"""

import copy
from dataclasses import dataclass, field
from functools import partial
from typing import NoReturn

from tests.fidelity.prelude import Bad, Box, Custom, Oops, Outcome, Scripted

ERROR_KINDS = 9


@dataclass(frozen=True)
class Script:
    """The outcomes of a program's awaits.

    Attributes:
        values: What numbers are made of, by the await's position (repeated when there are more awaits).
        failures: Position of an await -> which kind of error it raises (0 to ``ERROR_KINDS`` - 1).
    """

    values: tuple[int, ...] = (1, 2, 0, 3)
    failures: dict[int, int] = field(default_factory=dict)

    def outcome(self, position: int, awaited: Scripted) -> Outcome:
        """Build what the await at this position gives."""
        if position in self.failures:
            return Outcome(failure=partial(_raise, self.failures[position], position))
        value = self.values[position % len(self.values)]
        if awaited.kind == "risky":
            payload = awaited.payload if isinstance(awaited.payload, int) else value
            return Outcome(failure=partial(_raise, payload % ERROR_KINDS, position))
        return Outcome(value=_value(awaited, value))


def _value(awaited: Scripted, number: int) -> object:
    match awaited.kind:
        case "num":
            return number
        case "flag":
            return number % 2 == 1
        case "word":
            return f"w{number}"
        case "items":
            return [number + step for step in range(number % 4)]
        case "table":
            return {key: number + step for step, key in enumerate("xyz"[: number % 4])}
        case "pair":
            return (number, number + 1)
        case "crate":
            return Box(number, [number])
        case "echo":
            return copy.deepcopy(awaited.payload)
        case "nothing":
            return None
    raise AssertionError(f"no such awaitable: {awaited.kind}")


def _raise(kind: int, position: int) -> NoReturn:
    match kind:
        case 0:
            raise Oops("failed", position)
        case 1:
            raise Bad(position)
        case 2:
            raise KeyError("missing")
        case 3:
            raise ValueError
        case 4:
            raise Custom(position, detail="refused")
        case 5:
            raise Oops("outer") from ValueError("inner")
        case 6:
            try:
                raise KeyError("first")
            except KeyError:
                raise Bad("second")  # noqa: B904
        case 7:
            error = Oops([position, {"at": position}])
            error.add_note("a note")
            error.extra = [position]  # type: ignore[attr-defined]
            raise error
        case _:
            raise OSError(2, "No such file", "/missing")
