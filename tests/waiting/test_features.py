from datetime import timedelta
from typing import Any

import pytest

from durableflow.errors import InvalidEvent, RunEnded, RunFailed, RunNotFound
from tests.waiting import shop
from tests.waiting.shop import Approval


def finish(engine: Any, run: Any) -> Any:
    engine.drive()
    return run.result(timeout=0)


def test_an_event_is_received(engine):
    run = shop.one_event().start()
    engine.drive()
    assert run.info()["waiting_for"] == "event approval"
    assert run.send("approval", Approval(approved=True, amount=3), by="ana")
    assert finish(engine, run) == Approval(approved=True, amount=3)


def test_an_event_that_was_sent_before_the_wait_is_kept(engine):
    run = shop.one_event().start()
    assert run.send("approval", {"approved": False})
    assert finish(engine, run) == Approval(approved=False)


def test_an_event_that_does_not_come_is_a_timeout(engine, clock):
    run = shop.one_event(60).start()
    engine.drive()
    clock.advance(59)
    engine.drive()
    assert run.state == "running"
    clock.advance(2)
    assert finish(engine, run).startswith("too late")


def test_a_duplicate_id_counts_once_and_order_is_that_of_sending(engine):
    run = shop.events_in_order(3).start()
    assert run.send("number", 1, id="a")
    assert not run.send("number", 1, id="a")
    assert run.send("number", 2, id="b")
    assert run.send("number", 3, id="c")
    assert finish(engine, run) == [1, 2, 3]


def test_two_waits_of_one_name_take_two_events(engine):
    run = shop.two_events_at_once().start()
    engine.drive()
    run.send("number", 5)
    engine.drive()
    assert run.state == "running"
    run.send("number", 6)
    assert finish(engine, run) == [5, 6, 3]


def test_an_approval_says_who_and_when(engine, clock):
    run = shop.signed().start()
    engine.drive()
    form = engine.one("SELECT form FROM durableflow.inbox WHERE run_id = %s", run.id)
    assert form["properties"]["approved"] == {"title": "Approved", "type": "boolean"}
    run.send("invoice", {"approved": True, "amount": 7}, by="ana@example.org", id="click-1")
    decision = finish(engine, run)
    assert (decision.form, decision.by, decision.id) == (
        Approval(approved=True, amount=7),
        "ana@example.org",
        "click-1",
    )
    assert decision.at == clock.now()


def test_what_does_not_fit_is_refused_at_once_where_the_workflow_is_known(engine):
    run = shop.one_event().start()
    with pytest.raises(InvalidEvent, match="approved: Field required"):
        run.send("approval", {"amount": 3})
    assert engine.one("SELECT count(*) FROM durableflow.events") == 0


def test_what_does_not_fit_is_set_aside_where_the_sender_could_not_know(engine):
    run = shop.events_in_order(1).start()
    engine.drive()
    engine.db.execute(
        "INSERT INTO durableflow_core.event (run_id, name, payload) VALUES (%s, 'number', '\"x\"')", (run.id,)
    )
    run.send("number", 4)
    assert finish(engine, run) == [4]
    assert engine.one("SELECT state FROM durableflow.events ORDER BY id LIMIT 1") == "rejected"


def test_a_finished_or_unknown_run_takes_no_events(engine, df):
    run = shop.diamond(1).start()
    finish(engine, run)
    with pytest.raises(RunEnded):
        run.send("x", 1)
    with pytest.raises(RunNotFound):
        df.send("01890a5d-ac96-774b-bcce-b302099a8057", "x", 1)


@pytest.mark.parametrize("event", [True, False])
def test_an_event_races_with_time(engine, clock, event):
    run = shop.event_or_time(10).start()
    engine.drive()
    if event:
        run.send("number", 1)
    else:
        clock.advance(11)
    assert finish(engine, run) == ((0, 1) if event else (1, None))


def test_the_first_of_two_wins_and_the_loser_is_abandoned(engine, clock):
    run = shop.first_of_two().start()
    engine.drive()
    clock.advance(100)
    assert finish(engine, run) == (0, 3)
    assert engine.one("SELECT count(*) FROM durableflow_core.step WHERE abandoned_at IS NULL") == 1


def test_the_first_to_fail_raises(engine):
    assert finish(engine, shop.race_that_fails().start()) == "caught first"


def test_errors_are_results_where_that_is_asked_for(engine):
    assert finish(engine, shop.errors_as_results().start()) == ["3", "ValueError('no')", "7"]


@pytest.mark.parametrize("workflow", [shop.limited, shop.limited_children])
def test_a_limit_lets_so_many_be_under_way(engine, workflow):
    run = workflow(25, 4).start()
    engine.published += engine.advance(run.id)
    seen = 0
    while engine.published:
        engine.deliver(engine.published.pop(0))
        under_way = engine.one(
            "SELECT count(*) FROM durableflow_core.step WHERE gate IS NOT NULL AND finished_at IS NULL AND NOT EXISTS ("
            "SELECT FROM durableflow_core.queued AS q WHERE (q.run_id, q.rev, q.index) = (step.run_id, step.rev, "
            "step.index))"
        )
        seen = max(seen, under_way)
    assert seen == 4
    expected = [i + 1 for i in range(25)] if workflow is shop.limited else [i + 100 for i in range(25)]
    assert finish(engine, run) == expected


