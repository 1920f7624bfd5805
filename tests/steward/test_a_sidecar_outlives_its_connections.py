"""Sidecar: it registers, beats, leads, and goes on through every outage; nothing of it depends on the broker."""

import logging
import threading
import time
from collections.abc import Callable, Iterator, Sequence
from typing import Any
from uuid import UUID, uuid4

import psycopg
import pytest

from durableflow.steward import Sidecar, StewardSettings
from durableflow.steward.link import Link
from durableflow.store.messages import Message
from tests.steward.world import World

QUICK = StewardSettings(heartbeat=0.1, renewal=0.1, lease=0.5)


_LOCKS = """
SELECT count(*) FROM pg_locks WHERE locktype = 'advisory'
AND database = (SELECT oid FROM pg_database WHERE datname = current_database())
"""


class Worker:
    """What a Celery worker hands to its sidecar."""

    def __init__(self, database: str, settings: StewardSettings) -> None:
        self.boot = uuid4()
        self.published: list[Message] = []
        self.held: set[str] | None = set()
        self.publish: Callable[[Sequence[Message]], None] = self.published.extend
        self.sidecar = Sidecar(
            database=database,
            boot=self.boot,
            queues=["q"],
            versions=["shop.checkout@v1"],
            publish=lambda messages: self.publish(messages),
            depth=lambda queue: 0,
            holds=lambda: self.held,
            settings=settings,
        )


@pytest.fixture
def hire(database_url: str) -> Iterator[Callable[..., Worker]]:
    workers: list[Worker] = []

    def hire(settings: StewardSettings = QUICK, database: str = database_url) -> Worker:
        worker = Worker(database, settings)
        workers.append(worker)
        worker.sidecar.start()
        return worker

    yield hire
    for worker in workers:
        worker.sidecar.stop()


def until(condition: Callable[[], Any], seconds: float = 15.0) -> Any:
    """Wait for something that is bound to come."""
    deadline = time.monotonic() + seconds
    while not (found := condition()):
        assert time.monotonic() < deadline, "it did not come"
        time.sleep(0.01)
    return found


def _row(world: World, worker_id: UUID | None, columns: str) -> Any:
    return world.one(f"SELECT {columns} FROM durableflow_core.worker WHERE id = %s", worker_id)


def _terminate(world: World, duties: str = "%") -> int:
    return len(
        world.conn.execute(
            "SELECT pg_terminate_backend(pid) FROM pg_stat_activity"
            " WHERE datname = current_database() AND application_name LIKE %s",
            (f"durableflow {duties}",),
        ).fetchall()
    )


def _leads(world: World) -> Any:
    return world.one("SELECT holder FROM durableflow_core.leadership WHERE expires_at > durableflow_core.now()")


def test_a_worker_registers_beats_and_says_what_it_holds(world: World, hire: Callable[..., Worker]) -> None:
    worker = hire()
    until(lambda: worker.sidecar.worker_id)
    assert _row(world, worker.sidecar.worker_id, "boot, queues, versions, tombstone_at, stopped_at") == (
        worker.boot, ["q"], ["shop.checkout@v1"], None, None,
    )  # fmt: skip
    worker.held = {"x:1:0"}
    until(lambda: _row(world, worker.sidecar.worker_id, "holds") == ["x:1:0"])
    seen = _row(world, worker.sidecar.worker_id, "seen_at")
    until(lambda: _row(world, worker.sidecar.worker_id, "seen_at") > seen)


def test_a_worker_beats_on_when_what_it_holds_cannot_be_told(world: World, hire: Callable[..., Worker]) -> None:
    worker = hire()
    until(lambda: worker.sidecar.worker_id)
    worker.held = None
    seen = _row(world, worker.sidecar.worker_id, "seen_at")
    until(lambda: _row(world, worker.sidecar.worker_id, "seen_at") > seen)


def test_a_worker_that_was_declared_dead_goes_on_under_a_new_id(world: World, hire: Callable[..., Worker]) -> None:
    worker = hire()
    first = until(lambda: worker.sidecar.worker_id)
    world.conn.execute("UPDATE durableflow_core.worker SET tombstone_at = durableflow_core.now()")
    second = until(lambda: worker.sidecar.worker_id != first and worker.sidecar.worker_id)
    alive = world.conn.execute(
        "SELECT id FROM durableflow_core.worker WHERE boot = %s AND tombstone_at IS NULL", (worker.boot,)
    ).fetchall()
    assert alive == [(second,)]
    assert _row(world, first, "tombstone_at IS NOT NULL")


def test_a_terminated_connection_changes_neither_the_id_nor_costs_the_life(
    world: World, hire: Callable[..., Worker], caplog: pytest.LogCaptureFixture
) -> None:
    worker, judge = hire(), hire()
    worker_id = until(lambda: worker.sidecar.worker_id)
    until(lambda: judge.sidecar.worker_id and _leads(world))
    for _ in range(5):
        key = _row(world, worker_id, "lock_key")
        assert _terminate(world, "heartbeat") > 0
        until(lambda key=key: _row(world, worker_id, "lock_key") != key)
        _terminate(world, "duties")
    until(lambda: world.one(_LOCKS) == 2)
    assert worker.sidecar.worker_id == worker_id
    assert not _row(world, worker_id, "tombstone_at IS NOT NULL")


