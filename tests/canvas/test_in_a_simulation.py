"""Canvases in workflows that are simulated: as on workers, without any."""

from typing import Any

from durableflow.testing import Simulation
from tests.canvas import shop
from tests.canvas.shop import EFFECTS, bill, df


def test_a_workflow_that_awaits_canvases_is_simulated(monkeypatch: Any) -> None:
    shop.app.finalize()
    EFFECTS.clear()
    simulation = Simulation(df)
    run = simulation.start(bill([1, 2, 3]))
    simulation.run_until_idle() if hasattr(simulation, "run_until_idle") else None
    assert run.result() == [[2, 4, 6], 12, 13, (1,), "no"]
