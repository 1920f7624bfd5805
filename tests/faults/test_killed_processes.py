"""kill -9: of a pool child, of a worker that leads or does not, of everything; of whoever runs the step, each time."""

import os
import signal
import time
from collections import Counter

import pytest

from durableflow import Run
from durableflow.errors import RunFailed, StepLost
from tests.faults import app, everything
from tests.faults.fleet import Fleet
from tests.faults.journal import Journal, until
from tests.faults.proof import prove
from tests.support.processes import all_end
from tests.worker.workers import Worker

WITHIN = 3.0
"""Seconds from a kill to the beginning of the next attempt, with default settings."""


def _kill(worker: Worker) -> float:
    """kill -9 of the parent process; gives when that was."""
    children, at = worker.children(), time.time()
    worker.signal(signal.SIGKILL)
    worker.process.wait(10)
    assert all_end(children, 10), "pool children outlived their parent"
    return at


def _runner(fleet: Fleet, journal: Journal, name: str) -> Worker:
    line = journal.wait_for(name)
    return next(worker for worker in fleet.workers if worker.pid == line.parent)


@pytest.mark.smoke
def test_a_killed_child_costs_its_own_step_another_attempt_and_nothing_else(fleet: Fleet, journal: Journal) -> None:
    fleet.start(2)
    journal.hold("price", "pack7", "pack40", "check")
    run = app.order(str(journal.directory), 50, 0.2).start()
    for victim in ("price", "pack7", "pack40", "check"):  # in a chain, and in a fan-out
        line = journal.wait_for(victim)
        killed = time.time()
        os.kill(line.pid, signal.SIGKILL)
        again = journal.wait_for(victim, 2)
        assert again.attempt == 2
        assert again.at - killed < WITHIN
        journal.release(victim)
    prove(fleet.site.database_url, journal, run, app.names_of_order(50))
    lost = fleet.one("SELECT count(*) FROM durableflow_core.attempt WHERE run_id = %s AND outcome = 'lost'", run.id)
    assert lost == 4


def test_a_killed_worker_is_missed_within_three_seconds_whether_it_leads_or_not(fleet: Fleet, journal: Journal) -> None:
    fleet.start(2, 2, 2)
    runs: dict[str, Run[dict[str, str]]] = {}
    for leads in (False, True):
        name = _at_work(fleet, journal, runs, leads=leads)
        killed = _kill(_runner(fleet, journal, name))
        again = journal.wait_for(name, 2)
        assert again.at - killed < WITHIN
        journal.release(name)
    for name, run in runs.items():
        assert run.result(timeout=30) == {name: journal.lines(name, "ends")[-1].nonce}
    assert journal.effects() == Counter(runs.keys())


def _at_work(fleet: Fleet, journal: Journal, runs: dict[str, Run[dict[str, str]]], *, leads: bool) -> str:
    """Start runs of one held step until one is on a worker that leads, or on one that does not; let the others go."""
    while True:
        name = f"held{len(runs)}"
        journal.hold(name)
        runs[name] = app.single(str(journal.directory), name).start()
        fits = (_runner(fleet, journal, name) is fleet.leader()) == leads
        if fits or sum(map(journal.is_held, runs)) > 4:
            journal.release(*(other for other in runs if journal.is_held(other) and not (fits and other == name)))
        if fits:
            return name


def test_everything_is_killed_in_the_middle_of_a_fan_out_and_new_workers_go_on(fleet: Fleet, journal: Journal) -> None:
    fleet.start(2, 2)
    journal.hold("pack20")
    run = app.order(str(journal.directory), 50, 0.2).start()
    journal.wait_for("pack20")
    for worker in fleet.workers:
        _kill(worker)
    journal.release("pack20")
    fleet.start(2)
    prove(fleet.site.database_url, journal, run, app.names_of_order(50))


def test_a_step_that_kills_its_worker_each_time_fails_as_lost(fleet: Fleet, journal: Journal) -> None:
    victims = fleet.start(1, 1, 1, more={"DURABLEFLOW_MAX_LOSSES": "2"})
    run = app.poisoned(str(journal.directory)).start()
    with pytest.raises(RunFailed) as failed:
        run.result(timeout=60)
    assert isinstance(failed.value.__cause__, StepLost)
    assert len(journal.lines("poison", "begins")) == 2
    until(lambda: sum(worker.process.poll() is not None for worker in victims) == 2, "two dead workers")
    journal.hold("after")
    after = app.single(str(journal.directory), "after").start()  # whoever is left works on
    journal.wait_for("after")
    journal.release("after")
    assert set(after.result(timeout=30)) == {"after"}


def test_children_are_killed_that_do_one_of_everything(fleet: Fleet, journal: Journal) -> None:
    fleet.start(2, 2)
    this = everything.start(fleet, journal, *everything.AT_WORK)
    for victim in everything.AT_WORK:
        line = journal.wait_for(victim)
        os.kill(line.pid, signal.SIGKILL)
        assert journal.wait_for(victim, 2).at - line.at > 0
    this.send()
    this.prove(*everything.AT_WORK)


def test_every_worker_is_killed_in_the_middle_of_everything(fleet: Fleet, journal: Journal) -> None:
    fleet.start(2, 2)
    this = everything.start(fleet, journal, *everything.AT_WORK)
    for worker in fleet.workers:
        _kill(worker)
    this.send()
    fleet.start(2)
    this.prove(*everything.AT_WORK)