@pytest.mark.parametrize(("number", "given"), [(1, 101), (-1, "child failed: negative: -1")])
def test_a_child_gives_its_result_or_error(engine, number, given):
    run = shop.parent(number).start()
    assert finish(engine, run) == given
    assert engine.one("SELECT count(*) FROM durableflow.runs WHERE parent_id = %s", run.id) == 1


@pytest.mark.parametrize(("policy", "state"), [("cancel", "cancelled"), ("leave", "running")])
def test_a_child_ends_with_its_parent_or_outlives_it(engine, policy, state):
    run = shop.spawns(policy, wait=False).start()
    engine.drive()
    run.send("end", "bye")
    assert finish(engine, run) == "bye"
    assert engine.one("SELECT state FROM durableflow_core.run WHERE parent_id = %s", run.id) == state


def test_a_cancelled_parent_cancels_its_children(engine, clock):
    run = shop.spawns().start()
    engine.drive()
    assert run.cancel()
    clock.advance(3)
    engine.drive()
    assert engine.one("SELECT state FROM durableflow_core.run WHERE parent_id = %s", run.id) == "cancelled"


def test_a_race_with_a_handle_leaves_it_going(engine):
    run = shop.spawns().start()
    engine.drive()
    child = engine.one("SELECT id FROM durableflow_core.run WHERE parent_id = %s", run.id)
    run.send("end", "x")
    engine.drive()
    shop.df.send(child, "go", 9)
    assert finish(engine, run) == 9


def test_a_childs_failure_is_raised_where_it_is_awaited_or_fails_its_parent(engine):
    keeps, fails = shop.spawns_a_failure("keep").start(), shop.spawns_a_failure("fail").start()
    engine.drive()
    assert (keeps.state, fails.state) == ("running", "failed")
    keeps.send("go on", "")
    assert finish(engine, keeps) == "caught negative: -1"
    with pytest.raises(RunFailed, match="negative: -1"):
        fails.result(timeout=0)


@pytest.mark.parametrize(
    ("call", "value", "steps"),
    [(lambda: shop.diamond(1), 32, 4), (lambda: shop.ladder(60), 61, 61), (lambda: shop.wide(20), [190, 190], 22)],
)
def test_calls_of_calls_begin_when_what_they_need_is_there(engine, call, value, steps):
    run = call().start()
    assert finish(engine, run) == value
    assert engine.one("SELECT count(*), max(rev) FROM durableflow_core.step") == (steps, 1)


def test_what_needs_a_failed_step_fails_with_it(engine):
    assert finish(engine, shop.broken_flow().start()) == ["ValueError('raw')", "5"]
    assert shop.EFFECTS.count(("add", 2, 3)) == 1


def test_what_was_begun_is_awaited_later(engine):
    assert finish(engine, shop.begun_and_awaited_later().start()) == [4, 2, 6, 4]


def test_handles_are_kept_over_the_turns_of_a_loop(engine, clock):
    run = shop.begun_in_a_loop(4).start()
    for _ in range(4):
        engine.drive()
        clock.advance(2)
    assert finish(engine, run) == [0, 2, 4, 6]


def test_what_was_begun_can_be_cancelled(engine):
    assert finish(engine, shop.begun_and_cancelled().start()) == "StepCancelled"
    assert engine.one("SELECT count(*) FROM durableflow_core.wake") == 0


def test_what_nobody_awaits_ends_with_the_run(engine):
    assert finish(engine, shop.begun_and_forgotten().start()) == "done"
    assert engine.one("SELECT count(*) FROM durableflow_core.ready") == 0


def test_sleep_until_a_moment(engine, clock):
    moment = clock.now() + timedelta(days=3)
    run = shop.until(moment).start()
    engine.drive()
    clock.set(moment - timedelta(seconds=1))
    engine.drive()
    assert run.state == "running"
    clock.set(moment)
    assert finish(engine, run) == "woken"


def test_a_deadline_ends_what_its_block_awaits(engine, clock):
    run = shop.with_a_deadline(30).start()
    engine.drive()
    clock.advance(31)
    assert finish(engine, run) == ["cleaned up 4", "expired True"]


def test_a_deadline_that_does_not_pass_changes_nothing(engine, clock):
    run = shop.deadline_that_holds().start()
    assert finish(engine, run) == (2, [4, 6], 8)
    assert engine.one("SELECT count(*) FROM durableflow_core.wake") == 0


def test_a_routine_runs_in_the_run_of_its_caller(engine):
    run = shop.calls_a_routine(5).start()
    engine.drive(most=12)
    assert run.result(timeout=0) == (1005, [5, 4, 3, 2, 1, 0])
    assert engine.one("SELECT count(*) FROM durableflow_core.run") == 1


def test_a_routine_is_subject_to_the_deadline_that_it_was_called_in(engine, clock):
    run = shop.routine_in_a_deadline().start()
    engine.drive()
    assert run.info()["stack"] == [{"routine": "waits.patient", "line": run.info()["stack"][0]["line"]}]
    clock.advance(11)
    assert finish(engine, run) == "too slow"
    assert ("add", 7, 7) in shop.EFFECTS


def test_a_child_that_was_spawned_is_there_even_if_nothing_else_is_awaited(engine, clock):
    run = shop.spawns_and_returns().start()
    engine.drive()
    clock.advance(3)
    engine.drive()
    assert run.result(timeout=0) == 2
    states = engine.db.execute("SELECT state FROM durableflow_core.run WHERE parent_id = %s ORDER BY id", (run.id,))
    assert [row[0] for row in states] == ["running", "cancelled", "cancelled"]
