"""Doubled, late and early messages; connections that are terminated; starters that die; a step that never ends."""

import os
import signal
import subprocess
import sys
import textwrap
from collections.abc import Iterator

import psycopg
import pytest

from durableflow.errors import RunFailed, StepTimedOut
from durableflow.store.messages import Message, StepId, advance_message, step_message
from tests.faults import app, everything
from tests.faults.fleet import Fleet, fleet_on, site_on
from tests.faults.journal import Journal, until
from tests.faults.proof import prove
from tests.worker.workers import ROOT

WIDTH = 50
NAMES = app.names_of_order(WIDTH)
PACKS = [f"pack{n}" for n in range(WIDTH)]


@pytest.fixture(scope="module")
def shared_fleet(
    postgres_url: str, template: str, _broker_server: str, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[Fleet]:
    with (
        site_on(postgres_url, template, _broker_server) as site,
        fleet_on(site, tmp_path_factory.mktemp("fleet")) as fleet,
    ):
        fleet.start(2, 2)
        yield fleet


@pytest.fixture
def fleet(shared_fleet: Fleet) -> Iterator[Fleet]:
    """Two workers, which no test here may cost their lives."""
    yield shared_fleet
    assert [worker.process.poll() for worker in shared_fleet.workers] == [None, None]


def _messages(fleet: Fleet, run_id: object) -> list[Message]:
    """A message for each step that the run and its children have launched, whatever has become of it."""
    with psycopg.connect(fleet.site.database_url) as conn:
        rows = conn.execute(
            "SELECT s.run_id, s.rev, s.index, s.name FROM durableflow_core.step AS s"
            " JOIN durableflow_core.run AS r ON r.id = s.run_id AND %s IN (r.id, r.parent_id)"
            " WHERE s.kind = 'task' ORDER BY s.rev DESC, s.index DESC",
            (run_id,),
        ).fetchall()
    return [step_message(StepId(*row[:3]), row[3], fleet.site.queue, 0, 1) for row in rows]


def test_messages_that_come_five_times_late_early_and_in_reverse_run_nothing_twice(
    fleet: Fleet, journal: Journal
) -> None:
    journal.hold("price", *PACKS)
    run = app.order(str(journal.directory), WIDTH, 0.2).start()
    journal.wait_for("price")
    early = [step_message(StepId(run.id, 3, n), "faults.make", fleet.site.queue, 0, 1) for n in range(WIDTH)]
    fleet.publish(*_messages(fleet, run.id) * 5, *early)
    journal.release("price")
    until(lambda: len({line.name for line in journal.lines(event="begins")}) >= 2 + 4, "a fan-out at work")
    fleet.publish(*_messages(fleet, run.id) * 5)
    journal.release(*PACKS)
    prove(fleet.site.database_url, journal, run, NAMES)
    fleet.publish(*_messages(fleet, run.id) * 5)
    afterwards = app.single(str(journal.directory), "afterwards").start()
    assert set(afterwards.result(timeout=30)) == {"afterwards"}  # it waited behind all of them
    until(lambda: fleet.one("SELECT count(*) FROM durableflow_core.claim") == 0, "the end of every claim")
    bodies = [line.name for line in journal.lines(event="begins")]
    assert {name for name in bodies if bodies.count(name) > 1} == {"check"}, "only the step that asks for it is retried"
    assert bodies.count("check") == 2


def test_connections_that_are_terminated_again_and_again_while_steps_run(fleet: Fleet, journal: Journal) -> None:
    run = app.order(str(journal.directory), WIDTH, 0.2).start()
    for begun in (1, 5, 20, 35, 50):
        until(lambda begun=begun: len(journal.lines(event="begins")) >= begun, f"{begun} bodies")
        with psycopg.connect(fleet.site.database_url, autocommit=True) as conn:
            conn.execute(
                "SELECT pg_terminate_backend(pid) FROM pg_stat_activity"
                " WHERE datname = current_database() AND pid <> pg_backend_pid()"
            )
    prove(fleet.site.database_url, journal, run, NAMES)


def test_messages_of_everything_that_come_again_and_again_run_nothing_twice(fleet: Fleet, journal: Journal) -> None:
    this = everything.start(fleet, journal, *everything.AT_WORK)
    children = fleet.one("SELECT array_agg(id) FROM durableflow_core.run WHERE parent_id = %s", this.run.id)
    looks = [advance_message(run_id, fleet.site.queue) for run_id in (this.run.id, *children)]
    fleet.publish(*looks, *_messages(fleet, this.run.id), *looks)
    this.send()
    fleet.publish(*_messages(fleet, this.run.id) * 3, *looks * 3)
    this.prove(*everything.AT_WORK)
    fleet.publish(*_messages(fleet, this.run.id), *looks)
    assert set(app.single(str(journal.directory), "afterwards").start().result(timeout=30)) == {"afterwards"}
    bodies = [line.name for line in journal.lines(event="begins")]
    assert {name for name in bodies if bodies.count(name) > 1} == {"check"}


def test_connections_that_are_terminated_again_and_again_in_the_middle_of_everything(
    fleet: Fleet, journal: Journal
) -> None:
    this = everything.start(fleet, journal)
    for begun in (2, 5, 8, 12, 15):
        until(lambda begun=begun: len(journal.lines(event="begins")) >= begun, f"{begun} bodies")
        with psycopg.connect(fleet.site.database_url, autocommit=True) as conn:
            conn.execute(
                "SELECT pg_terminate_backend(pid) FROM pg_stat_activity"
                " WHERE datname = current_database() AND pid <> pg_backend_pid()"
            )
        if begun == 8:
            this.send()
    this.prove()


# What a caller does who has a transaction of their own, and dies before anybody could publish.
_STARTERS = {
    "psycopg": """
        conn = psycopg.connect(df.settings.require_database())
        run = app.single(book, "started").start(connection=conn)
        print(run.id, flush=True)
        conn.commit()
        die()
    """,
    "session": """
        from sqlalchemy import create_engine, event
        from sqlalchemy.orm import Session
        engine = create_engine(df.settings.require_database().replace("postgresql:", "postgresql+psycopg:"))
        session = Session(engine)
        event.listen(session, "after_commit", lambda session: die())
        run = app.single(book, "started").start(connection=session)
        print(run.id, flush=True)
        session.commit()
    """,
    "client": """
        DurableFlow.publisher = property(lambda self: publish_and_die)
        app.single(book, "started").start()
    """,
}

_STARTER = """
import os, signal, sys
import psycopg
from durableflow import DurableFlow
from tests.faults import app, everything
df, book = app.df, sys.argv[1]
def die():
    os.kill(os.getpid(), signal.SIGKILL)
def publish_and_die(messages):
    print(messages[0].subject, flush=True)
    die()
"""


@pytest.mark.parametrize("starter", _STARTERS)
def test_a_run_whose_starter_dies_right_after_its_commit_is_found(fleet: Fleet, journal: Journal, starter: str) -> None:

    script = _STARTER + textwrap.dedent(_STARTERS[starter])
    done = subprocess.run(
        [sys.executable, "-c", script, str(journal.directory)],
        cwd=ROOT,
        env={**os.environ, **fleet.site.env},
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )
    assert done.returncode == -signal.SIGKILL, done.stderr
    prove(fleet.site.database_url, journal, app.df.run(done.stdout.strip()), {"started"})


def test_a_step_beyond_its_hard_time_limit_is_killed_and_fails(fleet: Fleet, journal: Journal) -> None:
    run = app.unhearing(str(journal.directory)).start()
    with pytest.raises(RunFailed) as failed:
        run.result(timeout=60)
    assert isinstance(failed.value.__cause__, StepTimedOut)
    assert len(journal.lines("deaf", "begins")) == 1
    assert fleet.one("SELECT count(*) FROM durableflow_core.attempt WHERE run_id = %s", run.id) == 1
