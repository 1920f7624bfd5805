"""The servers that tests run on, and what they do with them.

PostgreSQL: ``DURABLEFLOW_TEST_DATABASE_URL``; else a container, where a Docker engine answers; else the embedded
server. Broker: ``DURABLEFLOW_TEST_BROKER_URL`` (``redis://``, ``amqp://``, or ``pgmq://``, which is each test's own
database); else likewise. One server serves a whole run; every test that asks gets a database of its own on it. A server
that cannot be had skips the test, and fails it in CI (``CI=true``).
"""

import os
from collections.abc import Iterator
from pathlib import Path
from typing import Any
from uuid import uuid4

import hypothesis
import psycopg
import pytest

from tests.support import databases
from tests.support.apart import keep_apps_apart
from tests.support.brokers import broker_on, delete_queues
from tests.support.clock import Clock
from tests.support.keeper import ServerUnavailable, shared_server
from tests.support.own_servers import unavailable
from tests.support.races import Race

# The same examples every time, so that a failure is the doing of the change that it shows up with. New ones are looked
# for with DURABLEFLOW_TEST_EXPLORE=1; what that finds is printed with the decorator that replays it.
hypothesis.settings.register_profile("repeatable", derandomize=os.environ.get("DURABLEFLOW_TEST_EXPLORE") != "1")
hypothesis.settings.load_profile("repeatable")


@pytest.fixture(scope="session", autouse=True)
def _apart() -> Iterator[None]:
    with pytest.MonkeyPatch.context() as monkeypatch:
        keep_apps_apart(monkeypatch)
        yield


@pytest.fixture(scope="session")
def _shared(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A directory that all the processes of this run see."""
    base = tmp_path_factory.getbasetemp()
    return (base.parent if "PYTEST_XDIST_WORKER" in os.environ else base) / "servers"


@pytest.fixture(scope="session")
def postgres_url(_shared: Path) -> str:
    """The PostgreSQL server of this run, by the URL of its maintenance database."""
    url = os.environ.get("DURABLEFLOW_TEST_DATABASE_URL")
    try:
        url = url or shared_server("postgres", _shared)
        psycopg.connect(url, connect_timeout=10).close()
    except (ServerUnavailable, psycopg.OperationalError) as why:
        unavailable("PostgreSQL", why)
    return url


@pytest.fixture(scope="session")
def template(postgres_url: str) -> Iterator[str]:
    """The name of a migrated database to copy from (``tests.support.databases.database``)."""
    with databases.template(postgres_url) as name:
        yield name


@pytest.fixture
def empty_database_url(postgres_url: str) -> Iterator[str]:
    """A database of the test's own without anything in it."""
    with databases.database(postgres_url) as url:
        yield url


@pytest.fixture
def database_url(postgres_url: str, template: str) -> Iterator[str]:
    """A migrated database of the test's own."""
    with databases.database(postgres_url, template=template) as url:
        yield url


@pytest.fixture
def db(database_url: str) -> Iterator[psycopg.Connection[tuple[Any, ...]]]:
    """An autocommit connection to the test's database."""
    with psycopg.connect(database_url, autocommit=True) as connection:
        yield connection


@pytest.fixture
def clock(database_url: str) -> Iterator[Clock]:
    """The clock of the test's database: it stands still until the test moves it."""
    clock = Clock(database_url)
    yield clock
    clock.close()


@pytest.fixture
def race(database_url: str) -> Iterator[Race]:
    """Connections that can be made to wait for each other: see ``tests/support/races.py``."""
    race = Race(database_url)
    yield race
    race.close()


@pytest.fixture(scope="session")
def _broker_server(_shared: Path) -> str:
    import kombu

    url = os.environ.get("DURABLEFLOW_TEST_BROKER_URL")
    if url == "pgmq://":
        return url
    try:
        url = url or shared_server("broker", _shared)
        with kombu.Connection(url, connect_timeout=10) as connection:
            connection.ensure_connection(max_retries=1, interval_start=0)
    except (ServerUnavailable, OSError, kombu.exceptions.OperationalError) as why:
        unavailable("broker", why)
    return url


@pytest.fixture
def broker_url(_broker_server: str, request: pytest.FixtureRequest) -> Iterator[str]:
    """A broker for this test: an empty Redis database, or the test's own database, or RabbitMQ, where the test uses
    ``queue_name``."""
    database_url = request.getfixturevalue("database_url") if _broker_server.startswith("pgmq") else ""
    with broker_on(_broker_server, database_url) as url:
        yield url


@pytest.fixture
def queue_name(broker_url: str) -> Iterator[str]:
    """A queue that only this test uses."""
    name = f"test-{uuid4().hex[:12]}"
    yield name
    if broker_url.startswith("amqp"):
        delete_queues(broker_url, name, f"{name}-legacy")  # the second is that of tests/worker/adopted.py
