"""audit: a worker gives back what its children claimed and execute no longer, and nothing that they execute."""

import os
import subprocess
import sys
from uuid import UUID

import pytest

from durableflow.steward import threads
from durableflow.steward.audit import Audit, is_alive
from durableflow.steward.settings import StewardSettings
from tests.steward.world import World


class Parent:
    """A worker's parent process: what it believes of its children."""

    def __init__(self, worker_id: UUID) -> None:
        self.holds: set[str] | None = set()
        self.alive = {1, 2}
        self.audit = Audit(StewardSettings(), lambda: worker_id, lambda: self.holds, lambda pid: pid in self.alive)


@pytest.fixture
def worker_id(world: World) -> UUID:
    return world.worker()


@pytest.fixture
def parent(worker_id: UUID) -> Parent:
    return Parent(worker_id)


@pytest.fixture
def later(monkeypatch: pytest.MonkeyPatch) -> list[float]:
    """What this process' clock is ahead."""
    ahead, monotonic = [0.0], threads.monotonic
    monkeypatch.setattr(threads, "monotonic", lambda: monotonic() + ahead[0])
    return ahead


def test_the_claim_of_a_dead_child_is_lost(world: World, parent: Parent, worker_id: UUID) -> None:
    lost, kept = world.claimed(worker_id, pid=3), world.claimed(worker_id, pid=1)
    parent.holds = {str(lost), str(kept)}
    assert parent.audit.run_once(world.conn).count == 1
    assert world.step(lost, "state, losses") == ("ready", 1)
    assert world.step(kept) == "running"


def test_the_claims_of_other_workers_are_none_of_its_business(world: World, parent: Parent) -> None:
    step = world.claimed(world.worker(), pid=3)
    parent.audit.run_once(world.conn)
    assert world.step(step) == "running"


def test_a_claim_that_no_request_is_about_is_lost_after_a_while(
    world: World, parent: Parent, worker_id: UUID, later: list[float]
) -> None:
    step = world.claimed(worker_id, pid=1)
    parent.audit.run_once(world.conn)
    later[0] = 4.5
    parent.audit.run_once(world.conn)
    assert world.step(step) == "running"
    later[0] = 5.5
    parent.audit.run_once(world.conn)
    assert world.step(step) == "ready"


def test_a_claim_whose_request_shows_up_late_is_kept(
    world: World, parent: Parent, worker_id: UUID, later: list[float]
) -> None:
    step = world.claimed(worker_id, pid=1)
    parent.audit.run_once(world.conn)
    parent.holds, later[0] = {str(step)}, 4.0
    parent.audit.run_once(world.conn)
    parent.holds, later[0] = set(), 6.0
    parent.audit.run_once(world.conn)
    assert world.step(step) == "running", "the grace begins again each time"


def test_a_parent_that_hears_nothing_of_its_children_gives_nothing_back(
    world: World, parent: Parent, worker_id: UUID, later: list[float]
) -> None:
    step = world.claimed(worker_id, pid=1)
    parent.audit.run_once(world.conn)
    parent.holds, later[0] = None, 60.0
    parent.audit.run_once(world.conn)
    parent.holds, later[0] = set(), 61.0
    parent.audit.run_once(world.conn)
    assert world.step(step) == "running"


def test_a_newer_attempt_of_the_same_step_has_a_grace_of_its_own(
    world: World, parent: Parent, worker_id: UUID, later: list[float]
) -> None:
    step = world.claimed(worker_id, pid=1)
    parent.audit.run_once(world.conn)
    world.conn.execute("UPDATE durableflow_core.step SET claim = gen_random_uuid()")
    later[0] = 6.0
    parent.audit.run_once(world.conn)
    assert world.step(step) == "running"


def test_a_process_that_ended_is_not_alive_though_nobody_waited_for_it() -> None:
    with subprocess.Popen([sys.executable, "-c", "input()"], stdin=subprocess.PIPE) as child:
        assert is_alive(child.pid)
        child.kill()
        os.waitid(os.P_PID, child.pid, os.WEXITED | os.WNOWAIT)
        assert not is_alive(child.pid)
    assert not is_alive(child.pid)
    assert is_alive(os.getpid())
