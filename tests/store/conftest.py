"""A kernel on a migrated database of its own."""

import psycopg
import pytest

from tests.store.kernel import Kernel, boot_worker


@pytest.fixture
def kernel(db: psycopg.Connection) -> Kernel:
    return Kernel(db, boot_worker(db))
