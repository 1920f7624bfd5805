"""bury: a tombstone is set on evidence, on the beat that was judged, and once."""

from typing import Any

import pytest

from durableflow.errors import ConfigurationError
from durableflow.steward.bury import Bury
from durableflow.steward.leadership import Leadership
from durableflow.steward.settings import StewardSettings
from durableflow.store import bury, heartbeat
from tests.steward import world as rows
from tests.steward.world import World
from tests.support.clock import Clock
from tests.support.races import Race

SETTINGS = StewardSettings(quick_timeout=1.5, worker_timeout=10.0)
NOBODY_HOLDS = 4242


def _dead(world: World, worker_id: Any) -> bool:
    return bool(world.one("SELECT tombstone_at IS NOT NULL FROM durableflow_core.worker WHERE id = %s", worker_id))


@pytest.fixture
def judge(clock: Clock, leader: Leadership) -> Bury:
    return Bury(SETTINGS, leader)


def test_a_worker_whose_lock_is_gone_is_dead_after_a_moment(world: World, clock: Clock, judge: Bury) -> None:
    worker_id = world.worker(lock_key=NOBODY_HOLDS)
    clock.advance(1.4)
    judge.run_once(world.conn)
    assert not _dead(world, worker_id)
    clock.advance(0.1)
    judge.run_once(world.conn)
    assert _dead(world, worker_id)


def test_a_worker_that_beats_is_never_buried_even_without_its_lock(world: World, clock: Clock, judge: Bury) -> None:
    worker_id = world.worker(lock_key=NOBODY_HOLDS)
    for _ in range(40):
        clock.advance(0.5)
        assert heartbeat.beat(world.conn, worker_id, ())
        judge.run_once(world.conn)
    assert not _dead(world, worker_id)


def test_a_silent_worker_whose_lock_is_there_has_the_full_timeout(
    world: World, clock: Clock, judge: Bury, session_lock: int
) -> None:
    worker_id = world.worker(lock_key=session_lock)
    clock.advance(9.9)
    judge.run_once(world.conn)
    assert not _dead(world, worker_id)
    clock.advance(0.1)
    judge.run_once(world.conn)
    assert _dead(world, worker_id)


def test_the_lock_of_every_key_is_found(world: World, clock: Clock, judge: Bury, race: Race) -> None:
    keys = [1, 2**31, 2**32 - 1, 2**32, 2**62 + 2**31, 2**63 - 1, -1, -(2**63)]
    holder = race.connection(autocommit=True)
    for key in keys:
        holder.execute("SELECT pg_advisory_lock(%s)", (key,))
    workers = [world.worker(lock_key=key) for key in keys]
    clock.advance(5.0)
    judge.run_once(world.conn)
    assert not [worker_id for worker_id in workers if _dead(world, worker_id)]
    holder.execute("SELECT pg_advisory_unlock_all()")
    judge.run_once(world.conn)
    assert all(_dead(world, worker_id) for worker_id in workers)


def test_without_session_locks_only_the_full_timeout_counts(world: World, clock: Clock, judge: Bury) -> None:
    worker_id = world.worker(lock_key=None)
    clock.advance(9.0)
    judge.run_once(world.conn)
    assert not _dead(world, worker_id)
    clock.advance(1.0)
    judge.run_once(world.conn)
    assert _dead(world, worker_id)


def test_a_lock_from_before_a_restart_of_the_server_proves_nothing(world: World, clock: Clock, judge: Bury) -> None:
    worker_id = world.worker(lock_key=NOBODY_HOLDS)
    world.conn.execute("UPDATE durableflow_core.worker SET postmaster_at = postmaster_at - interval '1 hour'")
    clock.advance(9.0)
    judge.run_once(world.conn)
    assert not _dead(world, worker_id)


def test_a_leader_that_reconnected_buries_nobody_for_silence_before_its_connection(
    world: World, clock: Clock, leader: Leadership
) -> None:
    worker_id = world.worker(lock_key=NOBODY_HOLDS)
    clock.advance(3600)
    leader.start(world.conn)
    judge = Bury(SETTINGS, leader)
    clock.advance(1.4)
    judge.run_once(world.conn)
    assert not _dead(world, worker_id)
    clock.advance(0.2)
    judge.run_once(world.conn)
    assert _dead(world, worker_id)


def test_a_leader_that_got_no_answer_for_long_counts_silence_anew(
    world: World, clock: Clock, leader: Leadership, monkeypatch: pytest.MonkeyPatch
) -> None:
    worker_id = world.worker(lock_key=NOBODY_HOLDS)
    judge = Bury(SETTINGS, leader)
    clock.advance(60)
    now = [leader.watch._looked_at + 60]  # a minute in which this process, or the database, stood still
    monkeypatch.setattr("durableflow.steward.threads.monotonic", lambda: now[0])
    judge.run_once(world.conn)
    assert not _dead(world, worker_id)
    clock.advance(1.5)
    now[0] += 1.5
    judge.run_once(world.conn)
    assert _dead(world, worker_id)


def test_a_worker_that_takes_over_from_a_dead_leader_has_been_watching_already(
    world: World, clock: Clock, leader: Leadership
) -> None:
    other = Leadership(SETTINGS, world.worker)
    other.start(world.conn)
    victim = world.worker(lock_key=NOBODY_HOLDS)
    clock.advance(1.5)
    assert not other.leads
    leader.stop(world.conn)
    other.run_once(world.conn)
    assert other.leads
    Bury(SETTINGS, other).run_once(world.conn)
    assert _dead(world, victim)


