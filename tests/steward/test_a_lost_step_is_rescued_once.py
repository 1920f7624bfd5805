"""rescue and release: what a dead worker had claimed is given back, whoever else is at it."""

import json
import logging
from collections.abc import Callable

import pytest

from durableflow.steward.leadership import Leadership
from durableflow.steward.rescue import Rescue
from durableflow.steward.settings import StewardSettings
from durableflow.store import rescue
from durableflow.store.audit import own_claims
from durableflow.store.messages import StepId
from durableflow.store.release import Held, release
from tests.steward import world as rows
from tests.steward.world import World
from tests.support.races import Race

SETTINGS = StewardSettings(max_losses=3)


@pytest.fixture
def duty(leader: Leadership) -> Rescue:
    return Rescue(SETTINGS, leader)


def _orphans(world: World) -> list[Held]:
    return rescue.orphans(world.conn).orphans


def test_a_step_of_a_dead_worker_is_ready_again(world: World, duty: Rescue) -> None:
    dead = world.worker(dead=True)
    step = world.claimed(dead)
    assert duty.run_once(world.conn).count == 1
    assert world.step(step, "state, losses, failures, claim, worker_id") == ("ready", 1, 0, None, None)
    assert world.one("SELECT dispatched_at IS NULL AND due_at <= durableflow_core.now() FROM durableflow_core.ready")
    assert world.one("SELECT outcome, attempt, worker_id, hostname FROM durableflow_core.attempt") == (
        "lost", 1, dead, "elsewhere",
    )  # fmt: skip
    assert world.count("claim") == 0
    assert world.count("wake") == 0


def test_a_step_whose_worker_has_no_row_is_rescued_too(world: World, duty: Rescue) -> None:
    gone = world.worker()
    step = world.claimed(gone)
    world.conn.execute("DELETE FROM durableflow_core.worker WHERE id = %s", (gone,))
    duty.run_once(world.conn)
    assert world.step(step) == "ready"


def test_a_step_of_a_living_worker_is_left_alone_however_long_it_runs(world: World, duty: Rescue) -> None:
    step = world.claimed(world.worker())
    world.conn.execute("UPDATE durableflow_core.step SET started_at = started_at - interval '1 year'")
    assert duty.run_once(world.conn).count == 0
    assert world.step(step) == "running"


def test_a_step_that_completes_between_scan_and_update_is_not_rescued(world: World, race: Race) -> None:
    step = world.claimed(world.worker(dead=True))
    (orphan,) = _orphans(world)
    completing = race.connection()
    rows.complete(completing, step)
    late = race.start(release, orphan, max_losses=3, own=False)
    race.wait_until_blocked(late, by=completing)
    completing.commit()
    assert late.result() is None
    assert world.step(step, "state, losses") == ("succeeded", 0)
    assert world.count("ready") == world.count("attempt") == 0


def test_an_attempt_that_is_newer_than_the_scan_is_not_rescued(world: World) -> None:
    step = world.claimed(world.worker(dead=True))
    (orphan,) = _orphans(world)
    assert release(world.conn, orphan, max_losses=3, own=False) == "ready"
    world.claim(step, world.worker())
    assert release(world.conn, orphan, max_losses=3, own=False) is None
    assert world.step(step, "state, losses") == ("running", 1)


def test_a_newer_attempt_of_the_same_worker_is_not_given_back_for_an_older_one(world: World) -> None:
    worker_id = world.worker()
    step = world.claimed(worker_id)
    (lost,) = own_claims(world.conn, worker_id)
    assert release(world.conn, lost, max_losses=3, own=True) == "ready"
    world.claim(step, worker_id, pid=lost.pid)
    assert release(world.conn, lost, max_losses=3, own=True) is None
    assert world.step(step, "state, losses") == ("running", 1)


def test_a_claim_of_a_worker_that_is_alive_is_not_rescued_by_others(world: World) -> None:
    step = world.claimed(world.worker(dead=True))
    (orphan,) = _orphans(world)
    world.conn.execute("UPDATE durableflow_core.worker SET tombstone_at = NULL")
    assert release(world.conn, orphan, max_losses=3, own=False) is None
    assert world.step(step) == "running"


def test_a_claim_committed_after_the_tombstone_is_rescued(world: World, duty: Rescue, race: Race) -> None:
    worker_id = world.worker()
    (step,) = world.steps()
    claiming = race.connection()
    rows.claim(claiming, step, worker_id, rows.uuid4())
    world.conn.execute("UPDATE durableflow_core.worker SET tombstone_at = durableflow_core.now()")
    assert duty.run_once(world.conn).count == 0
    claiming.commit()
    assert duty.run_once(world.conn).count == 1
    assert world.step(step) == "ready"


def test_two_leaders_rescue_once(world: World, race: Race) -> None:
    step = world.claimed(world.worker(dead=True))
    (orphan,) = _orphans(world)
    one = race.connection()
    assert release(one, orphan, max_losses=3, own=False) == "ready"
    two = race.start(release, orphan, max_losses=3, own=False)
    race.wait_until_blocked(two, by=one)
    one.commit()
    assert two.result() is None
    assert world.step(step, "state, losses") == ("ready", 1)
    assert world.count("attempt") == world.count("ready") == 1


def test_a_poison_step_fails_after_its_last_loss_and_wakes_its_run(world: World, duty: Rescue) -> None:
    step = world.claimed(world.worker(dead=True), losses=2)
    duty.run_once(world.conn)
    state, losses, error = world.step(step, "state, losses, error::text")
    assert (state, losses) == ("failed", 3)
    assert "StepLost" in error
    assert "3 times" in error
    assert "elsewhere" in json.dumps(json.loads(error))
    assert world.one("SELECT reason, rev, index, visible_at <= durableflow_core.now() FROM durableflow_core.wake") == (
        "step", 1, step.index, True,
    )  # fmt: skip
    assert world.count("ready") == world.count("claim") == 0


