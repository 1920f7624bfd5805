"""SIGSTOP beyond the worker timeout, then SIGCONT: what a frozen worker does when it wakes up counts for nothing."""

import psutil

from tests.faults import app, everything
from tests.faults.fleet import Fleet
from tests.faults.journal import Journal, until
from tests.faults.proof import prove
from tests.worker.workers import Worker

TIMEOUT = {"DURABLEFLOW_WORKER_TIMEOUT": "3"}

_WRITTEN = """
SELECT (SELECT count(*) FROM durableflow_core.checkpoint), (SELECT count(*) FROM durableflow_core.step),
       (SELECT count(*) FROM durableflow_core.step WHERE state = 'succeeded'),
       (SELECT string_agg(output::text, ',' ORDER BY run_id, rev, index) FROM durableflow_core.step)
"""


def _freeze(*processes: psutil.Process) -> None:
    for process in processes:
        process.suspend()


def _thaw(*processes: psutil.Process) -> None:
    for process in processes:
        process.resume()


def _runner(fleet: Fleet, journal: Journal, name: str) -> Worker:
    line = journal.wait_for(name)
    return next(worker for worker in fleet.workers if worker.pid == line.parent)


def test_a_frozen_worker_commits_nothing_and_launches_nothing_when_it_wakes_up(fleet: Fleet, journal: Journal) -> None:
    fleet.start(1, 1, more=TIMEOUT)
    journal.hold("price")
    run = app.order(str(journal.directory), 10, 0.1).start()
    frozen = _runner(fleet, journal, "price")
    processes = [psutil.Process(frozen.pid), *frozen.children()]
    _freeze(*processes)
    journal.wait_for("price", 2)
    journal.release("price")
    prove(fleet.site.database_url, journal, run, app.names_of_order(10))
    written = fleet.one(f"SELECT ARRAY(SELECT w::text FROM ({_WRITTEN}) AS w)")
    _thaw(*processes)
    frozen.wait_for_log("this one is fenced")
    frozen.wait_for_log("goes on under a new id")
    assert fleet.one(f"SELECT ARRAY(SELECT w::text FROM ({_WRITTEN}) AS w)") == written
    assert len(journal.lines("price", "ends")) == 2, "the frozen body went on to its end, for nothing"
    assert fleet.one("SELECT count(*) FROM durableflow_core.ready") == 0
    prove(fleet.site.database_url, journal, run, app.names_of_order(10))
    _works_again(fleet, journal, frozen)


def test_a_child_whose_parent_is_frozen_is_fenced_too(fleet: Fleet, journal: Journal) -> None:
    fleet.start(1, 1, more=TIMEOUT)
    journal.hold("price")
    run = app.order(str(journal.directory), 10, 0.1).start()
    frozen = _runner(fleet, journal, "price")
    parent = psutil.Process(frozen.pid)
    _freeze(parent)
    first, again = journal.wait_for("price"), journal.wait_for("price", 2)
    assert again.parent != first.parent
    journal.release("price")  # both bodies go on, at the same time
    prove(fleet.site.database_url, journal, run, app.names_of_order(10))
    assert run.result(timeout=1)["price"] == again.nonce
    frozen.wait_for_log("this one is fenced")
    _thaw(parent)
    frozen.wait_for_log("goes on under a new id")
    prove(fleet.site.database_url, journal, run, app.names_of_order(10))
    _works_again(fleet, journal, frozen)


def test_a_worker_is_frozen_in_the_middle_of_everything(fleet: Fleet, journal: Journal) -> None:
    fleet.start(1, 1, more=TIMEOUT)
    this = everything.start(fleet, journal, "left")
    frozen = _runner(fleet, journal, "left")
    processes = [psutil.Process(frozen.pid), *frozen.children()]
    _freeze(*processes)
    this.send()
    journal.wait_for("left", 2)
    this.prove("left")
    _thaw(*processes)
    frozen.wait_for_log("this one is fenced")
    frozen.wait_for_log("goes on under a new id")
    this.prove()
    _works_again(fleet, journal, frozen)


def _works_again(fleet: Fleet, journal: Journal, thawed: Worker) -> None:
    """A worker that was declared dead takes steps under its new id, once nobody else is there."""
    for other in fleet.workers:
        if other is not thawed:
            other.stop()
    run = app.single(str(journal.directory), "after").start()
    assert journal.wait_for("after").parent == thawed.pid
    assert set(run.result(timeout=30)) == {"after"}
    until(lambda: fleet.one("SELECT count(*) FROM durableflow_core.claim") == 0, "the end of every claim")
