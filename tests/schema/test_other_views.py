"""The views beside durableflow.runs: steps, attempts, checkpoints, dead letters, workers."""

from datetime import UTC, datetime, timedelta
from uuid import uuid4

import psycopg
import pytest

from tests.schema.world import CHARGE, World
from tests.support.clock import Clock

THEN = datetime(2026, 11, 22, 18, 0, tzinfo=UTC)
VIEWS = ("runs", "steps", "attempts", "checkpoints", "dead_letters", "workers")


def test_a_running_step_is_shown_with_who_runs_it(world: World) -> None:
    world.run()
    world.checkpoint(CHARGE)
    worker = world.worker("host-b")
    world.running_step(worker, pid=4712, attempt=3)
    assert world.row("steps", "name, state, line, attempt, worker_id, hostname, pid, idempotency_key") == (
        "shop.charge", "running", CHARGE, 3, worker, "host-b", 4712, f"{world.run_id}:1:0",
    )  # fmt: skip


def test_a_ready_step_is_shown_with_when_it_is_due(world: World) -> None:
    world.run()
    world.checkpoint()
    world.step()
    world.ready(due_at=THEN)
    assert world.row("steps", "state, due_at, dispatched_at, pid") == ("ready", THEN, None, None)


def test_attempts_are_those_that_failed_and_the_one_that_did_not(world: World) -> None:
    world.run()
    world.checkpoint()
    world.step(state="succeeded", attempt=3, worker_id=world.worker("host-c"), started_at=THEN)
    world.attempt("failed", attempt=1, traceback="Traceback ...")
    world.attempt("lost", attempt=2, error=None)
    rows = world.db.execute(
        "SELECT attempt, outcome, name, hostname FROM durableflow.attempts WHERE run_id = %s ORDER BY attempt",
        (world.run_id,),
    ).fetchall()
    assert rows == [
        (1, "failed", "shop.charge", "host-a"),
        (2, "lost", "shop.charge", "host-a"),
        (3, "succeeded", "shop.charge", "host-c"),
    ]


def test_a_timer_is_no_attempt(world: World) -> None:
    world.run()
    world.checkpoint()
    world.step(name="sleep", kind="timer", state="succeeded", due_at=THEN)
    assert world.db.execute("SELECT * FROM durableflow.attempts").fetchall() == []


def test_checkpoints_are_the_history_of_a_run(world: World) -> None:
    world.version()
    world.run()
    world.checkpoint(CHARGE, variables={"order": 1, "@hidden": 2})
    world.step()
    world.insert("checkpoint", run_id=world.run_id, rev=2, kind="cancel")
    rows = world.db.execute(
        "SELECT rev, kind, line, source_line, variables, awaits FROM durableflow.checkpoints"
        " WHERE run_id = %s ORDER BY rev",
        (world.run_id,),
    ).fetchall()
    assert rows == [
        (0, "start", 10, "async def checkout(order):", {"order": 1}, None),
        (1, "advance", CHARGE, "payment = await charge(order)", {"order": 1}, ["shop.charge"]),
        (2, "cancel", None, None, None, None),
    ]


def test_a_step_whose_attempts_are_used_up_is_a_dead_letter(world: World) -> None:
    world.run(key="order-42")
    world.checkpoint()
    world.step(state="failed", attempt=2, failures=2)
    world.attempt("failed", attempt=1, traceback="first")
    world.attempt("failed", attempt=2, traceback="last")
    assert world.row("dead_letters", "workflow, key, name, attempts, failures, traceback, run_state") == (
        "shop.checkout", "order-42", "shop.charge", 2, 2, "last", "running",
    )  # fmt: skip


def test_a_step_that_was_lost_too_often_is_a_dead_letter(world: World) -> None:
    world.run()
    world.checkpoint()
    world.step(state="failed", attempt=1, losses=1)
    world.attempt("lost", attempt=1, error=None)
    assert world.row("dead_letters", "losses, failures") == (1, 0)


@pytest.mark.parametrize("state", ["ready", "succeeded"])
def test_a_step_that_failed_on_the_way_is_no_dead_letter(world: World, state: str) -> None:
    world.run()
    world.checkpoint()
    world.step(state=state, attempt=1, failures=1)
    world.attempt("failed", attempt=1)
    assert world.db.execute("SELECT * FROM durableflow.dead_letters").fetchall() == []


