"""A run that failed goes on where it failed: what had succeeded is kept, and the rest gets fresh attempts."""

from collections import Counter
from collections.abc import Iterator
from typing import Any

import pytest

from durableflow.store.redrive import redrive
from tests.support.engine import Engine
from tests.waiting import contests, shop
from tests.waiting.contests import BROKEN
from tests.waiting.interleavings import Actor, Stage, interleavings
from tests.waiting.moves import at_rest, cancels, claimed, claims, drive_watching, end, ends, looks


@pytest.fixture(autouse=True)
def broken() -> Iterator[set[str]]:
    yield BROKEN
    BROKEN.clear()


def fails(engine: Engine, run: Any) -> None:
    engine.drive()
    assert run.state == "failed"


def mend(engine: Engine, run: Any) -> Counter[Any]:
    """Redrive the run now that nothing breaks any more, and give which steps ran then, and how often."""
    BROKEN.clear()
    shop.EFFECTS.clear()
    assert run.redrive()
    engine.drive()
    return Counter(shop.EFFECTS)


def test_of_a_graph_of_calls_what_failed_and_what_needs_it(engine, broken):
    broken.add("left")
    run = contests.graph_that_breaks().start()
    fails(engine, run)
    assert mend(engine, run) == Counter(["left", "last"]) + Counter({"right": shop.EFFECTS.count("right")})
    assert run.result(timeout=0) == "last"
    needs = "SELECT index, needs, state FROM durableflow_core.step WHERE run_id = %s AND rev = 3 ORDER BY index"
    assert engine.db.execute(needs, (run.id,)).fetchall() == [(n, 0, "succeeded") for n in range(4)]


def test_of_a_gather_with_a_limit_those_that_are_missing_and_no_more_at_a_time(engine, broken):
    broken.add("m2")
    run = contests.a_few_that_break(9, 2).start()
    fails(engine, run)
    done = {name for name in shop.EFFECTS if name != "m2"}
    assert 0 < len(done) < 8
    BROKEN.clear()
    shop.EFFECTS.clear()
    assert run.redrive()
    under_way = (
        "SELECT count(*) FROM durableflow_core.step WHERE run_id = %s AND state IN ('ready', 'running') AND gate = 1"
    )
    seen = drive_watching(engine, lambda: engine.one(under_way, run.id))
    assert max(seen) == 2
    assert Counter(shop.EFFECTS) == Counter({f"m{n}" for n in range(9)} - done)
    assert run.result(timeout=0) == [f"m{n}" for n in range(9)]


def test_a_child_that_failed(engine, broken):
    broken.add("c")
    run = contests.parent_of("c").start()
    fails(engine, run)
    assert mend(engine, run) == Counter(["c"])
    assert run.result(timeout=0) == ["c begins", "c"]
    assert engine.one("SELECT count(*) FROM durableflow_core.run") == 2


def test_a_child_that_was_cancelled_because_its_parent_failed(engine, broken):
    broken.add("beside")
    run = contests.child_beside_what_breaks().start()
    fails(engine, run)
    child = engine.one("SELECT id FROM durableflow_core.run WHERE parent_id = %s", run.id)
    assert engine.state(child) == "cancelled"
    mend(engine, run)
    assert engine.state(child) == "running"
    contests.df.send(child, "go", 5)
    engine.drive()
    assert run.result(timeout=0) == [5, "beside"]


@pytest.mark.parametrize("workflow", [contests.a_few_children, contests.children_of_which_some_break])
def test_children_of_a_gather_with_a_limit(engine, broken, workflow):
    broken.update(["c1", "c3", "c4", "c5"])
    run = workflow(7, 2).start()
    fails(engine, run)
    BROKEN.clear()
    shop.EFFECTS.clear()
    assert run.redrive()
    seen = drive_watching(
        engine,
        lambda: engine.one(
            "SELECT count(*) FROM durableflow_core.run WHERE parent_id = %s AND state = 'running' AND id IN ("
            "SELECT run_id FROM durableflow_core.wake UNION SELECT run_id FROM durableflow_core.ready "
            "UNION SELECT run_id FROM durableflow_core.claim)",
            run.id,
        ),
    )
    assert max(seen) <= 2
    assert run.result(timeout=0) == [[f"c{n} begins", f"c{n}"] for n in range(7)]
    assert engine.one("SELECT count(*) FROM durableflow_core.run") == 8
    assert max(Counter(shop.EFFECTS).values()) == 1


def test_a_spawned_child_that_failed(engine, broken):
    broken.add("c")
    run = contests.spawns_what_breaks("c").start()
    fails(engine, run)
    assert mend(engine, run) == Counter(["c"])
    assert run.result(timeout=0) == ["c begins", "c"]


