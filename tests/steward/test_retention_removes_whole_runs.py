"""prune: what is past its retention goes with all that belongs to it, and nothing else goes."""

from datetime import datetime, timedelta
from uuid import UUID

import pytest

from durableflow.steward.leadership import Leadership
from durableflow.steward.prune import Prune
from durableflow.steward.settings import StewardSettings
from durableflow.store import prune
from tests.steward.world import World
from tests.support.clock import Clock
from tests.support.races import Race

DAY = 24 * 3600.0
TABLES = ("run", "checkpoint", "step", "ready", "wake", "attempt", "join_counter", "value")


@pytest.fixture
def duty(leader: Leadership) -> Prune:
    return Prune(StewardSettings(retention=7 * DAY), leader)


def _full_run(world: World, *, ended: float | None, number: int = 0) -> UUID:
    """A run with a row in every table, started ten days ago."""
    run_id = world.run()
    world.steps(run_id=run_id)
    world.wake(run_id)
    world.conn.execute(
        """
        INSERT INTO durableflow_core.attempt (run_id, rev, index, attempt, outcome) VALUES (%(id)s, 1, 0, 1, 'lost');
        """,
        {"id": run_id},
    )
    world.conn.execute("INSERT INTO durableflow_core.join_counter VALUES (%s, 1, 0, 1)", (run_id,))
    world.conn.execute("INSERT INTO durableflow_core.value VALUES (%s, 'hash', '1')", (run_id,))
    began = world.one("SELECT durableflow_core.now() - interval '10 days'")
    dated = _version_7(began, number)
    for table in TABLES:
        column = "id" if table == "run" else "run_id"
        world.conn.execute(f"UPDATE durableflow_core.{table} SET {column} = %s WHERE {column} = %s", (dated, run_id))
    if ended is not None:
        world.finish(dated, ago=ended)
    return dated


def _version_7(at: datetime, number: int) -> UUID:
    return UUID(int=int(at.timestamp() * 1000) << 80 | 7 << 76 | 2 << 62 | number)


def _left(world: World, run_id: UUID) -> dict[str, int]:
    left = {}
    for table in TABLES:
        column = "id" if table == "run" else "run_id"
        left[table] = world.one(f"SELECT count(*) FROM durableflow_core.{table} WHERE {column} = %s", run_id)
    return {table: count for table, count in left.items() if count}


def test_a_run_goes_with_all_that_belongs_to_it(world: World, duty: Prune) -> None:
    old, young = _full_run(world, ended=8 * DAY), _full_run(world, ended=6 * DAY, number=1)
    assert duty.run_once(world.conn).count == 1
    assert _left(world, old) == {}
    assert set(_left(world, young)) == set(TABLES)


def test_a_run_that_goes_on_is_kept_however_old_it_is(world: World, duty: Prune) -> None:
    run_id = _full_run(world, ended=None)
    duty.run_once(world.conn)
    assert set(_left(world, run_id)) == set(TABLES)


def test_without_a_retention_nothing_is_removed(world: World, leader: Leadership) -> None:
    run_id = _full_run(world, ended=9 * DAY)
    Prune(StewardSettings(retention=None), leader).run_once(world.conn)
    assert set(_left(world, run_id)) == set(TABLES)


def test_batches_go_on_where_they_ended(world: World, leader: Leadership, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("durableflow.steward.prune._BATCH", 2)
    duty = Prune(StewardSettings(retention=7 * DAY), leader)
    runs = [_full_run(world, ended=8 * DAY, number=number) for number in range(5)]
    worker_id = world.worker()
    world.conn.execute(
        "INSERT INTO durableflow_core.claim (run_id, rev, index, worker_id, pid) VALUES (%s, 1, 0, %s, 1)",
        (runs[0], worker_id),
    )
    assert [duty.run_once(world.conn).count for _ in range(3)] == [1, 2, 1], "the first one is still at work"
    assert _left(world, runs[0])
    assert not any(_left(world, run_id) for run_id in runs[1:])


def test_a_run_that_is_redriven_meanwhile_is_kept(world: World, race: Race) -> None:
    run_id = _full_run(world, ended=8 * DAY)
    moment = prune.horizon(world.conn, 7 * DAY)
    assert prune.ended_before(world.conn, moment) == [run_id]
    redriving = race.connection()
    redriving.execute("UPDATE durableflow_core.run SET state = 'running', output = NULL, finished_at = NULL")
    assert prune.prune(world.conn, run_id, moment) is False, "it is not waited for"
    redriving.commit()
    assert prune.prune(world.conn, run_id, moment) is False
    assert set(_left(world, run_id)) == set(TABLES)


def test_two_leaders_prune_once(world: World, race: Race) -> None:
    run_id = _full_run(world, ended=8 * DAY)
    moment = prune.horizon(world.conn, 7 * DAY)
    holder = race.connection()
    holder.execute("SELECT FROM durableflow_core.run FOR UPDATE")
    assert prune.prune(world.conn, run_id, moment) is False
    holder.commit()
    assert prune.prune(world.conn, run_id, moment) is True
    assert prune.prune(world.conn, run_id, moment) is False


def test_a_dead_worker_is_kept_while_a_claim_names_it(world: World, clock: Clock, duty: Prune) -> None:
    orphaned, forgotten, alive = world.worker(dead=True), world.worker(dead=True), world.worker()
    step = world.claimed(orphaned)
    clock.advance(timedelta(days=2))
    duty.run_once(world.conn)
    left = {row[0] for row in world.conn.execute("SELECT id FROM durableflow_core.worker").fetchall()}
    assert orphaned in left
    assert alive in left
    assert forgotten not in left
    assert world.step(step) == "running"
