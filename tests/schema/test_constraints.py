"""The tables refuse rows that contradict themselves, whoever writes them; each refusal bears its constraint's name."""

from typing import Any
from uuid import uuid4

import psycopg
import pytest

from tests.schema.world import World

Connection = psycopg.Connection[tuple[Any, ...]]

# (constraint, statement on the run, its step or its checkpoint)
REFUSED = [
    ("run_state", "UPDATE durableflow_core.run SET state = 'paused', finished_at = now()"),
    ("run_finished", "UPDATE durableflow_core.run SET state = 'cancelled'"),
    ("run_finished", "UPDATE durableflow_core.run SET finished_at = now()"),
    ("run_output", "UPDATE durableflow_core.run SET state = 'succeeded', finished_at = now()"),
    ("run_output", "UPDATE durableflow_core.run SET output = '1'"),
    ("run_error", "UPDATE durableflow_core.run SET state = 'failed', finished_at = now()"),
    ("run_error", "UPDATE durableflow_core.run SET error = '1'"),
    ("run_parked", "UPDATE durableflow_core.run SET state = 'cancelled', finished_at = now(), parked_reason = 'why'"),
    ("run_labels", "UPDATE durableflow_core.run SET labels = '[]'"),
    ("run_parent", "UPDATE durableflow_core.run SET parent_id = id"),
    ("checkpoint_kind", "UPDATE durableflow_core.checkpoint SET kind = 'pause' WHERE rev = 1"),
    ("checkpoint_place", "UPDATE durableflow_core.checkpoint SET variables = NULL WHERE rev = 1"),
    ("step_state", "UPDATE durableflow_core.step SET state = 'lost'"),
    ("step_claimed", "UPDATE durableflow_core.step SET state = 'running'"),
    ("step_claimed", "UPDATE durableflow_core.step SET state = 'running', claim = run_id, worker_id = NULL"),
    ("step_finished", "UPDATE durableflow_core.step SET finished_at = now()"),
    ("step_finished", "UPDATE durableflow_core.step SET state = 'cancelled'"),
    ("step_output", "UPDATE durableflow_core.step SET state = 'succeeded', finished_at = now()"),
    ("step_output", "UPDATE durableflow_core.step SET output = '1'"),
    ("step_error", "UPDATE durableflow_core.step SET state = 'failed', finished_at = now()"),
    ("ready_dispatched", "UPDATE durableflow_core.ready SET dispatched_at = now()"),
]  # fmt: skip


@pytest.fixture
def ready_step(world: World) -> Connection:
    world.run()
    world.checkpoint()
    world.step()
    world.ready()
    return world.db


@pytest.mark.parametrize(("constraint", "statement"), REFUSED)
def test_a_row_that_contradicts_itself_is_refused(ready_step: Connection, constraint: str, statement: str) -> None:
    with pytest.raises(psycopg.errors.CheckViolation) as refusal:
        ready_step.execute(statement)  # type: ignore[arg-type]
    assert refusal.value.diag.constraint_name == constraint


def test_a_key_names_one_run_of_a_workflow(world: World) -> None:
    world.run(key="order-42")
    World(world.db).run(key="order-42", workflow="shop.refund")
    with pytest.raises(psycopg.errors.UniqueViolation) as refusal:
        World(world.db).run(key="order-42")
    assert refusal.value.diag.constraint_name == "run_by_key"


def test_a_rev_has_one_checkpoint(world: World) -> None:
    world.run()
    with pytest.raises(psycopg.errors.UniqueViolation) as refusal:
        world.insert("checkpoint", run_id=world.run_id, rev=0, kind="start", state=0, line=1, variables="{}")
    assert refusal.value.diag.constraint_name == "checkpoint_pkey"


def test_a_join_cannot_be_counted_below_nothing(world: World) -> None:
    world.insert("join_counter", run_id=uuid4(), rev=1, shard=0, remaining=0)
    with pytest.raises(psycopg.errors.CheckViolation) as refusal:
        world.db.execute("UPDATE durableflow_core.join_counter SET remaining = remaining - 1")
    assert refusal.value.diag.constraint_name == "join_counter_remaining"


@pytest.mark.parametrize("table", ["run", "step", "checkpoint"])
def test_no_index_is_on_a_column_that_changes_in_place(db: Connection, table: str) -> None:
    fixed = {"id", "workflow", "key", "run_id", "rev", "index"}
    rows = db.execute(
        """
        SELECT a.attname FROM pg_index AS i JOIN pg_attribute AS a ON a.attrelid = i.indrelid AND (
            a.attnum = ANY(i.indkey) OR pg_get_expr(i.indpred, i.indrelid) ~ ('\\m' || a.attname || '\\M'))
        WHERE i.indrelid = %s::regclass AND a.attnum > 0
        """,
        (f"durableflow_core.{table}",),
    ).fetchall()
    assert {name for (name,) in rows} <= fixed


def test_updating_a_step_is_a_heap_only_update(ready_step: Connection) -> None:
    for _ in range(5):
        ready_step.execute("UPDATE durableflow_core.step SET attempt = attempt + 1")
    ready_step.execute("SELECT pg_stat_force_next_flush()")
    row = ready_step.execute(
        "SELECT n_tup_upd, n_tup_hot_upd FROM pg_stat_user_tables WHERE relid = 'durableflow_core.step'::regclass"
    ).fetchone()
    assert row == (5, 5)


def test_hot_tables_have_no_foreign_keys(db: Connection) -> None:
    rows = db.execute(
        "SELECT conname FROM pg_constraint WHERE contype = 'f' AND connamespace = 'durableflow_core'::regnamespace"
    ).fetchall()
    assert rows == []