def test_behind_a_pooler_that_gives_sessions_away_it_takes_no_session_lock(
    world: World, hire: Callable[..., Worker]
) -> None:
    worker = hire(StewardSettings(session_locks=False, heartbeat=0.1))
    worker_id = until(lambda: worker.sidecar.worker_id)
    assert _row(world, worker_id, "lock_key") is None
    assert world.one(_LOCKS) == 0
    seen = _row(world, worker_id, "seen_at")
    until(lambda: _row(world, worker_id, "seen_at") > seen)


def test_an_outage_is_reported_once_and_so_is_its_end(
    postgres_url: str,
    world: World,
    hire: Callable[..., Worker],
    caplog: pytest.LogCaptureFixture,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    worker = hire()
    until(lambda: worker.sidecar.worker_id and _leads(world))
    tries: list[str] = []
    connect = Link.connect
    monkeypatch.setattr(Link, "connect", lambda link: (tries.append("once"), connect(link))[1])
    name = world.one("SELECT current_database()")
    with psycopg.connect(postgres_url, autocommit=True) as admin, caplog.at_level(logging.INFO, "durableflow.steward"):
        admin.execute(f"ALTER DATABASE {name} ALLOW_CONNECTIONS false")
        _terminate(world)
        until(lambda: len(tries) > 7)
        admin.execute(f"ALTER DATABASE {name} ALLOW_CONNECTIONS true")
        until(lambda: sum("is back" in record.getMessage() for record in caplog.records) == 2)
    outages = [record.message for record in caplog.records if "no connection to postgresql://" in record.message]
    assert len(outages) == 2, "one for each of the two connections"


def test_nobody_stays_away_so_long_after_an_outage_that_others_bury_it() -> None:
    link = Link("postgresql://127.0.0.1:1/nothing", QUICK, "late")
    for _ in range(20):
        assert link.connect() is None
        assert link.pause() < QUICK.quick_timeout * 0.7


def test_it_starts_and_stops_without_a_database(hire: Callable[..., Worker], caplog: pytest.LogCaptureFixture) -> None:
    with caplog.at_level(logging.WARNING, "durableflow.steward"):
        worker = hire(database="postgresql://someone:secret@127.0.0.1:1/nothing")
        until(lambda: len(caplog.records) == 2)
        before = time.monotonic()
        worker.sidecar.stop()
        assert time.monotonic() - before < 5.0
    assert worker.sidecar.worker_id is None
    assert "secret" not in caplog.text
    assert len(caplog.records) == 2


def test_a_stopped_worker_says_so_and_resigns(world: World, hire: Callable[..., Worker]) -> None:
    worker = hire(StewardSettings(lease=3600))
    worker_id = until(lambda: worker.sidecar.worker_id)
    until(lambda: _leads(world) == worker_id)
    worker.sidecar.stop()
    assert _row(world, worker_id, "stopped_at IS NOT NULL AND tombstone_at IS NOT NULL")
    assert _leads(world) is None


def test_what_a_stopped_worker_left_claimed_is_run_elsewhere(world: World, hire: Callable[..., Worker]) -> None:
    worker, other = hire(), hire()
    step = world.claimed(until(lambda: worker.sidecar.worker_id), pid=1)
    worker.held = {str(step)}
    worker.sidecar.stop()
    until(lambda: [message for message in other.published if message.subject == str(step)])


def test_a_lost_child_costs_its_own_attempt_and_no_other(world: World, hire: Callable[..., Worker]) -> None:
    worker = hire()
    worker_id = until(lambda: worker.sidecar.worker_id)
    lost, other = world.claimed(worker_id, pid=1), world.claimed(worker_id, pid=2)
    worker.held = {str(lost), str(other)}
    worker.sidecar.child_lost(1)
    until(lambda: world.step(lost) == "ready")
    assert world.step(other) == "running"


def test_a_job_runs_as_soon_as_there_is_a_connection(world: World, hire: Callable[..., Worker]) -> None:
    worker = hire()
    until(lambda: worker.sidecar.worker_id)
    ran = threading.Event()
    tried: list[int] = []

    def job(conn: Any) -> None:
        tried.append(1)
        if len(tried) == 1:
            conn.execute("SELECT pg_terminate_backend(pg_backend_pid())")
        ran.set()

    worker.sidecar.submit(lambda conn: 1 / 0 and None)  # a job that fails keeps no other waiting
    worker.sidecar.submit(job)
    assert ran.wait(15.0)
    assert len(tried) == 2


def test_a_broker_that_hangs_stops_neither_the_heartbeat_nor_the_burials(
    world: World, hire: Callable[..., Worker]
) -> None:
    worker = hire()
    worker_id = until(lambda: worker.sidecar.worker_id)
    hanging = threading.Event()
    worker.publish = lambda messages: hanging.wait(60) and None
    try:
        world.steps(1)
        step = world.claimed(world.worker(lock_key=4242))
        until(lambda: world.step(step) == "ready")
        assert not _row(world, worker_id, "tombstone_at IS NOT NULL")
    finally:
        hanging.set()


def test_a_leader_whose_broker_hangs_lets_another_one_lead(
    world: World, hire: Callable[..., Worker], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("durableflow.steward.sidecar._BROKER_HANGS", 0.3)
    hanging = threading.Event()
    stuck = hire()
    first = until(lambda: stuck.sidecar.worker_id)
    until(lambda: _leads(world) == first)
    stuck.publish = lambda messages: hanging.wait(60) and None
    other = hire()
    try:
        (step,) = world.steps(1)
        until(lambda: [message for message in other.published if message.subject == str(step)])
    finally:
        hanging.set()
