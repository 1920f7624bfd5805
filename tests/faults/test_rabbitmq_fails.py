"""RabbitMQ is killed, purged, full, and out of patience: on a server of the test's own, with workers that outlive it.

What is particular to it: it takes back what a worker does not acknowledge in time, and closes the channel (half an hour
by default, two seconds here); while it is short of memory it reads nothing from those who publish; and a queue is an
object that can go away.
"""

import os
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import kombu
import pytest

from tests.faults import app
from tests.faults.fleet import Fleet, fleet_on, site_on
from tests.faults.journal import Journal, until
from tests.faults.proof import prove
from tests.support.own_servers import unavailable
from tests.support.rabbit import RabbitMissing, RabbitServer

WIDTH = 20
NAMES = app.names_of_order(WIDTH)
PACKS = [f"pack{n}" for n in range(WIDTH)]

ACK_TIMEOUT = 2000  # milliseconds


@pytest.fixture(scope="module")
def rabbit(tmp_path_factory: pytest.TempPathFactory) -> Iterator[RabbitServer]:
    if not os.environ.get("DURABLEFLOW_TEST_BROKER_URL", "").startswith("amqp"):
        pytest.skip("starts a RabbitMQ of its own, which takes a while: only where the run is about RabbitMQ")
    try:
        server = RabbitServer(
            tmp_path_factory.mktemp("rabbit"), consumer_timeout=ACK_TIMEOUT, channel_tick_interval=500
        )
    except RabbitMissing as why:
        unavailable("RabbitMQ", why)
    try:
        yield server.start()
    finally:
        server.kill()


@pytest.fixture(scope="module")
def shared_fleet(
    postgres_url: str, template: str, rabbit: RabbitServer, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[Fleet]:
    with (
        site_on(postgres_url, template, rabbit.url) as site,
        fleet_on(site, tmp_path_factory.mktemp("fleet")) as fleet,
    ):
        fleet.start(2, 2)
        yield fleet


@pytest.fixture
def fleet(shared_fleet: Fleet) -> Iterator[Fleet]:
    """Two workers, which no test here may cost their lives."""
    yield shared_fleet
    assert [worker.process.poll() for worker in shared_fleet.workers] == [None, None]


def _four_at_work(journal: Journal) -> Any:
    journal.hold(*PACKS)
    run = app.order(str(journal.directory), WIDTH, 0.2).start()
    until(lambda: len([line for line in journal.lines(event="begins") if line.name in PACKS]) >= 4, "four at work")
    return run


def test_a_step_that_outlasts_rabbitmqs_patience_runs_once(
    fleet: Fleet, journal: Journal, rabbit: RabbitServer, tmp_path: Path
) -> None:
    """Its message is taken back, and delivered once more; so is all that its worker had taken."""
    journal.hold("reserve")
    run = app.order(str(journal.directory), WIDTH, 0.2).start()
    journal.wait_for("reserve")
    until(lambda: "delivery acknowledgement on channel" in rabbit.log, "the end of RabbitMQ's patience")
    other = app.single(str(Journal(tmp_path / "other").directory), "other").start()
    assert set(other.result(timeout=60)) == {"other"}, "the workers go on with other work"
    assert len(journal.lines("reserve", "begins")) == 1
    journal.release("reserve")
    prove(fleet.site.database_url, journal, run, NAMES)
    bodies = [line.name for line in journal.lines(event="begins")]
    assert {name for name in bodies if bodies.count(name) > 1} == {"check"}


def test_a_broker_that_is_killed_and_comes_back(fleet: Fleet, journal: Journal, rabbit: RabbitServer) -> None:
    run = _four_at_work(journal)
    rabbit.kill()
    journal.release(*PACKS)
    rabbit.start()
    prove(fleet.site.database_url, journal, run, NAMES)


@pytest.mark.parametrize("how", ["purge_queue", "delete_queue"])
def test_a_queue_that_is_purged_or_deleted_under_its_consumers(
    fleet: Fleet, journal: Journal, rabbit: RabbitServer, how: str
) -> None:
    run = _four_at_work(journal)
    rabbit.control(how, fleet.site.queue)
    journal.release(*PACKS)
    prove(fleet.site.database_url, journal, run, NAMES)


def test_a_broker_without_memory_holds_back_what_is_published_and_nothing_else(
    fleet: Fleet, journal: Journal, rabbit: RabbitServer
) -> None:
    run = _four_at_work(journal)
    rabbit.control("set_vm_memory_high_watermark", "absolute", "1")
    journal.release(*PACKS)
    done = "SELECT count(*) FROM durableflow_core.step WHERE run_id = %s AND rev = 3 AND state = 'succeeded'"
    until(lambda: fleet.one(done, run.id) >= 4, "steps that are committed while nothing can be published")
    rabbit.control("set_vm_memory_high_watermark", "0.8")
    prove(fleet.site.database_url, journal, run, NAMES)


def test_a_queue_that_an_operator_made_a_quorum_queue_is_used_as_it_is(
    postgres_url: str, template: str, rabbit: RabbitServer, tmp_path_factory: pytest.TempPathFactory, journal: Journal
) -> None:
    with site_on(postgres_url, template, rabbit.url) as site:
        with kombu.Connection(rabbit.url) as connection:
            arguments = {"x-queue-type": "quorum"}
            kombu.Queue(site.queue, channel=connection.default_channel, queue_arguments=arguments).declare()
        with fleet_on(site, tmp_path_factory.mktemp("quorum")) as fleet:
            (worker,) = fleet.start(2)
            run = app.order(str(journal.directory), 5, 0.1).start()
            prove(site.database_url, journal, run, app.names_of_order(5))
            assert "is used as it is in RabbitMQ" in worker.text()
            assert worker.process.poll() is None
