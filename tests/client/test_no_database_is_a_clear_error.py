import os
import socket
from typing import Any

import psycopg
import pytest

from durableflow.client import Client, Database
from durableflow.config import Settings
from durableflow.errors import ConfigurationError, DatabaseUnreachable, SchemaMissing
from tests.client import shop
from tests.client.conftest import fresh
from tests.client.shop import Order


@pytest.fixture
def free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


def one(conn: Any) -> Any:
    return conn.execute("SELECT 1").fetchone()


def test_no_database_names_the_url_without_its_password_and_what_to_do(free_port: int) -> None:
    fresh(shop.df, database_url=f"postgresql://me:hunter2@127.0.0.1:{free_port}/shop")
    with pytest.raises(DatabaseUnreachable, match="is PostgreSQL running") as caught:
        shop.checkout(Order(id=1)).start()
    assert f"127.0.0.1:{free_port}/shop" in str(caught.value)
    assert "hunter2" not in str(caught.value)


@pytest.mark.parametrize("password", ["hunt@er2", "hunt:er2", "hunt%zzer2", "hunt/er2"])
def test_a_wrongly_quoted_password_is_not_shown_either(password: str) -> None:
    database = Database(Settings.load(database_url=f"postgresql://me:{password}@127.0.0.1:1/shop"), "x")
    with pytest.raises(ConfigurationError) as caught:
        database.transact(one)
    for part in ("hunt", "er2"):
        assert part not in str(caught.value)
        assert part not in str(caught.value.__cause__ or "")


def test_no_url_says_how_to_give_one(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("DURABLEFLOW_DATABASE_URL", raising=False)
    fresh(shop.df)
    with pytest.raises(ConfigurationError, match="DURABLEFLOW_DATABASE_URL"):
        shop.checkout(Order(id=1)).start()


def test_a_database_that_is_not_migrated_says_so(empty_database_url: str) -> None:
    fresh(shop.df, database_url=empty_database_url)
    for _ in range(2):
        with pytest.raises(SchemaMissing, match="durableflow migrate"):
            shop.checkout(Order(id=1)).start()


def test_settings_are_read_at_the_first_use(monkeypatch: pytest.MonkeyPatch) -> None:
    client = Client("late", settings={"queue": "slow"})
    monkeypatch.setenv("DURABLEFLOW_DATABASE_URL", "postgresql://late/late")
    assert (client.settings.database_url, client.settings.queue) == ("postgresql://late/late", "slow")
    given = Client("given", database="postgresql://a/b", settings=Settings.load(queue="other"))
    assert (given.settings.database_url, given.settings.queue) == ("postgresql://a/b", "other")


def test_connections_that_were_cut_are_replaced(df: Client, db: Any) -> None:
    assert df.database.transact(one) == (1,)
    db.execute(
        "SELECT pg_terminate_backend(pid) FROM pg_stat_activity "
        "WHERE application_name LIKE 'durableflow client%' AND datname = current_database()"
    )
    assert df.database.transact(one) == (1,)


def test_an_error_of_the_work_keeps_its_connection_usable(df: Client) -> None:
    with pytest.raises(psycopg.errors.UndefinedTable):
        df.database.transact(lambda conn: conn.execute("SELECT * FROM nothing_here"))
    assert df.database.transact(one) == (1,)


def test_a_forked_child_opens_connections_of_its_own(df: Client) -> None:
    mine = df.database.transact(lambda conn: conn.info.backend_pid)
    read, write = os.pipe()
    child = os.fork()
    if child == 0:
        try:
            os.write(write, str(df.database.transact(lambda conn: conn.info.backend_pid)).encode())
        finally:
            os._exit(0)
    os.close(write)
    with os.fdopen(read) as told:
        theirs = told.read()
    os.waitpid(child, 0)
    assert theirs
    assert int(theirs) != mine
    assert df.database.transact(lambda conn: conn.info.backend_pid) == mine
