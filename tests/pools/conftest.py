"""The servers of these tests, and for each pool its workers: ``grounds`` runs a test on every pool."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from durableflow.devstack import PostgresServer, ValkeyServer
from tests.faults.fleet import site_on
from tests.pools import app
from tests.pools.book import Book
from tests.pools.grounds import POOLS, Grounds, client_of
from tests.support import databases
from tests.support.own_servers import own


@pytest.fixture(scope="session")
def pools_postgres(tmp_path_factory: pytest.TempPathFactory) -> Iterator[PostgresServer]:
    with own(PostgresServer, tmp_path_factory.mktemp("postgres")) as server:
        yield server


@pytest.fixture(scope="session")
def pools_valkey(tmp_path_factory: pytest.TempPathFactory) -> Iterator[ValkeyServer]:
    with own(ValkeyServer, tmp_path_factory.mktemp("valkey")) as server:
        yield server


@pytest.fixture(scope="session")
def pools_template(pools_postgres: PostgresServer) -> Iterator[str]:
    with databases.template(pools_postgres.url) as name:
        yield name


@pytest.fixture(scope="session", params=POOLS, ids=str)
def shared_grounds(
    request: pytest.FixtureRequest,
    pools_postgres: PostgresServer,
    pools_valkey: ValkeyServer,
    pools_template: str,
    tmp_path_factory: pytest.TempPathFactory,
) -> Iterator[Grounds]:
    with site_on(pools_postgres.url, pools_template, pools_valkey.url) as site, client_of(app.df, site):
        directory = tmp_path_factory.mktemp(str(request.param))
        grounds = Grounds(request.param, pools_postgres, pools_valkey, site, directory)
        try:
            yield grounds
        finally:
            grounds.close()


@pytest.fixture
def grounds(shared_grounds: Grounds) -> Iterator[Grounds]:
    """The workers of a pool; the test asks for as many as it needs."""
    yield shared_grounds
    shared_grounds.show()


@pytest.fixture
def book(tmp_path: Path) -> Book:
    return Book(tmp_path / "book")


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Tests of this package may have to start two workers before they begin."""
    here = Path(__file__).parent
    for item in items:
        if here in item.path.parents:
            item.add_marker(pytest.mark.timeout(400))
