"""The page ``docs/reference/canvas-conformance.md``: ``python -m tests.conformance.table`` prints what the code says.

A process of its own, because the application's shared tasks would become tasks of every app that the caller has.
"""

from collections.abc import Iterator
from itertools import groupby

from tests.conformance import quirks
from tests.conformance.celerys_own import MACHINERY
from tests.conformance.deviations import DEVIATIONS, NOTES, Deviation, deviation
from tests.conformance.scenario import Scenario, in_words
from tests.conformance.scenarios import SCENARIOS

CELERYS_TESTS = 212
"""Functions in Celery 5.7.0's ``t/integration/test_canvas.py``."""

_VERSIONS = {"5.6": (5, 6), "5.7": (5, 7)}


def lines() -> Iterator[str]:
    """What stands between the page's markers."""
    _check()
    number = len(SCENARIOS)
    kept = {
        name: number - sum(deviation(n, version) is not None for n in SCENARIOS) for name, version in _VERSIONS.items()
    }
    yield f"| | of {number} scenarios come to what is stated |"
    yield "|---|---|"
    for name, count in kept.items():
        yield f"| Celery {name} | {count} |"
    yield f"| durableflow | {number} |"
    yield ""
    yield from _scenarios()
    yield from _made_up()
    yield from _machinery()


def _scenarios() -> Iterator[str]:
    for subject, members in groupby(SCENARIOS.values(), key=lambda scenario: scenario.subject):
        yield from (f"## {subject}", "", "| scenario | comes to | Celery | durableflow |", "|---|---|---|---|")
        for scenario in members:
            outcome = in_words(scenario.build("box").outcome)
            same = NOTES.get(scenario.name, "same")
            yield f"| {scenario.title} | {_cell(outcome)} | {_cell(_celery(scenario))} | {_cell(same)} |"
        yield ""


def _celery(scenario: Scenario) -> str:
    found: Deviation | None = DEVIATIONS.get(scenario.name)
    said = []
    while found is not None:
        until = "" if found.before is None else f"until {'.'.join(map(str, found.before))} "
        said.append(f"{until}**differs**: {in_words(found.outcome)}: {found.because}")
        found = found.then
    return "; ".join(said) or "same"


def _made_up() -> Iterator[str]:
    yield from ("## Made-up canvases", "")
    yield from (
        "Chains, groups and chords in each other to a depth of four, with partial and immutable arguments, tasks that",
        "fail, that are tried again and that are replaced, callbacks and errbacks, are made up by the hundred",
        "(`tests/conformance/generated.py`), and run by both. What they come to, a model of the rules says",
        "(`model.py`): durableflow always comes to that, with each task run once. Celery does, but for these shapes:",
        "",
    )
    for quirk in (quirks.REVERSED, quirks.PENDING, quirks.REPEATED, quirks.REPLACED):
        yield f"- {quirk}"
    yield ""


def _machinery() -> Iterator[str]:
    covered = CELERYS_TESTS - sum(map(len, MACHINERY.values()))
    yield from ("## Celery's own tests", "")
    yield from (
        f"Of the {CELERYS_TESTS} test functions of Celery 5.7.0's `t/integration/test_canvas.py`, {covered} say what a",
        "canvas comes to, and scenarios above say the same. The others are about Celery's machinery:",
        "",
        "| tests | why they say nothing of a durable run |",
        "|---|---|",
    )
    for why, names in MACHINERY.items():
        yield f"| {', '.join(f'`{name}`' for name in names)} | {_cell(why)} |"


def _check() -> None:
    """Every test of Celery's has its place, and one only."""
    like = {name for scenario in SCENARIOS.values() for name in scenario.like}
    machinery = [name for names in MACHINERY.values() for name in names]
    assert not like.intersection(machinery), like.intersection(machinery)
    assert len(like) + len(machinery) == CELERYS_TESTS, (len(like), len(machinery))
    assert set(DEVIATIONS) <= set(SCENARIOS), set(DEVIATIONS) - set(SCENARIOS)


def _cell(text: str) -> str:
    return text.replace("|", "\\|")


if __name__ == "__main__":
    print("\n".join(lines()))
