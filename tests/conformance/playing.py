"""Start many cases at once on one side, collect what they come to, and compare."""

import json
import sys
import time
from collections.abc import Iterable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any, Protocol

from tests.conformance.effects import recorded
from tests.conformance.scenario import Build, Case, Outcome, Seen
from tests.conformance.tasks import app

QUIET = 60.0
"""Seconds without any end, after which what is left stays pending."""


Settings = Mapping[str, Any]
"""Of the Celery app."""


class Side(Protocol):
    """Celery, or durableflow."""

    name: str

    effects_are_there: bool
    """Whether everything is recorded when a canvas has ended."""

    def start(self, case: Case, key: str) -> Any:
        """Start the case; gives what the others want."""

    def ended(self, started: Any) -> bool:
        """Whether it has ended."""

    def collect(self, started: Any) -> Seen:
        """What it came to, when it has ended."""

    def expected(self, name: str, case: Case) -> Outcome:
        """What the table says of this side."""


@dataclass(eq=False)
class Play:
    """One case, being played. early: what had been recorded when it was seen to have ended."""

    expected: Outcome
    box: str
    started: list[Any]
    seen: Seen = field(default_factory=lambda: Seen(ended=False))
    early: str | None = None

    def differs(self, recorded: list[str]) -> str | None:
        """How it is not what was expected, now that this has been recorded."""
        self.seen = replace(self.seen, effects=recorded)
        return self.early or self.expected.differs(self.seen)


def play(side: Side, cases: Mapping[str, Build], conf: Mapping[str, Settings]) -> dict[str, str]:
    """Play all of these; gives how those differ that are not what the table says. conf: settings for some of them."""
    plays = {name: _start(side, name, build, conf.get(name, {})) for name, build in cases.items()}
    _wait_for_ends(side, list(plays.values()))
    if not side.effects_are_there:
        _wait_for_effects(list(plays.values()))
    time.sleep(0.5)  # for what should not be done
    found = zip(plays, _recorded(plays.values()), strict=True)
    differing = {name: plays[name].differs(those) for name, those in found}
    return {name: how for name, how in differing.items() if how}


def _start(side: Side, name: str, build: Build, conf: Settings) -> Play:
    box = f"{side.name}-{name}"
    with _configured(conf):
        case = build(box)
        started = [side.start(case, box)]
        for number in range(1, case.starts):
            deadline = time.monotonic() + QUIET
            while not side.ended(started[-1]) and time.monotonic() < deadline:
                time.sleep(0.02)
            started.append(side.start(case, f"{box}-{number}"))
        return Play(side.expected(name, case), box, started)


def _wait_for_ends(side: Side, plays: list[Play]) -> None:
    pending, last = plays, time.monotonic()
    while any(each.expected.ends for each in pending) and time.monotonic() < last + QUIET:
        ended = [each for each in pending if all(map(side.ended, each.started))]
        if ended:
            last = time.monotonic()
            pending = [each for each in pending if each not in ended]
            for each, those in zip(ended, _recorded(ended), strict=True):
                seen = [side.collect(started) for started in each.started]
                each.seen = next((one for one in seen if one.error is not None), seen[-1])
                if side.effects_are_there:
                    each.early = each.expected.differs(replace(each.seen, effects=those))
        time.sleep(0.1)


def _wait_for_effects(plays: list[Play]) -> None:
    """Nobody waits for callbacks on this side: give them a moment."""
    deadline = time.monotonic() + QUIET / 2
    while time.monotonic() < deadline:
        if not any(each.differs(those) for each, those in zip(plays, _recorded(plays), strict=True)):
            return
        time.sleep(0.1)


def _recorded(plays: Iterable[Play]) -> list[list[str]]:
    boxes = [each.box for each in plays]
    found = recorded(boxes)
    return [found[box] for box in boxes]


@contextmanager
def _configured(conf: Settings) -> Iterator[None]:
    before = {key: app.conf[key] for key in conf}
    app.conf.update(conf)
    try:
        yield
    finally:
        app.conf.update(before)


def main(side: Side) -> None:
    """``python -m ... REPORT [NAME...]`` plays the scenarios, all or these; ``python -m ... REPORT --seeds 0 300``
    plays canvases that are made up. REPORT: the file that will say which differed."""
    from tests.conformance.scenarios import SCENARIOS

    report, *rest = sys.argv[1:]
    conf: dict[str, Settings] = {}
    if rest[:1] == ["--seeds"]:
        cases = {str(seed): _generated(seed) for seed in range(int(rest[1]), int(rest[2]))}
    else:
        cases = {name: SCENARIOS[name].build for name in rest or SCENARIOS}
        conf = {name: SCENARIOS[name].conf for name in cases}
    began = time.monotonic()
    differing = play(side, cases, conf)
    seconds = time.monotonic() - began
    Path(report).write_text(json.dumps({"played": len(cases), "seconds": seconds, "differing": differing}, indent=1))
    for name, how in differing.items():
        print(f"{name}: {how}")
    print(f"{len(cases)} played, {len(differing)} of them differ, {seconds:.1f} s")


def _generated(seed: int) -> Build:
    from tests.conformance import generated, model

    return lambda box: Case(generated.canvas(seed, box), model.outcome(generated.canvas(seed, box)))
