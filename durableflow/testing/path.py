"""The path of a run: one short line for each thing that its workflow awaited or began, and how that ended.

Made from what a simulation holds of a run, and from what the tables hold of a real one, by the same code::

    ["charge", "gather[reserve x 2] raised OutOfStock", "refund"]
    ["begin pack", "race[receive approval, sleep 3 days] won by sleep 3 days", "await pack"]
"""

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from datetime import datetime
from itertools import groupby

from durableflow.language.deadline import Expired
from durableflow.language.launching import Place, Shape
from durableflow.language.outcomes import Outcome, Outcomes, TooEarly, combine
from durableflow.machine import Error

_UNITS = ((86400, "day"), (3600, "h"), (60, "min"))


@dataclass(frozen=True, slots=True)
class Part:
    """A step, as a path tells of it. name: without the application's; begun: it was begun to be
    awaited later; needs: the indexes of the steps that it needs; seconds, until: of a timer."""

    name: str
    kind: str
    begun: bool = False
    needs: tuple[int, ...] = ()
    seconds: float | None = None
    until: datetime | None = None


def path(
    awaits: Iterable[tuple[int, Shape]],
    parts: Mapping[Place, Part],
    outcomes: Mapping[Place, Outcome],
    blobs: Mapping[str, str],
    *,
    cancelled: bool,
) -> list[str]:
    """The lines of a run. awaits: rev and shape of its checkpoints, in order; parts, outcomes: of its steps; blobs: its
    large values; cancelled: whether the run was, so that what it had under way says nothing."""
    # What nobody awaited any more did not end its await, but for what the workflow itself had begun, and cancelled.
    seen = {
        place: outcome
        for place, outcome in outcomes.items()
        if outcome.state != "cancelled" or (parts[place].begun and not cancelled)
    }
    begun: dict[int, list[Place]] = {}
    for place, part in parts.items():
        if part.begun:
            begun.setdefault(place[0], []).append(place)
    found: list[str] = []
    for rev, shape in awaits:
        alarms = set(_alarms(shape))
        teller = _Teller(rev, parts)
        found += [teller.beginning(parts[place]) for place in begun.get(rev, ()) if place not in alarms]
        if "is" not in shape:  # a spawn, which has a line already
            found.append(teller.told(shape) + teller.ending(shape, seen, blobs))
    return found


class _Teller:
    def __init__(self, rev: int, parts: Mapping[Place, Part]) -> None:
        self._rev = rev
        self._parts = parts

    def beginning(self, part: Part) -> str:
        """What is begun."""
        return f"{'spawn' if part.kind == 'child' else 'begin'} {_named(part)}{self._needs(part)}"

    def told(self, shape: Shape) -> str:
        """What is awaited."""
        if "one" in shape:
            part = self._parts[self._rev, shape["one"]]
            return _named(part) + self._needs(part)
        if "step" in shape:
            begun = self._parts.get(tuple(shape["step"]))
            return "await what was cancelled" if begun is None else f"await {_named(begun)}"
        if "within" in shape:
            alarm = self._parts.get(tuple(shape["within"]))
            limit = "a timeout" if alarm is None else _pause(alarm)
            return f"{self.told(shape['of'])} within {limit}"
        if "is" in shape:
            return "spawn"
        kind = "gather" if "all" in shape else "race"
        return f"{kind}[{counted(self.told(member) for member in shape.get('all') or shape.get('race') or [])}]"

    def ending(self, shape: Shape, outcomes: Outcomes, blobs: Mapping[str, str]) -> str:
        """How it ended, where that is more than a value."""
        try:
            given = combine(shape, self._rev, outcomes, blobs)
        except TooEarly:
            return ""
        if isinstance(given, Error):
            timed_out = isinstance(given.error, Expired)
            return ", which timed out" if timed_out else f" raised {type(given.error).__name__}"
        while "within" in shape:
            shape = shape["of"]
        return f" won by {self.told(shape['race'][given.value[0]])}" if "race" in shape else ""

    def _needs(self, part: Part) -> str:
        found: dict[int, Part] = {}
        todo = list(part.needs)
        while todo:
            index = todo.pop()
            if index not in found:
                found[index] = self._parts[self._rev, index]
                todo += found[index].needs
        return f" (after {counted(_named(found[index]) for index in sorted(found))})" if found else ""


def counted(names: Iterable[str]) -> str:
    """Names in order, those that follow each other counted: "ship x 3, wrap"."""
    grouped = [(name, sum(1 for _ in group)) for name, group in groupby(names)]
    return ", ".join(name if count == 1 else f"{name} x {count}" for name, count in grouped)


def duration(seconds: float) -> str:
    """A duration in words: "3 days", "1 h 30 min", "0.25 s"."""
    found = []
    for size, unit in _UNITS:
        count, seconds = divmod(seconds, size)
        if count:
            found.append(f"{count:g} {unit}{'s' if unit == 'day' and count > 1 else ''}")
    if seconds or not found:
        found.append(f"{round(seconds, 6):g} s")
    return " ".join(found)


def _named(part: Part) -> str:
    if part.kind == "timer":
        return f"sleep {_pause(part)}"
    return f"receive {part.name}" if part.kind == "receive" else part.name


def _pause(part: Part) -> str:
    return f"until {part.until:%Y-%m-%d %H:%M:%S}" if part.until is not None else duration(part.seconds or 0.0)


def _alarms(shape: Shape) -> Iterator[Place]:
    """The timers of the blocks that a shape stands in, wherever in it."""
    if "within" in shape:
        yield tuple(shape["within"])
        yield from _alarms(shape["of"])
    for member in shape.get("all") or shape.get("race") or []:
        yield from _alarms(member)
