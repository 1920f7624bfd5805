"""The broker is wiped, killed, away; PostgreSQL crashes: on servers of the test's own, with workers that outlive it."""

from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import psycopg
import pytest
import redis

from durableflow.devstack import PostgresServer, ValkeyServer
from tests.faults import app, everything
from tests.faults.fleet import Fleet, fleet_on, site_on
from tests.faults.journal import Journal, until
from tests.faults.proof import prove
from tests.support import databases
from tests.support.own_servers import own

WIDTH = 50
NAMES = app.names_of_order(WIDTH)
PACKS = [f"pack{n}" for n in range(WIDTH)]


@pytest.fixture(scope="module")
def postgres(tmp_path_factory: pytest.TempPathFactory) -> Iterator[PostgresServer]:
    with own(PostgresServer, tmp_path_factory.mktemp("postgres")) as server:
        yield server


@pytest.fixture(scope="module")
def valkey(tmp_path_factory: pytest.TempPathFactory) -> Iterator[ValkeyServer]:
    with own(ValkeyServer, tmp_path_factory.mktemp("valkey")) as server:
        yield server


@pytest.fixture(scope="module")
def shared_fleet(
    postgres: PostgresServer, valkey: ValkeyServer, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[Fleet]:
    with (
        databases.template(postgres.url) as template,
        site_on(postgres.url, template, valkey.url) as site,
        fleet_on(site, tmp_path_factory.mktemp("fleet")) as fleet,
    ):
        fleet.start(2, 2)
        yield fleet


@pytest.fixture
def fleet(shared_fleet: Fleet) -> Iterator[Fleet]:
    """Two workers, which no test here may cost their lives."""
    yield shared_fleet
    assert [worker.process.poll() for worker in shared_fleet.workers] == [None, None]


Prove = Callable[[Any], None]


@pytest.fixture
def proven(fleet: Fleet, journal: Journal) -> Prove:
    return lambda run: prove(fleet.site.database_url, journal, run, NAMES)


def _four_at_work(journal: Journal) -> Any:
    """Start a run whose fan-out keeps every pool child at work, so that the other messages wait in the broker."""
    journal.hold(*PACKS)
    run = app.order(str(journal.directory), WIDTH, 0.2).start()
    until(lambda: len([line for line in journal.lines(event="begins") if line.name in PACKS]) >= 4, "four at work")
    return run


def test_flushall_in_the_middle_of_a_fan_out(
    fleet: Fleet, journal: Journal, proven: Prove, valkey: ValkeyServer
) -> None:
    run = _four_at_work(journal)
    with redis.Redis.from_url(valkey.url) as client:
        client.flushall()
    journal.release(*PACKS)
    proven(run)


def test_a_broker_that_is_killed_and_comes_back(
    fleet: Fleet, journal: Journal, proven: Prove, valkey: ValkeyServer
) -> None:
    run = _four_at_work(journal)
    valkey.kill()
    valkey.start()
    journal.release(*PACKS)
    proven(run)


def test_a_publish_that_fails_after_the_commit_is_made_good(
    fleet: Fleet, journal: Journal, proven: Prove, valkey: ValkeyServer
) -> None:
    journal.hold("reserve")
    run = app.order(str(journal.directory), WIDTH, 0.2).start()
    journal.wait_for("reserve")
    valkey.kill()
    journal.release("reserve")
    query = "SELECT count(*) FROM durableflow_core.ready WHERE run_id = %s AND rev = 2"
    until(lambda: fleet.one(query, run.id), "the next step, committed while there is no broker")
    until(lambda: any("cannot publish" in worker.text() for worker in fleet.workers), "a publish that failed")
    assert not journal.lines("price")
    valkey.start()
    proven(run)


@pytest.mark.parametrize("how", [PostgresServer.crash, PostgresServer.kill], ids=["immediate", "kill -9"])
def test_a_database_that_crashes_while_steps_run_and_comes_back(
    fleet: Fleet, journal: Journal, proven: Prove, postgres: PostgresServer, how: Callable[[PostgresServer], None]
) -> None:
    run = _four_at_work(journal)
    how(postgres)
    at_work = {line.name for line in journal.lines(event="begins")}
    journal.release(*PACKS)
    for name in at_work:
        journal.wait_for(name, event="ends")  # their bodies are over while there is no database to tell
    postgres.start()
    proven(run)


def test_a_database_that_crashes_while_a_step_runs_on(
    fleet: Fleet, journal: Journal, proven: Prove, postgres: PostgresServer
) -> None:
    journal.hold("price")
    run = app.order(str(journal.directory), WIDTH, 0.2).start()
    journal.wait_for("price")
    # The claim did not wait for the disk; once anything later has, it is there, and must outlast the crash.
    with psycopg.connect(fleet.site.database_url, autocommit=True) as conn:
        conn.execute("UPDATE durableflow_core.run SET labels = labels WHERE id = %s", (run.id,))
    postgres.crash()
    postgres.start()
    beating = "SELECT count(*) FROM durableflow_core.worker WHERE seen_at > pg_postmaster_start_time()"
    until(lambda: fleet.one(beating) == 2, "both workers")
    journal.release("price")
    proven(run)
    assert len(journal.lines("price", "begins")) == 1, "nobody died: nothing may be taken from a living worker"


def test_a_database_that_is_the_broker_too_crashes_and_comes_back(
    postgres: PostgresServer, journal: Journal, tmp_path: Path
) -> None:
    with (
        databases.template(postgres.url) as template,
        site_on(postgres.url, template, "pgmq://") as site,
        fleet_on(site, tmp_path) as fleet,
    ):
        (worker,) = fleet.start(4)
        run = _four_at_work(journal)
        postgres.crash()
        journal.release(*PACKS)
        postgres.start()
        prove(site.database_url, journal, run, NAMES)
        assert worker.process.poll() is None


def test_flushall_in_the_middle_of_everything(fleet: Fleet, journal: Journal, valkey: ValkeyServer) -> None:
    this = everything.start(fleet, journal, *everything.AT_WORK)
    with redis.Redis.from_url(valkey.url) as client:
        client.flushall()
    this.send()
    this.prove(*everything.AT_WORK)


def test_a_broker_that_is_away_in_the_middle_of_everything(
    fleet: Fleet, journal: Journal, valkey: ValkeyServer
) -> None:
    """What ends meanwhile is committed, and what follows cannot be published."""
    this = everything.start(fleet, journal, *everything.AT_WORK)
    valkey.kill()
    this.send()
    journal.release(*everything.AT_WORK)
    ended = "SELECT count(*) FROM durableflow_core.claim"
    until(lambda: fleet.one(ended) == 0, "the end of what was at work")
    valkey.start()
    this.prove()


@pytest.mark.parametrize("how", [PostgresServer.crash, PostgresServer.kill], ids=["immediate", "kill -9"])
def test_a_database_that_crashes_in_the_middle_of_everything(
    fleet: Fleet, journal: Journal, postgres: PostgresServer, how: Callable[[PostgresServer], None]
) -> None:
    this = everything.start(fleet, journal, *everything.AT_WORK)
    this.send()
    how(postgres)
    journal.release(*everything.AT_WORK)
    for name in everything.AT_WORK:
        journal.wait_for(name, event="ends")
    postgres.start()
    this.prove()
