"""Run workflows in memory: the real compiler and machine, and neither database nor broker nor waiting.

::

    sim = Simulation(df)
    sim.mock(charge, outcomes=[ConnectionError("no answer"), "ch_1"])
    assert sim.execute(checkout("order-42")) == "receipt 42"

A test that passes here says that the workflow's own code does what it should. That runs survive their workers is the
engine's business, and not tested by this.
"""

import importlib
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from durableflow.errors import NotMocked, SimulationError, Stuck
    from durableflow.testing.mocks import HANGS, LOST, After, Attempts
    from durableflow.testing.run import SimulatedRun
    from durableflow.testing.simulation import Simulation
    from durableflow.testing.state import StepRecord
    from durableflow.testing.stored import stored

__all__ = [
    "HANGS",
    "LOST",
    "After",
    "Attempts",
    "NotMocked",
    "SimulatedRun",
    "Simulation",
    "SimulationError",
    "StepRecord",
    "Stuck",
    "stored",
]

_HOMES = {
    "HANGS": "durableflow.testing.mocks",
    "LOST": "durableflow.testing.mocks",
    "After": "durableflow.testing.mocks",
    "Attempts": "durableflow.testing.mocks",
    "NotMocked": "durableflow.errors",
    "SimulatedRun": "durableflow.testing.run",
    "Simulation": "durableflow.testing.simulation",
    "SimulationError": "durableflow.errors",
    "StepRecord": "durableflow.testing.state",
    "Stuck": "durableflow.errors",
    "stored": "durableflow.testing.stored",
}


def __getattr__(name: str) -> Any:  # pytest imports this package at its start, with the plugin: nothing may be loaded
    if name not in _HOMES:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    value = getattr(importlib.import_module(_HOMES[name]), name)
    globals()[name] = value
    return value