def test_a_beat_that_comes_between_the_judgement_and_the_tombstone_saves_the_worker(
    world: World, clock: Clock, race: Race
) -> None:
    worker_id = world.worker()
    since = clock.now()
    clock.advance(20)
    (sign,) = bury.signs(world.conn, since)
    beating = race.connection()
    assert heartbeat.beat(beating, worker_id, ())
    burial = race.start(bury.bury, sign, since, quick=1.5, full=10.0)
    race.wait_until_blocked(burial, by=beating)
    beating.commit()
    assert burial.result() is False
    assert not _dead(world, worker_id)


def test_a_beat_that_comes_after_the_tombstone_misses(world: World, clock: Clock, race: Race) -> None:
    worker_id = world.worker()
    since = clock.now()
    clock.advance(20)
    (sign,) = bury.signs(world.conn, since)
    judge = race.connection()
    assert bury.bury(judge, sign, since, quick=1.5, full=10.0)
    late = race.start(heartbeat.beat, worker_id, ())
    race.wait_until_blocked(late, by=judge)
    judge.commit()
    assert late.result() is False


def test_two_leaders_bury_once(world: World, clock: Clock, race: Race) -> None:
    world.worker()
    since = clock.now()
    clock.advance(20)
    (sign,) = bury.signs(world.conn, since)
    one = race.connection()
    assert bury.bury(one, sign, since, quick=1.5, full=10.0)
    two = race.start(bury.bury, sign, since, quick=1.5, full=10.0)
    race.wait_until_blocked(two, by=one)
    one.commit()
    assert two.result() is False


def test_a_judgement_does_not_outlive_a_server_that_stands_still(world: World, clock: Clock) -> None:
    worker_id = world.worker(seen=0)
    since = clock.now()
    clock.advance(10)
    (sign,) = bury.signs(world.conn, since)
    clock.advance(3)
    assert not bury.bury(world.conn, sign, since, quick=1.5, full=10.0)
    assert not _dead(world, worker_id)


def test_the_judge_looks_again_when_the_most_silent_worker_could_be_dead(
    world: World, clock: Clock, judge: Bury
) -> None:
    world.worker(lock_key=NOBODY_HOLDS)
    clock.advance(1.2)
    for other in world.conn.execute("SELECT id FROM durableflow_core.worker WHERE lock_key IS NULL").fetchall():
        heartbeat.beat(world.conn, other[0], ())
    done = judge.run_once(world.conn)
    assert done.count == 0
    assert done.again == pytest.approx(0.3, abs=0.01)


def test_a_timeout_that_would_bury_the_living_is_refused() -> None:
    with pytest.raises(ConfigurationError, match="DURABLEFLOW_WORKER_TIMEOUT to 2 or more"):
        StewardSettings(worker_timeout=1.0)
    with pytest.raises(ConfigurationError, match="lease"):
        StewardSettings(lease=0.5)


def test_what_a_buried_worker_had_taken_from_the_broker_is_sent_again_at_once(
    world: World, clock: Clock, judge: Bury
) -> None:
    held, elsewhere, late = world.steps(3, dispatched=0)
    run_id, sleeping = world.run(), world.run()
    taken, timer = world.wake(run_id, visible=8, dispatches=1), world.wake(sleeping, visible=90, due=90)
    ids = (str(held), f"{run_id}:advance", f"{sleeping}:advance", f"{held.run_id}:1:99", "nonsense", f"{'-' * 36}:1:0")
    dead = world.worker(lock_key=NOBODY_HOLDS, holds=ids)
    world.worker(holds=(str(elsewhere),), seen=-100)
    clock.advance(1.5)
    judge.run_once(world.conn)
    assert _dead(world, dead)
    unsent = world.conn.execute("SELECT index FROM durableflow_core.ready WHERE dispatched_at IS NULL").fetchall()
    assert unsent == [(held.index,)]
    assert late.index != held.index
    due = world.conn.execute("SELECT id FROM durableflow_core.wake WHERE visible_at <= durableflow_core.now()")
    assert due.fetchall() == [(taken,)]
    assert timer != taken


def test_a_worker_that_lives_after_all_keeps_what_it_holds(world: World, clock: Clock, judge: Bury) -> None:
    (held,) = world.steps(dispatched=0)
    worker_id = world.worker(lock_key=NOBODY_HOLDS, holds=(str(held),))
    clock.advance(1.0)
    heartbeat.beat(world.conn, worker_id, (str(held),))
    clock.advance(1.0)
    judge.run_once(world.conn)
    assert not _dead(world, worker_id)
    assert world.one("SELECT dispatched_at IS NOT NULL FROM durableflow_core.ready")


def test_a_message_that_is_being_claimed_does_not_keep_its_holder_unburied(
    world: World, clock: Clock, judge: Bury, race: Race
) -> None:
    (held,) = world.steps(dispatched=0)
    dead = world.worker(lock_key=NOBODY_HOLDS, holds=(str(held),))
    claiming = race.connection()
    rows.claim(claiming, held, world.worker(), rows.uuid4())
    clock.advance(1.5)
    judge.run_once(world.conn)
    assert _dead(world, dead)
    claiming.commit()
    assert world.step(held) == "running"
