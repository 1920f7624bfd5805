"""Connections cut at every statement of a canvas, before it reaches PostgreSQL and after it landed; and children killed
at those that a canvas has for itself: a task that replaces itself, one that asks for a retry, an errback."""

import os
import signal
from collections import Counter
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import psycopg
import pytest
from celery import chain, group

from durableflow import Run, durable
from durableflow.errors import RunFailed
from tests.faults.conftest import direct as direct
from tests.faults.conftest import proxy as proxy
from tests.faults.fleet import Fleet, Site, client_of
from tests.faults.proxy import Proxy, When
from tests.fire import immortal
from tests.fire.app import Broken, Witness, again, broken, count, instead, note
from tests.support.invariants import violations

SOON = 20.0
"""Seconds in which a run ends that lost a connection or a child. What waits for a lease to run out waits too long."""


NAMES = frozenset({"again", "in-one", "in-two", "told"})
"""Of the tasks that succeed."""


def _canvas(book: str) -> Any:
    """A chord whose header asks for a retry, and replaces itself with a chain; whose body fails, and takes with it what
    comes after; and an errback."""
    header = [again.s(0, book, "again"), instead.s(10, book, "in")]
    failing = broken.s(book, "broken").on_error(note.s(book, "told"))
    return chain(group(header), failing, count.s(book, "never"))


RECORDED = """
SELECT s.input -> 'args' ->> -1 FROM durableflow.steps AS s JOIN durableflow.runs AS r ON r.id = s.run_id
WHERE %s IN (r.id, r.parent_id) AND s.kind = 'task' AND s.state = 'succeeded'
"""


@pytest.fixture(scope="module")
def fleet(direct: Site, proxy: Proxy, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Fleet]:
    env = {"DURABLEFLOW_DATABASE_URL": proxy.url, "FIRE_REDIS": direct.broker_url}
    env["FIRE_SETTINGS"] = '{"task_default_queue": "' + direct.queue + '"}'
    fleet = Fleet(direct, tmp_path_factory.mktemp("fleet"), env, application="tests.fire.immortal:app")
    immortal.app.conf.task_default_queue = direct.queue
    try:
        with client_of(direct, immortal.df):
            fleet.start(1)
            yield fleet
    finally:
        fleet.close()


def _run(fleet: Fleet, directory: Path) -> None:
    journal = Witness(directory)
    run = durable(_canvas(str(directory))).start()
    fleet.hurry(run.id)
    prove(fleet, journal, run)


def prove(fleet: Fleet, journal: Witness, run: Run[Any]) -> None:
    """The run ends as it should, nothing of it is left, and what succeeded is recorded once."""
    with pytest.raises(RunFailed) as failed:
        run.result(timeout=SOON)
    assert repr(failed.value.__cause__) == repr(Broken("broken"))
    with psycopg.connect(fleet.site.database_url, autocommit=True) as conn:
        assert violations(conn, settled=False) == {}
        recorded = Counter(name for (name,) in conn.execute(RECORDED, (run.id,)))
    assert recorded == Counter(NAMES)
    assert {line.name for line in journal.lines()} == NAMES | {"in", "broken"}


@pytest.mark.parametrize("when", ["before", "after"])
def test_a_connection_cut_at_any_statement_of_a_canvas_costs_nothing(
    fleet: Fleet, proxy: Proxy, tmp_path: Path, when: When
) -> None:
    statements = proxy.cut_at_each(when, lambda nth: _run(fleet, tmp_path / str(nth)))
    assert statements > 20, "the proxy saw none"


CRITICAL = {
    "retry": "SET state = 'ready', failures = failures +",
    "replace": "SET state = 'pending', kind = 'child'",
    "settle the child": "shard, gate, CASE",
    "fail": "SET state = 'failed', failures = failures + 1",
    "spread": "WITH doomed AS",
    "answer": "ANY(o.errbacks)",
}


@pytest.mark.parametrize("when", ["before", "after"])
@pytest.mark.parametrize("statement", CRITICAL)
def test_a_child_killed_around_what_a_canvas_commits_loses_nothing(
    fleet: Fleet, proxy: Proxy, tmp_path: Path, statement: str, when: When
) -> None:
    """After the commit and before its reply: nothing of what follows was published."""

    def kill() -> None:
        os.kill(fleet.workers[0].children()[0].pid, signal.SIGKILL)

    with proxy.fault(1, when, matches=lambda sql: CRITICAL[statement] in sql, also=kill) as fault:
        _run(fleet, tmp_path)
    assert fault.done.is_set()


@pytest.mark.parametrize("name", ["again", "in", "told"])
def test_a_child_killed_in_a_task_that_retries_or_replaces_itself_or_in_an_errback_runs_it_again(
    fleet: Fleet, tmp_path: Path, name: str
) -> None:
    journal = Witness(tmp_path)
    journal.hold(name)
    run = durable(_canvas(str(tmp_path))).start()
    fleet.hurry(run.id)
    os.kill(journal.wait_for(name).pid, signal.SIGKILL)
    journal.wait_for(name, 2)
    journal.release(name)
    prove(fleet, journal, run)
