"""Canvases in workflows that are simulated: as on workers, without any."""

import pytest
from celery import chain, chord, group

from durableflow import durable
from durableflow.errors import RunFailed
from durableflow.testing import Simulation
from tests.canvas import shop
from tests.canvas.shop import EFFECTS, add, bill, df, echo, fail, replaced, tell, total


def simulated() -> Simulation:
    shop.app.finalize()
    shop.app.set_current()
    EFFECTS.clear()
    return Simulation(df)


def test_a_workflow_that_awaits_canvases_is_simulated() -> None:
    assert simulated().execute(bill([1, 2, 3])) == [[2, 4, 6], 12, 13, (1,), "no"]


def test_a_countdown_takes_virtual_time_and_an_errback_answers() -> None:
    simulation = simulated()
    before = simulation.now
    assert simulation.execute(durable(chain(add.s(1, 1).set(countdown=3600), group(add.s(1), add.s(2))))) == [3, 4]
    assert (simulation.now - before).total_seconds() == 3600
    run = simulation.start(durable(chord([add.s(1, 1), fail.s("no")], total.s().on_error(tell.s()))))
    simulation.run()
    assert run.state == "failed"
    assert EFFECTS[-1][2] == "till.total"
    assert "ChordError" in EFFECTS[-1][4]


def test_a_task_that_replaces_itself_is_a_child_run_and_nothing_is_sent() -> None:
    simulation = simulated()
    canvas = chord([replaced.s(by=chain(add.s(1, 1), add.s(2))), add.s(5, 5)], total.s())
    assert simulation.execute(durable(canvas)) == 14
    with pytest.raises(RunFailed, match="no"):
        simulation.execute(durable(chain(replaced.s(by=chain(add.s(1, 1), fail.s("no"))), echo.s())))
