"""durableflow.runs answers, in one SELECT: where is the run, with which variables, waiting for what, since when."""

from datetime import UTC, datetime, timedelta
from uuid import uuid4

import pytest

from tests.schema.world import CHARGE, SHIP, World
from tests.support.clock import Clock

THEN = datetime(2026, 11, 22, 18, 0, tzinfo=UTC)


def test_one_select_tells_where_a_run_is_with_which_variables_waiting_for_what_since_when(
    world: World, clock: Clock
) -> None:
    world.version()
    world.run(key="order-42")
    clock.set(THEN)
    world.checkpoint(CHARGE, variables={"order": {"total": 12}, "tries": 3})
    world.running_step(world.worker("host-a"), pid=4711, attempt=2)
    assert world.row(
        "runs", "workflow, key, state, source_file, line, source_line, variables, waiting_for, waiting_since"
    ) == (
        "shop.checkout",
        "order-42",
        "running",
        "/srv/shop.py",
        CHARGE,
        "payment = await charge(order)",
        {"order": {"total": 12}, "tries": 3},
        "shop.charge (running on host-a:4711, attempt 2)",
        THEN,
    )


def test_a_run_that_no_worker_has_looked_at_waits_for_one(world: World) -> None:
    world.run()
    assert world.row("runs", "waiting_for, line, variables") == ("a worker on queue durableflow", 10, {"order": 1})


def test_a_sleeping_run_waits_for_a_time(world: World) -> None:
    world.run()
    world.checkpoint()
    world.step(name="sleep", kind="timer", state="pending", due_at=THEN)
    assert world.row("runs", "waiting_for") == "sleep until 2026-11-22T18:00:00Z"


def test_a_step_that_waits_for_a_worker_is_shown_with_its_queue(world: World) -> None:
    world.run()
    world.checkpoint()
    world.step()
    world.ready()
    assert world.row("runs", "waiting_for") == "shop.charge (attempt 1 ready on queue payments)"


def test_a_step_that_waits_for_its_retry_is_shown_with_the_time(world: World, clock: Clock) -> None:
    clock.set(THEN)
    world.run()
    world.checkpoint()
    world.step(attempt=1, failures=1)
    world.ready(due_at=THEN + timedelta(minutes=5))
    assert world.row("runs", "waiting_for") == "shop.charge (attempt 2 due at 2026-11-22T18:05:00Z)"


def test_a_join_is_shown_by_how_many_of_its_steps_are_not_over(world: World) -> None:
    world.run()
    world.checkpoint(SHIP)
    worker = world.worker()
    for index in range(9):
        world.step(index, name="shop.ship", state="succeeded", shard=0)
    for index in range(9, 11):
        world.step(index, name="shop.ship", shard=0)
    world.running_step(worker, index=11)
    assert world.row("runs", "waiting_for") == "3 of 12 steps of shop.charge, shop.ship"


def test_a_run_whose_step_is_over_waits_for_a_worker_to_go_on(world: World) -> None:
    world.run()
    world.checkpoint()
    world.step(state="succeeded", attempt=1)
    assert world.row("runs", "waiting_for") == "a worker on queue durableflow, to go on after shop.charge"


def test_a_parked_run_says_why(world: World) -> None:
    world.run(parked_reason="no worker has shop.checkout@v1")
    assert world.row("runs", "waiting_for, parked_reason") == (
        "a worker that can advance it: no worker has shop.checkout@v1",
        "no worker has shop.checkout@v1",
    )


@pytest.mark.parametrize(
    "ended",
    [
        {"state": "succeeded", "output": '{"paid": true}'},
        {"state": "failed", "error": '{"~": "error", "class": "shop:Declined", "args": ["no"]}'},
        {"state": "cancelled"},
    ],
)
def test_a_run_that_has_ended_waits_for_nothing_and_keeps_its_last_place(world: World, ended: dict[str, str]) -> None:
    world.version()
    world.run(finished_at="now()", **ended)
    world.checkpoint(CHARGE, variables={"order": 1})
    world.insert("checkpoint", run_id=world.run_id, rev=2, kind="finish")
    assert world.row("runs", "state, waiting_for, waiting_since, line, source_line, variables, rev") == (
        ended["state"], None, None, CHARGE, "payment = await charge(order)", {"order": 1}, 2,
    )  # fmt: skip


def test_a_run_without_its_source_is_still_shown(world: World) -> None:
    world.run()
    assert world.row("runs", "state, source_file, source_line") == ("running", None, None)


def test_failed_and_lost_attempts_are_counted(world: World) -> None:
    world.run()
    world.checkpoint()
    world.step(attempt=3, failures=2, losses=1)
    world.attempt("failed", attempt=1)
    world.attempt("failed", attempt=2)
    world.attempt("lost", attempt=3)
    assert world.row("runs", "failed_attempts, lost_attempts") == (2, 1)


def test_an_id_that_no_run_has_gives_no_row(world: World) -> None:
    assert world.db.execute("SELECT * FROM durableflow.runs WHERE id = %s", (uuid4(),)).fetchall() == []


def test_a_list_of_runs_reads_no_checkpoint_that_it_does_not_show(world: World) -> None:
    plan = world.db.execute(
        "EXPLAIN SELECT id, workflow, key, state, created_at FROM durableflow.runs ORDER BY id DESC LIMIT 20"
    ).fetchall()
    text = "\n".join(str(line) for (line,) in plan)
    assert "run_pkey" in text
    assert "checkpoint" not in text
    assert "step" not in text