@pytest.mark.parametrize("parent_ends", ["cancel", "leave"])
@pytest.mark.parametrize("when", ["before", "after"])
def test_a_spawned_child_that_was_under_way_when_its_parent_failed(engine, broken, parent_ends, when):
    broken.add("beside")
    run = contests.spawns_beside_what_breaks(parent_ends).start()
    fails(engine, run)
    child = engine.one("SELECT id FROM durableflow_core.run WHERE parent_id = %s", run.id)
    if parent_ends == "leave" and when == "before":
        contests.df.send(child, "go", 5)
        engine.drive()
    mend(engine, run)
    if engine.state(child) == "running":
        contests.df.send(child, "go", 5)
    engine.drive()
    assert run.result(timeout=0) == 5


def test_a_parent_that_is_redriven_while_its_child_is_still_to_be_cancelled(engine, broken):
    broken.add("beside")
    run = contests.child_beside_what_breaks().start()
    engine.advance(run.id)
    child = engine.one("SELECT id FROM durableflow_core.run WHERE parent_id = %s", run.id)
    engine.advance(child)
    end(engine.runtime, claimed(engine, run.id, 1, 1))
    engine.advance(run.id)
    assert (run.state, engine.state(child)) == ("failed", "running")
    mend(engine, run)
    contests.df.send(child, "go", 5)
    engine.drive()
    assert run.result(timeout=0) == [5, "beside"]


def test_two_people_redrive_at_once(engine, clock, broken):
    def play(stage: Stage) -> None:
        broken.add("left")
        run = contests.graph_that_breaks().start()
        fails(engine, run)
        BROKEN.clear()
        people = [stage.actor(name, lambda actor: redrive(actor.connection, run.id)) for name in ("one", "two")]
        stage.play()
        assert sorted(person.outcome for person in people) == [False, True]
        at_rest(engine, clock)
        assert run.result(timeout=0) == "last"

    assert interleavings(engine, play) >= 4


@pytest.mark.parametrize(
    "call", [contests.begins_two_of_which_one_breaks, lambda: contests.a_few_that_break(2, 2)], ids=["begun", "awaited"]
)
def test_a_step_that_was_under_way_ends_while_its_run_is_redriven(engine, clock, broken, call):
    def play(stage: Stage) -> None:
        broken.add("m1")
        run = call().start()
        engine.advance(run.id)
        under_way = claimed(engine, run.id, 1, 0)
        end(engine.runtime, claimed(engine, run.id, 1, 1))
        engine.advance(run.id)
        assert run.state == "failed"
        BROKEN.clear()
        stage.actor("end", ends(under_way))
        redriven = stage.actor("redrive", lambda actor: redrive(actor.connection, run.id))

        def goes_on(actor: Actor) -> None:
            """All but that step is done before it ends, so that its own wake is the last."""
            rev = engine.one("SELECT max(rev) FROM durableflow_core.step WHERE run_id = %s", run.id)
            looks(run.id)(actor)
            end(actor.runtime, claims(engine, run.id, rev, 1)(actor))
            looks(run.id)(actor)

        stage.actor("go on", goes_on, stops=(), after=[redriven])
        stage.play()
        at_rest(engine, clock)
        assert run.result(timeout=0) == ["m0", "m1"]

    assert interleavings(engine, play) >= 10


def test_a_parent_is_redriven_while_its_child_is_being_cancelled(engine, clock, broken):
    def play(stage: Stage) -> None:
        broken.add("beside")
        run = contests.child_beside_what_breaks().start()
        engine.advance(run.id)
        child = engine.one("SELECT id FROM durableflow_core.run WHERE parent_id = %s", run.id)
        engine.advance(child)
        end(engine.runtime, claimed(engine, run.id, 1, 1))
        engine.advance(run.id)
        BROKEN.clear()
        stage.actor("cancel", looks(child), stops=())
        redriven = stage.actor("redrive", lambda actor: redrive(actor.connection, run.id))
        stage.actor("look", looks(child), stops=(), after=[redriven])
        stage.play()
        at_rest(engine, clock)
        assert run.state == engine.state(child) == "running"
        contests.df.send(child, "go", 5)
        at_rest(engine, clock)
        assert run.result(timeout=0) == [5, "beside"]

    assert interleavings(engine, play) >= 20


def test_a_parent_is_cancelled_while_its_child_is_being_redriven(engine, clock, broken):
    seen = set()

    def play(stage: Stage) -> None:
        broken.add("c")
        run = contests.parent_of("c").start()
        fails(engine, run)
        assert run.redrive()
        child = engine.one("SELECT id FROM durableflow_core.run WHERE parent_id = %s", run.id)
        stage.actor("redrive", looks(child), stops=("FOR KEY SHARE OF s",))
        cancelled = stage.actor("cancel", cancels(run.id), stops=("left_behind",))
        stage.actor("look", looks(child), stops=(), after=[cancelled])
        stage.play()
        at_rest(engine, clock)
        states = engine.state(run.id), engine.state(child)
        assert states[0] == "cancelled"
        seen.add(states[1])

    assert interleavings(engine, play, preemptions=1) >= 10
    assert seen == {"failed", "cancelled"}
