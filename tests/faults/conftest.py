"""Sites: on the servers of the test run, for faults of workers; on servers of one's own, for faults of servers."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.faults.fleet import Fleet, Site, fleet_on, site_on
from tests.faults.journal import Journal
from tests.faults.proxy import Proxy


@pytest.fixture
def journal(tmp_path: Path) -> Journal:
    return Journal(tmp_path / "journal")


@pytest.fixture
def site(postgres_url: str, template: str, _broker_server: str) -> Iterator[Site]:
    with site_on(postgres_url, template, _broker_server) as site:
        yield site


@pytest.fixture(scope="module")
def direct(postgres_url: str, template: str, _broker_server: str) -> Iterator[Site]:
    """A site for all tests of a module, without the proxy."""
    with site_on(postgres_url, template, _broker_server) as site:
        yield site


@pytest.fixture(scope="module")
def proxy(direct: Site) -> Iterator[Proxy]:
    """Before the database of ``direct``."""
    proxy = Proxy(direct.database_url)
    yield proxy
    proxy.close()


@pytest.fixture
def fleet(site: Site, tmp_path: Path) -> Iterator[Fleet]:
    """The test's own workers, with default settings."""
    with fleet_on(site, tmp_path) as fleet:
        yield fleet
