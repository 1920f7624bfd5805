"""Every workflow of ``tests.waiting``, through PostgreSQL and in memory: the same results, the same steps, the same
calls."""

from collections import Counter
from typing import Any
from uuid import UUID

import pytest

from durableflow.errors import RunCancelled, RunFailed
from durableflow.testing import Simulation
from tests.support.clock import Clock
from tests.support.engine import Engine
from tests.testing.scripts import SCRIPTS, Cancel, Pass, Script, Send
from tests.waiting import shop

STEPS = """
SELECT rev, index, name, kind, state, attempt, failures FROM durableflow_core.step WHERE run_id = %s ORDER BY rev, index
"""

CHILDREN = "SELECT workflow, state FROM durableflow_core.run WHERE parent_id = %s ORDER BY parent_rev, parent_index"


def ending(run: Any) -> Any:
    try:
        return run.state, run.result()
    except RunCancelled:
        return run.state
    except RunFailed as failed:
        return run.state, repr(failed.__cause__).replace(str(run.id), "the run")


def in_the_database(script: Script, engine: Engine, clock: Clock) -> Any:
    def do(action: Any) -> None:
        match action:
            case Send(name, payload, id_, by, to_child):
                target = run.id
                if to_child:
                    target = engine.one("SELECT id FROM durableflow_core.run WHERE parent_id = %s", run.id)
                shop.df.send(target, name, payload, id=id_, by=by)
            case Pass(seconds):
                clock.advance(seconds)
            case Cancel():
                run.cancel()

    run = script.call().start(deadline=None if script.deadline is None else clock.now() + script.deadline)
    for number, action in enumerate(script.actions):
        if number >= script.early:
            engine.drive()
        do(action)
    engine.drive()
    clock.advance(3)
    engine.drive()
    return run


def in_memory(script: Script, clock: Clock) -> tuple[Any, Simulation]:
    sim = Simulation(shop.df, now=clock.now())
    run = sim.start(script.call(), deadline=script.deadline)
    for number, action in enumerate(script.actions):
        if number >= script.early:
            sim.advance()
        match action:
            case Send(name, payload, id_, by, to_child):
                (run.children[0] if to_child else run).send(name, payload, id=id_, by=by)
            case Pass(seconds):
                sim.advance(seconds)
            case Cancel():
                run.cancel()
    sim.advance()
    return run, sim


def rows(engine: Engine, query: str, run_id: UUID) -> list[tuple[Any, ...]]:
    return engine.db.execute(query, (run_id,)).fetchall()


@pytest.mark.parametrize("script", SCRIPTS, ids=lambda script: script.name)
def test_both_do_the_same(script: Script, engine: Engine, clock: Clock) -> None:
    shop.BROKEN.update(script.broken)
    simulated, sim = in_memory(script, clock)
    done = Counter(map(repr, shop.EFFECTS))
    sim.advance(3)
    shop.EFFECTS.clear()
    real = in_the_database(script, engine, clock)
    assert ending(simulated) == ending(real)
    assert done == Counter(map(repr, shop.EFFECTS))
    works = sorted(simulated._run.works.values(), key=lambda work: work.place)
    assert [
        (*work.place, work.spec.name, work.spec.kind, work.state, work.attempt, work.failures) for work in works
    ] == rows(engine, STEPS, real.id)
    assert [(child.workflow, child.state) for child in simulated.children] == rows(engine, CHILDREN, real.id)


def test_the_scripts_know_every_workflow() -> None:
    named = {
        call.definition.name for call in (script.call() for script in SCRIPTS) if setattr(call, "_used", True) is None
    }
    beneath = {"waits.child", "waits.waiting_child"}
    assert {workflow.name for workflow in shop.df.registry.workflows} <= named | beneath
