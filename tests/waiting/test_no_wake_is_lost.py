"""Whoever awaits something that was not born with the await learns of it, in whatever order that and the commit come.

In each of these, one actor commits the checkpoint that waits, another one makes come true what is waited for, and a
third looks at the wake that this leaves, perhaps while the run still stands where it stood before.
"""

from durableflow.store.advance import hand_back, lease
from tests.waiting import contests
from tests.waiting.interleavings import Stage, interleavings
from tests.waiting.moves import at_rest, claimed, ends, looks, sends

REGISTERS = ("INSERT INTO durableflow_core.checkpoint", "FOR NO KEY UPDATE", "'look'")
"""Where the commit of a checkpoint that waits for something can be interrupted."""

LOOKS = (
    "SET leased_by = me.id",
    "SELECT rev, index",
    "FOR NO KEY UPDATE",
    "rev > ",
    "DELETE FROM durableflow_core.wake",
    "UPDATE durableflow_core.step",
)
"""Where somebody can be who looks at a wake, and finds that it is about nothing."""


def test_an_event_that_is_sent_while_the_wait_for_it_is_committed(engine, clock):
    def play(stage: Stage) -> None:
        run = contests.step_then_event().start()
        engine.advance(run.id)
        stage.actor("register", ends(claimed(engine, run.id, 1, 0)), stops=REGISTERS)
        sent = stage.actor("send", sends(run.id, "number", 7))
        stage.actor("look", looks(run.id), stops=LOOKS, after=[sent])
        stage.play()
        at_rest(engine, clock)
        assert run.result(timeout=0) == 7

    assert interleavings(engine, play) > 100


def test_a_step_that_was_begun_and_ends_while_the_wait_for_it_is_committed(engine, clock):
    def play(stage: Stage) -> None:
        run = contests.awaits_what_was_begun().start()
        engine.advance(run.id)
        begun, awaited = claimed(engine, run.id, 1, 0), claimed(engine, run.id, 1, 1)
        stage.actor("register", ends(awaited), stops=REGISTERS)
        ended = stage.actor("end", ends(begun), stops=())
        stage.actor("look", looks(run.id), stops=LOOKS, after=[ended])
        stage.play()
        at_rest(engine, clock)
        assert run.result(timeout=0) == [2, 6]

    assert interleavings(engine, play, preemptions=3) > 30


def test_a_child_that_ends_while_the_wait_for_it_is_committed(engine, clock):
    def play(stage: Stage) -> None:
        run = contests.awaits_a_child_that_was_spawned().start()
        engine.advance(run.id)
        engine.advance(run.id)  # on from the spawn
        child = engine.one("SELECT id FROM durableflow_core.run WHERE parent_id = %s", run.id)
        engine.advance(child)
        stage.actor("register", ends(claimed(engine, run.id, 2, 0)), stops=REGISTERS)
        ended = stage.actor("end", ends(claimed(engine, child, 1, 0)), stops=())
        stage.actor("look", looks(run.id), stops=LOOKS, after=[ended])
        stage.play()
        at_rest(engine, clock)
        assert run.result(timeout=0) == 101

    assert interleavings(engine, play, preemptions=2) > 50


def test_a_timer_that_was_begun_and_fires_while_the_wait_for_it_is_committed(engine, clock):
    def play(stage: Stage) -> None:
        run = contests.awaits_a_timer_that_was_begun().start()
        engine.advance(run.id)
        attempt = claimed(engine, run.id, 1, 1)
        clock.advance(61)
        stage.actor("register", ends(attempt), stops=REGISTERS)
        stage.actor("look", looks(run.id), stops=LOOKS)
        stage.play()
        at_rest(engine, clock)
        assert run.result(timeout=0) == "woken"

    assert interleavings(engine, play, preemptions=3) > 30


def test_a_deadline_that_passes_while_the_next_await_of_its_block_is_committed(engine, clock):
    def play(stage: Stage) -> None:
        run = contests.two_awaits_within_a_deadline(60).start()
        engine.advance(run.id)
        attempt = claimed(engine, run.id, 1, 1)
        clock.advance(61)
        stage.actor("register", ends(attempt), stops=REGISTERS)
        stage.actor("look", looks(run.id), stops=LOOKS)
        stage.play()
        at_rest(engine, clock)
        assert run.result(timeout=0) == -1

    assert interleavings(engine, play, preemptions=3) > 30


def test_a_run_whose_workers_are_overtaken_again_and_again_is_not_stuck(engine, clock):
    run = contests.counts_events(1).start()
    engine.advance(run.id)
    run.send("number", 1)
    for _ in range(2 * engine.runtime.settings.max_turn_tries):
        held = lease(engine.db, run.id, boot=engine.boot, seconds=30.0)
        assert held is not None
        hand_back(engine.db, run.id, held.wakes)
    at_rest(engine, clock)
    assert run.result(timeout=0) == 1
