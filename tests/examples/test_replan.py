"""Plans that change while they are worked off."""

import pytest

from durableflow.errors import RunFailed
from durableflow.testing import Simulation
from examples.replan.workshop import MOST, Action, Plan, df, work_off


def bicycle(complaint: str) -> Plan:
    return [Action("inspect", complaint), Action("ride", "squeaks"), Action("call", "it is ready")]


def done(plan: Plan) -> list[str]:
    return [f"{action.name} {action.about}".strip() for action in Simulation(df).execute(work_off(plan))]


def test_what_is_found_on_the_way_is_done_before_the_rest() -> None:
    assert done(bicycle("does not stop")) == [
        "inspect does not stop",
        "repair brake",
        "repair cable",
        "order cable",
        "mount cable",
        "ride squeaks",
        "inspect squeaks",
        "repair chain",
        "ride",
        "call it is ready",
    ]


def test_a_plan_can_be_given_up() -> None:
    assert done(bicycle("is bent")) == ["inspect is bent", "call it is not worth it"]


def test_a_plan_that_grows_for_ever_is_stopped() -> None:
    sim = Simulation(df)
    sim.mock("ride", calls=lambda complaint, plan: [Action("ride"), *plan])
    run = sim.start(work_off([Action("ride")]))
    sim.run()
    with pytest.raises(RunFailed, match=f"after {MOST} actions"):
        run.result()
    assert len(run.steps) == MOST
