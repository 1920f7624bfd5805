"""Every workflow of ``tests.waiting``, through PostgreSQL and in memory: the same results, steps, calls and paths; and
what PostgreSQL has recorded passes as a test, when it is exported."""

import runpy
from collections import Counter
from pathlib import Path
from typing import Any
from uuid import UUID

import pytest

from durableflow.errors import RunCancelled, RunFailed
from durableflow.testing import Simulation
from durableflow.testing.export import written
from durableflow.testing.recorded import record
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
    run = script.call().start(deadline=None if script.deadline is None else clock.now() + script.deadline)
    for number, action in enumerate(script.actions):
        if number >= script.early:
            engine.drive()
        match action:
            case Send(name, payload, id_, by, to_child):
                child = engine.one("SELECT id FROM durableflow_core.run WHERE parent_id = %s", run.id)
                shop.df.send(child if to_child else run.id, name, payload, id=id_, by=by)
            case Pass(seconds):
                clock.advance(seconds)
            case Cancel():
                run.cancel()
    engine.drive()
    clock.advance(3)
    engine.drive()
    assert run.state != "running"
    return run


def in_memory(script: Script, clock: Clock) -> Any:
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
    sim.advance(3)
    return run


def rows(engine: Engine, query: str, run_id: UUID) -> list[tuple[Any, ...]]:
    return engine.db.execute(query, (run_id,)).fetchall()


def effects() -> Counter[str]:
    done = Counter(map(repr, shop.EFFECTS))
    shop.EFFECTS.clear()
    return done


@pytest.mark.parametrize("script", SCRIPTS, ids=lambda script: script.name)
def test_in_memory_it_is_as_in_the_database_and_as_its_export_says(
    script: Script, engine: Engine, clock: Clock, tmp_path: Path
) -> None:
    shop.BROKEN.update(script.broken)
    simulated = in_memory(script, clock)
    done = effects()
    real = in_the_database(script, engine, clock)

    assert ending(simulated) == ending(real)
    assert done == effects()
    works = sorted(simulated._run.works.values(), key=lambda work: work.place)
    assert [
        (*work.place, work.spec.name, work.spec.kind, work.state, work.attempt, work.failures) for work in works
    ] == rows(engine, STEPS, real.id)
    assert [(child.workflow, child.state) for child in simulated.children] == rows(engine, CHILDREN, real.id)

    recorded = shop.df.database.transact(lambda conn: record(conn, real.id))
    assert recorded.path("waits") == simulated.path
    file = tmp_path / "test_exported.py"
    file.write_text(written(recorded))
    print(file.read_text())
    shop.BROKEN.clear()  # the steps' own functions are not called, and find nothing to be wrong
    (again,) = [value for name, value in runpy.run_path(str(file)).items() if name.startswith("test_")]
    again()
    assert not effects()


def test_the_scripts_know_every_workflow() -> None:
    named = set()
    for script in SCRIPTS:
        call = script.call()
        call._used = True
        named.add(call.definition.name)
    of_others = {"waits.child", "waits.waiting_child"}
    ours = {each.name for each in shop.df.registry.workflows if each.function.__module__ == shop.__name__}
    assert ours <= named | of_others
