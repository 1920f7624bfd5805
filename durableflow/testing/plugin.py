"""The pytest plugin: the fixture ``simulation``. pytest imports it at every start, so it imports nothing of ours."""

from collections.abc import Callable
from typing import TYPE_CHECKING, Any

import pytest

if TYPE_CHECKING:
    from durableflow.testing.simulation import Simulation


@pytest.fixture
def simulation() -> "Callable[..., Simulation]":
    """Makes simulations: ``sim = simulation(df)``; its arguments are those of durableflow.testing.Simulation."""

    def make(df: Any, **options: Any) -> "Simulation":
        from durableflow.testing.simulation import Simulation

        return Simulation(df, **options)

    return make