def test_a_poison_step_counts_its_join_down(world: World, duty: Rescue) -> None:
    step = world.claimed(world.worker(dead=True), losses=2, shard=2)
    world.conn.execute(
        "INSERT INTO durableflow_core.join_counter (run_id, rev, shard, remaining)"
        " VALUES (%(run)s, 1, 0, 2), (%(run)s, 1, 1, 5), (%(run)s, 1, 2, 1)",
        {"run": step.run_id},
    )
    duty.run_once(world.conn)
    left = world.conn.execute("SELECT shard, remaining FROM durableflow_core.join_counter ORDER BY 1").fetchall()
    assert left == [(0, 1), (1, 5), (2, 0)]
    assert world.count("wake") == 1


def test_a_step_that_nobody_awaits_any_more_ends_without_a_retry(world: World, duty: Rescue) -> None:
    step = world.claimed(world.worker(dead=True))
    world.conn.execute("UPDATE durableflow_core.step SET abandoned_at = durableflow_core.now()")
    duty.run_once(world.conn)
    assert world.step(step) == "cancelled"
    assert world.count("ready") == world.count("wake") == world.count("claim") == 0


def test_a_step_that_is_abandoned_during_the_rescue_ends_without_a_retry(world: World, race: Race) -> None:
    step = world.claimed(world.worker(dead=True))
    (orphan,) = _orphans(world)
    leaving = race.connection()
    leaving.execute("UPDATE durableflow_core.step SET abandoned_at = durableflow_core.now()")
    late = race.start(release, orphan, max_losses=3, own=False)
    race.wait_until_blocked(late, by=leaving)
    leaving.commit()
    assert late.result() == "cancelled"
    assert world.step(step) == "cancelled"


def test_one_unrescuable_row_does_not_starve_the_rest(
    world: World, leader: Leadership, caplog: pytest.LogCaptureFixture, forbid: Callable[[StepId], None]
) -> None:
    dead = world.worker(dead=True)
    steps = sorted((world.claimed(dead) for _ in range(9)), key=str)
    for cursed in steps[:5]:
        forbid(cursed)
    duty = Rescue(SETTINGS, leader, page=2)
    with caplog.at_level(logging.ERROR):
        assert duty.run_once(world.conn).count == 4
        assert duty.run_once(world.conn).count == 0
    assert {world.step(step) for step in steps[5:]} == {"ready"}
    assert {world.step(step) for step in steps[:5]} == {"running"}
    assert len(caplog.records) == 5, "each is reported once, not every second"


@pytest.fixture
def forbid(world: World) -> Callable[[StepId], None]:
    """Make every change of a step fail, as a bug or a corrupted page would."""
    world.conn.execute(
        """
        CREATE TABLE cursed (run_id uuid, index int);
        CREATE FUNCTION refuse() RETURNS trigger LANGUAGE plpgsql AS
            $$ BEGIN
                IF EXISTS (SELECT FROM cursed WHERE run_id = OLD.run_id AND index = OLD.index) THEN
                    RAISE unique_violation;
                END IF;
                RETURN NEW;
            END $$;
        CREATE TRIGGER refuse BEFORE UPDATE ON durableflow_core.step FOR EACH ROW EXECUTE FUNCTION refuse();
        """
    )
    return lambda step: world.conn.execute("INSERT INTO cursed VALUES (%s, %s)", (step.run_id, step.index)) and None


def test_a_row_in_ready_that_should_not_be_there_does_not_stop_the_rescue(world: World, duty: Rescue) -> None:
    step = world.claimed(world.worker(dead=True))
    world.conn.execute(
        "INSERT INTO durableflow_core.ready (run_id, rev, index, name, queue, due_at, dispatched_at, dispatches)"
        " VALUES (%s, %s, %s, 'shop.charge', 'q', 'infinity', durableflow_core.now(), 3)",
        (step.run_id, step.rev, step.index),
    )
    duty.run_once(world.conn)
    assert world.step(step) == "ready"
    assert world.one("SELECT due_at <= durableflow_core.now() AND dispatched_at IS NULL FROM durableflow_core.ready")


def test_a_claim_without_a_running_step_is_tidied_away(world: World, duty: Rescue) -> None:
    dead = world.worker(dead=True)
    step = world.claimed(dead)
    world.conn.execute("UPDATE durableflow_core.step SET state = 'ready', claim = NULL, worker_id = NULL")
    duty.run_once(world.conn)
    assert world.count("claim") == 0
    assert world.step(step, "state, losses") == ("ready", 0)


def test_wakes_that_a_dead_worker_had_leased_can_be_looked_at_at_once(world: World, duty: Rescue) -> None:
    dead, alive = world.worker(dead=True), world.worker()
    run_id = world.run()
    orphaned = world.wake(run_id, visible=30, leased_by=dead)
    leased = world.wake(run_id, visible=30, leased_by=alive)
    timer = world.wake(run_id, visible=20, due=20)
    assert duty.run_once(world.conn).count == 1
    visible = dict(
        world.conn.execute("SELECT id, visible_at <= durableflow_core.now() FROM durableflow_core.wake").fetchall()
    )
    assert visible == {orphaned: True, leased: False, timer: False}
    assert world.one("SELECT leased_by FROM durableflow_core.wake WHERE id = %s", orphaned) is None
