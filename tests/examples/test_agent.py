"""An assistant whose model is a few rules, and a person who is asked in virtual time."""

from datetime import timedelta

import pytest

from durableflow.errors import RunFailed
from durableflow.testing import LOST, SimulatedRun, Simulation
from examples.agent.assistant import MOST, Permit, assist, df
from examples.agent.model import Choice

PERMIT = "permit 3: delete march.log"


@pytest.fixture
def sim() -> Simulation:
    return Simulation(df)


def used(run: SimulatedRun[str]) -> list[str]:
    return [step.call for step in run.steps if step.name != "think"]


def test_a_dangerous_tool_is_used_when_somebody_has_permitted_it(sim: Simulation) -> None:
    run = sim.start(assist("make room"))
    sim.advance()
    assert run.receives == (PERMIT,)
    assert used(run) == ["list_files('.log')", "size_of('march.log')", "size_of('april.log')"]
    run.send(PERMIT, Permit(granted=True), by="ada")
    sim.run()
    assert used(run)[-1] == "delete('march.log')"
    assert run.result() == "march.log is deleted"


@pytest.mark.parametrize("answer", [Permit(granted=False, reason="I need it"), None])
def test_it_is_not_used_when_nobody_has(sim: Simulation, answer: Permit | None) -> None:
    run = sim.start(assist("make room", patience=timedelta(days=1)))
    sim.advance()
    if answer:
        run.send(PERMIT, answer, by="ada")
    sim.run()
    assert "delete('march.log')" not in used(run)
    assert run.result() == ("ada has forbidden it: I need it" if answer else "nobody has permitted it")


def test_a_permit_is_for_one_use(sim: Simulation) -> None:
    sim.mock("think", returns=Choice("delete", "march.log"))
    run = sim.start(assist("make room"))
    sim.advance()
    for click in ("first", "second"):
        run.send("permit 0: delete march.log", Permit(granted=True), id=click)
    sim.advance()
    assert used(run) == ["delete('march.log')"]
    assert run.receives == ("permit 1: delete march.log",)


def test_the_model_is_told_of_a_tool_that_failed(sim: Simulation) -> None:
    thoughts = [Choice("size_of", "nothing.log"), Choice("answer", "it is not there")]
    sim.mock("think", outcomes=thoughts)
    run = sim.start(assist("how large is it?"))
    sim.run()
    assert run.result() == "it is not there"
    *_, last = [step for step in run.steps if step.name == "think"]
    assert last.args[1][0].came_of_it == "it failed: KeyError('nothing.log')"


def test_a_thought_is_paid_for_once_though_a_worker_dies_in_the_next(sim: Simulation) -> None:
    sim.mock("think", outcomes=[Choice("list_files", ".txt"), LOST, ConnectionError(), Choice("answer", "a thesis")])
    assert sim.execute(assist("what is there?")) == "a thesis"


def test_a_model_that_never_answers_is_stopped(sim: Simulation) -> None:
    sim.mock("think", returns=Choice("list_files", ".log"))
    with pytest.raises(RunFailed, match=f"{MOST} turns, and no answer"):
        sim.execute(assist("make room"))
