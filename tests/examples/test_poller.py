"""Somebody else's job, looked at in virtual time; and the service behind it."""

from datetime import timedelta
from itertools import pairwise
from pathlib import Path

import pytest

from durableflow.errors import RunFailed
from durableflow.testing import Simulation
from examples.poller.outside import Service
from examples.poller.report import ReportFailed, df, report


@pytest.fixture
def sim() -> Simulation:
    sim = Simulation(df)
    sim.mock("submit", returns="job-1")
    sim.mock("abort", returns=None)
    return sim


def test_the_pauses_grow_up_to_the_longest(sim: Simulation) -> None:
    sim.mock("state", outcomes=["running"] * 5 + ["done"])
    run = sim.start(report("sales", longest_pause=timedelta(seconds=60)))
    sim.run()
    looks = [step.started_at for step in run.steps if step.name == "state"]
    pauses = [(later - sooner).total_seconds() for sooner, later in pairwise(looks)]
    assert pauses == [10, 20, 40, 60, 60]
    assert run.result() == "sales, by job job-1"


def test_a_service_that_cannot_be_reached_is_asked_again(sim: Simulation) -> None:
    sim.mock("state", outcomes=[ConnectionError(), ConnectionError(), "done"])
    assert sim.execute(report("sales")) == "sales, by job job-1"


def test_after_the_patience_the_job_is_aborted(sim: Simulation) -> None:
    sim.mock("state", returns="running")
    began = sim.now
    run = sim.start(report("sales", patience=timedelta(hours=1)))
    sim.run()
    with pytest.raises(RunFailed) as caught:
        run.result()
    assert isinstance(caught.value.__cause__, TimeoutError)
    last = run.steps[-1]
    assert (last.call, last.started_at - began) == ("abort('job-1')", timedelta(hours=1))


def test_a_job_that_fails_is_an_error(sim: Simulation) -> None:
    sim.mock("state", returns="failed")
    with pytest.raises(RunFailed) as caught:
        sim.execute(report("sales"))
    assert repr(caught.value.__cause__) == repr(ReportFailed("sales: failed"))


def test_the_service_has_one_job_for_a_key_and_is_done_some_day(tmp_path: Path) -> None:
    service = Service(tmp_path / "jobs")
    job = service.submit("run:1:0", "tea")
    assert service.state(job) == "running"
    assert service.submit("run:1:0", "tea") == job
    assert [service.state(job) for _ in range(3)] == ["running", "running", "done"]
    other = service.submit("run:2:0", "tea")
    service.abort(other)
    assert service.state(other) == "aborted"
