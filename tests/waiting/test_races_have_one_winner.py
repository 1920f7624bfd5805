"""Two things that exclude each other happen at the same moment: exactly one of them counts, whichever way it comes."""

from typing import Any
from uuid import UUID

import pytest

from durableflow.store.event import Sent
from tests.support.engine import Engine
from tests.waiting import contests, shop
from tests.waiting.interleavings import Stage, interleavings
from tests.waiting.moves import DECIDES, at_rest, cancels, claimed, ends, looks, sends


def uses() -> list[Any]:
    """What the step that follows was begun with, each time."""
    return [effect[1] for effect in shop.EFFECTS if effect[0] == "used"]


def child_of(engine: Engine, run_id: UUID) -> UUID:
    found: UUID = engine.one("SELECT id FROM durableflow_core.run WHERE parent_id = %s", run_id)
    return found


@pytest.mark.parametrize("workflow", [contests.event_until, contests.event_until_beside_a_step])
def test_an_event_and_the_end_of_the_wait_for_it(engine, clock, workflow):
    """Where a step is awaited beside it, the wait ends first, and the run moves on later."""
    seen = set()

    def play(stage: Stage) -> None:
        run = workflow(60).start()
        engine.advance(run.id)
        clock.advance(61)
        stage.actor("timeout", looks(run.id), stops=(*DECIDES, "SET state = "))
        sent = stage.actor("send", sends(run.id, "number", 7))
        stage.actor("event", looks(run.id), stops=(*DECIDES, "SET state = "), after=[sent])
        shop.EFFECTS.clear()
        stage.play()
        at_rest(engine, clock)
        value = run.result(timeout=0)
        assert uses() == [value]
        taken = engine.one("SELECT count(*) FROM durableflow_core.event WHERE run_id = %s AND received_rev = 1", run.id)
        assert taken == (value == 7)
        seen.add(value)

    assert interleavings(engine, play, preemptions=2) > 50
    assert seen == {7, -1}


def test_two_sends_with_one_id(engine, clock):
    def play(stage: Stage) -> None:
        run = contests.counts_events(1).start()
        engine.advance(run.id)
        senders = [stage.actor(name, sends(run.id, "number", n, "click")) for n, name in enumerate(("one", "two"))]
        stage.play()
        outcomes = [sender.outcome for sender in senders]
        assert all(isinstance(outcome, Sent) for outcome in outcomes)
        assert sorted(outcome.kept for outcome in outcomes) == [False, True]
        at_rest(engine, clock)
        assert run.result(timeout=0) == [outcome.kept for outcome in outcomes].index(True)
        assert engine.one("SELECT count(*) FROM durableflow_core.event WHERE run_id = %s", run.id) == 1

    assert interleavings(engine, play) >= 4


def test_two_steps_that_race(engine, clock):
    seen = set()

    def play(stage: Stage) -> None:
        run = contests.first_of_two_steps().start()
        engine.advance(run.id)
        for name, attempt in [(name, claimed(engine, run.id, 1, n)) for n, name in enumerate(("first", "second"))]:
            ended = stage.actor(name, ends(attempt), stops=())
            stage.actor(f"look after {name}", looks(run.id), stops=DECIDES, after=[ended])
        shop.EFFECTS.clear()
        stage.play()
        at_rest(engine, clock)
        winner, value = run.result(timeout=0)
        assert value == [10, 21][winner]
        assert uses() == [[winner, value]]
        assert engine.rev(run.id) == 3
        assert engine.one("SELECT count(*) FROM durableflow_core.step WHERE run_id = %s AND rev > 1", run.id) == 1
        seen.add(winner)

    assert interleavings(engine, play, preemptions=2) > 100
    assert seen == {0, 1}


def test_a_step_and_the_deadline_of_its_block(engine, clock):
    seen = set()

    def play(stage: Stage) -> None:
        run = contests.within_a_deadline(60).start()
        engine.advance(run.id)
        attempt = claimed(engine, run.id, 1, 1)
        clock.advance(61)
        stage.actor("deadline", looks(run.id), stops=DECIDES)
        ended = stage.actor("step", ends(attempt), stops=())
        stage.actor("look after step", looks(run.id), stops=DECIDES, after=[ended])
        shop.EFFECTS.clear()
        stage.play()
        at_rest(engine, clock)
        value = run.result(timeout=0)
        assert uses() == [value]
        seen.add(value)

    assert interleavings(engine, play, preemptions=2) > 50
    assert seen == {2, -1}


def test_the_end_of_a_child_and_the_cancel_of_its_parent(engine, clock):
    seen = set()

    def play(stage: Stage) -> None:
        run = shop.parent(1).start()
        engine.advance(run.id)
        child = child_of(engine, run.id)
        engine.advance(child)
        cancelled = stage.actor("cancel", cancels(run.id))
        ended = stage.actor("end", ends(claimed(engine, child, 1, 0)), stops=())
        stage.actor("parent looks", looks(run.id), stops=DECIDES, after=[ended])
        stage.actor("child looks", looks(child), stops=DECIDES, after=[cancelled])
        stage.play()
        at_rest(engine, clock)
        states = engine.state(run.id), engine.state(child)
        assert (states[0] == "cancelled") == cancelled.outcome.landed
        seen.add(states)

    assert interleavings(engine, play, preemptions=2) > 100
    assert seen == {("cancelled", "cancelled"), ("cancelled", "succeeded"), ("succeeded", "succeeded")}


def test_the_end_of_a_child_and_a_failure_beside_it(engine, clock):
    seen = set()

    def play(stage: Stage) -> None:
        run = contests.child_beside_a_failure().start()
        engine.advance(run.id)
        child = child_of(engine, run.id)
        engine.advance(child)
        ended = stage.actor("end", ends(claimed(engine, child, 1, 0)), stops=())
        failed = stage.actor("fail", ends(claimed(engine, run.id, 1, 1)), stops=())
        stage.actor("look after end", looks(run.id), stops=DECIDES, after=[ended])
        stage.actor("look after failure", looks(run.id), stops=DECIDES, after=[failed])
        shop.EFFECTS.clear()
        stage.play()
        at_rest(engine, clock)
        assert run.result(timeout=0) == "no"
        assert uses() == ["no"]
        seen.add(engine.state(child))

    assert interleavings(engine, play, preemptions=2) > 100
    assert seen == {"succeeded", "cancelled"} or seen == {"succeeded"}
