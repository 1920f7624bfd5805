"""Connections cut, and children killed, at every statement of a run: before it reaches PostgreSQL, and after it landed.

One worker with one pool child, whose statements go through a proxy; so the statements of a short run are known, and
each is the last one once.
"""

import os
import signal
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.faults import app
from tests.faults.fleet import Fleet, Site, fleet_on
from tests.faults.journal import Journal
from tests.faults.proof import prove
from tests.faults.proxy import Proxy, When

SOON = 15.0
"""Seconds in which a run ends that lost a connection or a child. What waits for a lease to run out waits too long."""

SHORT = {"reserve", "pack0", "pack1", "ship"}
NAMES = {
    app.short: SHORT,
    app.trying: {"check"},
    app.briefly_everything: {"early", "raw", "joined", "inner-one", "inner-two", "won-hello"},
}
"""Workflows, with the names of their steps that have a value."""


@pytest.fixture(scope="module")
def fleet(direct: Site, proxy: Proxy, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Fleet]:
    behind = {"DURABLEFLOW_DATABASE_URL": proxy.url}
    with fleet_on(direct, tmp_path_factory.mktemp("fleet"), **behind) as fleet:
        fleet.start(1)
        yield fleet


def _run(fleet: Fleet, workflow: object, directory: Path, names: set[str]) -> None:
    journal = Journal(directory)
    run = workflow(str(journal.directory)).start()  # type: ignore[operator]
    fleet.hurry(run.id)
    if workflow is app.briefly_everything:
        run.send("word", "hello")
    prove(fleet.site.database_url, journal, run, names, timeout=SOON)


@pytest.mark.parametrize("when", ["before", "after"])
@pytest.mark.parametrize("workflow", NAMES, ids=lambda workflow: workflow.name)
def test_a_connection_cut_at_any_statement_costs_nothing(
    fleet: Fleet, proxy: Proxy, tmp_path: Path, workflow: object, when: When
) -> None:
    statements = proxy.cut_at_each(when, lambda nth: _run(fleet, workflow, tmp_path / str(nth), NAMES[workflow]))
    assert statements > 10, "the proxy saw none"


CRITICAL = {
    "claim": "DELETE FROM durableflow_core.ready USING me",
    "outcome": "SET state = 'succeeded', output",
    "lease": "SET leased_by = me.id",
    "advance": "DELETE FROM durableflow_core.wake AS w USING next",
}


@pytest.mark.parametrize("when", ["before", "after"])
@pytest.mark.parametrize("statement", CRITICAL)
def test_a_child_killed_around_a_commit_loses_nothing(
    fleet: Fleet, proxy: Proxy, tmp_path: Path, statement: str, when: When
) -> None:
    """After the outcome's commit and before its reply: nothing of what follows was published."""

    def kill() -> None:
        os.kill(fleet.workers[0].children()[0].pid, signal.SIGKILL)

    nth = 2  # of the fan-out, where there is a second one
    with proxy.fault(nth, when, matches=lambda sql: CRITICAL[statement] in sql, also=kill) as fault:
        _run(fleet, app.short, tmp_path, SHORT)
    assert fault.done.is_set()


def test_a_worker_killed_between_its_commit_and_its_publish_is_followed_by_another(
    fleet: Fleet, proxy: Proxy, tmp_path: Path
) -> None:
    """The reply to the commit never arrives, so nobody can have published what it launched; the leader died, too."""
    journal = Journal(tmp_path)

    def kill() -> None:
        worker = fleet.workers[-1]
        children = worker.children()
        worker.signal(signal.SIGKILL)
        for child in children:
            child.kill()

    with proxy.fault(1, "after", matches=lambda sql: CRITICAL["outcome"] in sql, also=kill) as fault:
        run = app.short(str(journal.directory)).start()
        fleet.hurry(run.id)
        assert fault.done.wait(30)
    committed = "SELECT count(*) FROM durableflow_core.ready WHERE run_id = %s AND dispatched_at IS NOT NULL"
    assert fleet.one(committed, run.id) == 2, "the fan-out is launched, and marked as sent"
    assert {line.name for line in journal.lines()} == {"reserve"}
    fleet.start(1)
    prove(fleet.site.database_url, journal, run, SHORT)
    assert len(journal.lines("reserve", "begins")) == 1
