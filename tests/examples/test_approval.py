"""An expense waits for a person, in virtual time."""

from datetime import UTC, datetime, timedelta

import pytest

from durableflow.errors import InvalidEvent
from durableflow.testing import SimulatedRun, Simulation
from examples.approval.expenses import Decision, Expense, Verdict, approve, df

NOW = datetime(2026, 11, 2, 9, tzinfo=UTC)
TEA = Expense(purpose="tea", cents=1900, manager="ada", director="grace")


@pytest.fixture
def sim() -> Simulation:
    return Simulation(df, now=NOW)


def letters(run: SimulatedRun[Verdict]) -> list[tuple[int, str]]:
    """On which day somebody was written to, and who."""
    return [((step.started_at - NOW).days, step.args[0]) for step in run.steps if step.name == "write_to"]


def test_reminders_come_after_1_3_and_7_days_and_then_somebody_else_is_asked(sim: Simulation) -> None:
    run = sim.start(approve(TEA))
    sim.advance(timedelta(days=400))
    assert letters(run) == [(0, "ada"), (1, "ada"), (3, "ada"), (7, "ada"), (10, "grace")]
    run.send("decision", Decision(granted=True), by="grace")
    sim.run()
    assert run.result() == Verdict(True, "", "grace", NOW + timedelta(days=400))


def test_who_has_decided_is_kept_and_nobody_is_reminded_any_more(sim: Simulation) -> None:
    run = sim.start(approve(TEA))
    sim.at(timedelta(days=2), lambda: run.send("decision", {"granted": True, "note": "cheers"}, by="ada"))
    sim.run()
    assert run.result() == Verdict(True, "cheers", "ada", NOW + timedelta(days=2))
    assert letters(run) == [(0, "ada"), (1, "ada")]
    assert [step.args for step in run.steps if step.name == "pay"] == [(TEA,)]


def test_what_is_not_granted_is_not_paid(sim: Simulation) -> None:
    run = sim.start(approve(TEA))
    run.send("decision", Decision(granted=False), by="ada")
    sim.run()
    assert not run.result().granted
    assert "pay" not in [step.name for step in run.steps]


def test_a_form_that_is_not_filled_in_is_refused(sim: Simulation) -> None:
    run = sim.start(approve(TEA))
    with pytest.raises(InvalidEvent, match="granted: Field required"):
        run.send("decision", {"note": "yes"})