def test_a_step_that_nobody_waited_for_any_more_is_no_dead_letter(world: World) -> None:
    world.run()
    world.checkpoint()
    world.step(state="failed", attempt=1, failures=1, abandoned_at="now()")
    world.attempt("failed", attempt=1)
    assert world.db.execute("SELECT * FROM durableflow.dead_letters").fetchall() == []


def test_a_redriven_step_is_no_dead_letter_any_more_and_is_one_again_if_it_fails_again(world: World) -> None:
    world.run()
    world.checkpoint()
    world.step(state="failed", attempt=1, failures=1)
    world.attempt("failed", attempt=1)
    world.checkpoint()
    world.step(idempotency_key=f"{world.run_id}:1:0")
    assert world.db.execute("SELECT * FROM durableflow.dead_letters").fetchall() == []
    world.checkpoint()
    world.step(state="failed", attempt=1, failures=1, idempotency_key=f"{world.run_id}:1:0")
    world.attempt("failed", attempt=1)
    assert world.row("dead_letters", "rev, idempotency_key") == (3, f"{world.run_id}:1:0")


def test_a_worker_is_alive_silent_dead_or_stopped(world: World, clock: Clock) -> None:
    clock.set(THEN)
    beat = {"seen_at": THEN - timedelta(seconds=2), "started_at": THEN}
    alive = world.worker("alive", **beat)
    world.worker("silent", seen_at=THEN - timedelta(seconds=11))
    world.worker("dead", tombstone_at=THEN, **beat)
    world.worker("stopped", tombstone_at=THEN, stopped_at=THEN, **beat)
    rows = world.db.execute("SELECT hostname, state, died_at FROM durableflow.workers ORDER BY hostname").fetchall()
    assert rows == [("alive", "alive", None), ("dead", "dead", THEN), ("silent", "silent", None),
                    ("stopped", "stopped", None)]  # fmt: skip
    row = world.db.execute("SELECT seen_ago FROM durableflow.workers WHERE id = %s", (alive,)).fetchone()
    assert row == (timedelta(seconds=2),)


def test_a_worker_is_shown_with_what_it_runs_and_whether_it_leads(world: World) -> None:
    leader, other = world.worker("leader", queues=["a", "b"]), world.worker("other")
    world.insert("leadership", name="leader", holder=leader, expires_at=datetime.now(UTC) + timedelta(minutes=1))
    world.run()
    world.checkpoint()
    world.running_step(other, index=0)
    world.running_step(other, index=1)
    rows = world.db.execute(
        "SELECT hostname, leads, steps_running, queues FROM durableflow.workers ORDER BY hostname"
    ).fetchall()
    assert rows == [("leader", True, 0, ["a", "b"]), ("other", False, 2, [])]


@pytest.fixture
def reader(world: World) -> str:
    """A role that was given what the documentation says, and nothing else."""
    name = f"durableflow_test_reader_{uuid4().hex[:8]}"
    world.db.execute(f"CREATE ROLE {name}")  # type: ignore[arg-type]
    world.db.execute(f"GRANT USAGE ON SCHEMA durableflow TO {name}")  # type: ignore[arg-type]
    world.db.execute(f"GRANT SELECT ON ALL TABLES IN SCHEMA durableflow TO {name}")  # type: ignore[arg-type]
    yield name
    world.db.execute("RESET ROLE")
    world.db.execute(f"DROP OWNED BY {name}")  # type: ignore[arg-type]
    world.db.execute(f"DROP ROLE {name}")  # type: ignore[arg-type]


def test_a_reader_of_the_views_needs_no_rights_on_the_tables(world: World, reader: str) -> None:
    world.version()
    world.run()
    world.checkpoint(variables={"large": ["x" * 5000]})
    world.running_step(world.worker())
    world.db.execute(f"SET ROLE {reader}")  # type: ignore[arg-type]
    for view in VIEWS:
        world.db.execute(f"SELECT * FROM durableflow.{view}").fetchall()  # type: ignore[arg-type]
    assert world.row("runs", "variables") == {"large": ["x" * 5000]}
    for forbidden in ("SELECT * FROM durableflow_core.run", "UPDATE durableflow.workers SET pid = 1"):
        with pytest.raises(psycopg.errors.InsufficientPrivilege):
            world.db.execute(forbidden)
