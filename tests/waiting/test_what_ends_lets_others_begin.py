"""A step that ends lets those begin that need it, or that wait for its place: each once, however many end together."""

from durableflow.store.settle import fire
from tests.waiting import contests, shop
from tests.waiting.interleavings import Stage, interleavings
from tests.waiting.moves import DECIDES, at_rest, claimed, claims, end, ends, looks

UNDER_WAY = """
SELECT count(*) FROM durableflow_core.step AS s
WHERE run_id = %s AND gate IS NOT NULL AND state IN ('ready', 'running')
"""

ABANDONED = "SELECT abandoned_at IS NOT NULL FROM durableflow_core.step WHERE run_id = %s AND rev = 1 AND index = 3"


def test_the_last_two_that_a_step_needs(engine, clock):
    def play(stage: Stage) -> None:
        run = contests.sum_of(2).start()
        engine.advance(run.id)
        for n in range(2):
            stage.actor(f"part {n}", ends(claimed(engine, run.id, 1, n)))
        stage.play()
        assert engine.one("SELECT state, needs FROM durableflow_core.step WHERE run_id = %s AND index = 2", run.id) == (
            "ready",
            0,
        )
        at_rest(engine, clock)
        assert run.result(timeout=0) == 3

    assert interleavings(engine, play) >= 4


def test_three_that_a_step_needs(engine, clock):
    def play(stage: Stage) -> None:
        run = contests.sum_of(3).start()
        engine.advance(run.id)
        for n in range(3):
            stage.actor(f"part {n}", ends(claimed(engine, run.id, 1, n)))
        stage.play()
        at_rest(engine, clock)
        assert run.result(timeout=0) == 6
        assert shop.EFFECTS.count(("total", 3)) == 1
        shop.EFFECTS.clear()

    assert interleavings(engine, play) >= 30


def test_two_that_both_let_the_same_two_begin(engine, clock):
    """Each locks both of those that it feeds."""

    def play(stage: Stage) -> None:
        run = contests.two_levels().start()
        engine.advance(run.id)
        actors = [stage.actor(f"raw {n}", ends(claimed(engine, run.id, 1, n))) for n in range(2)]
        stage.play()
        assert [actor.connections.deadlocks for actor in actors] == [0, 0]
        at_rest(engine, clock)
        assert run.result(timeout=0) == 6

    assert interleavings(engine, play) >= 4


def test_two_members_of_a_gather_with_a_limit_end_together(engine, clock):
    def play(stage: Stage) -> None:
        run = contests.a_few_at_a_time(5, 2).start()
        engine.advance(run.id)
        for n in range(2):
            stage.actor(f"member {n}", ends(claimed(engine, run.id, 1, n)))
        stage.play()
        assert engine.one(UNDER_WAY, run.id) == 2
        assert engine.one("SELECT array_agg(index) FROM durableflow_core.ready WHERE run_id = %s", run.id) in (
            [2, 3],
            [3, 2],
        )
        assert engine.one("SELECT count(*) FROM durableflow_core.queued WHERE run_id = %s", run.id) == 1
        at_rest(engine, clock)
        assert run.result(timeout=0) == [1, 2, 3, 4, 5]

    assert interleavings(engine, play) >= 4


def test_more_members_end_together_than_are_waiting(engine, clock):
    def play(stage: Stage) -> None:
        run = contests.a_few_at_a_time(4, 3).start()
        engine.advance(run.id)
        for n in range(3):
            stage.actor(f"member {n}", ends(claimed(engine, run.id, 1, n)))
        stage.play()
        assert engine.one(UNDER_WAY, run.id) == 1
        at_rest(engine, clock)
        assert run.result(timeout=0) == [1, 2, 3, 4]

    assert interleavings(engine, play) >= 30


def test_a_member_is_admitted_and_claimed_while_the_gather_is_abandoned(engine, clock):
    """One member fails, which abandons the others; another one ends, which admits the next; and that one is claimed."""
    begun = set()

    def play(stage: Stage) -> None:
        run = contests.a_few_at_a_time_or_a_failure(2).start()
        engine.advance(run.id)
        failing, ending = claimed(engine, run.id, 1, 0), claimed(engine, run.id, 1, 1)
        failed = stage.actor("fail", ends(failing), stops=())
        stage.actor("look", looks(run.id), stops=DECIDES, after=[failed])
        ended = stage.actor("end", ends(ending), stops=())
        claim = stage.actor("claim", claims(engine, run.id, 1, 3), stops=("UPDATE",), after=[ended])
        stage.play()
        begun.add(claim.outcome is not None)
        if claim.outcome is not None:
            assert engine.one(ABANDONED, run.id)
            end(engine.runtime, claim.outcome)
        at_rest(engine, clock)
        assert run.result(timeout=0) == "failed"
        assert engine.one("SELECT count(*) FROM durableflow_core.ready WHERE run_id = %s", run.id) == 0
        assert engine.one("SELECT count(*) FROM durableflow_core.queued WHERE run_id = %s", run.id) == 0
        assert engine.one("SELECT count(*) FROM durableflow_core.claim WHERE run_id = %s", run.id) == 0

    assert interleavings(engine, play, preemptions=2) > 50
    assert begun == {True, False}


def test_timers_of_one_gather_that_two_workers_fire_at_once(engine, clock):
    """More than one shard counts them, and the two find some of the same."""

    def play(stage: Stage) -> None:
        run = contests.sleeps(150).start()
        engine.advance(run.id)
        clock.advance(61)
        halves = [[(1, n) for n in range(100)], [(1, n) for n in range(50, 150)]]
        actors = [
            stage.actor(f"worker {n}", lambda actor, places=places: fire(actor.connection, run.id, places))
            for n, places in enumerate(halves)
        ]
        stage.play()
        assert sum(actor.outcome.count for actor in actors) == 150
        assert sorted(actor.outcome.waits for actor in actors) == [False, True]
        left = "SELECT array_agg(remaining) FROM durableflow_core.join_counter WHERE run_id = %s"
        assert engine.one(left, run.id) == [0, 0, 0, 0]
        at_rest(engine, clock)
        assert run.result(timeout=0) == 150

    assert interleavings(engine, play) >= 4
