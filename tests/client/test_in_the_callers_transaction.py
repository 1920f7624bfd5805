from collections.abc import Iterator
from typing import Any

import psycopg
import pytest
from psycopg.rows import dict_row
from sqlalchemy import Engine, create_engine, text
from sqlalchemy.orm import Session, scoped_session, sessionmaker

from durableflow.client import Client
from durableflow.errors import RunConflict
from tests.client import shop
from tests.client.shop import Item, Order

ORDER = Order(id=1, items=[Item(name="hat", price=1)])  # type: ignore[arg-type]


@pytest.fixture
def engine(df: Client, database_url: str) -> Iterator[Engine]:
    engine = create_engine(database_url.replace("postgresql://", "postgresql+psycopg://"))
    yield engine
    engine.dispose()


def runs(db: Any) -> int:
    return int(db.execute("SELECT count(*) FROM durableflow_core.run").fetchone()[0])


def test_a_sessions_commit_brings_the_run_and_publishes(engine: Engine, db: Any, published: list[Any]) -> None:
    with Session(engine) as session:
        run = shop.checkout(ORDER).start(connection=session, key="a")
        assert (runs(db), published) == (0, [])
        session.commit()
        assert runs(db) == 1
        assert [message.subject for message in published] == [str(run.id)]
        session.execute(text("SELECT 1"))
        session.commit()
        assert len(published) == 1


def test_a_sessions_rollback_takes_the_run_back(engine: Engine, db: Any, published: list[Any]) -> None:
    with Session(engine) as session:
        shop.checkout(ORDER).start(connection=session)
        session.rollback()
        session.execute(text("SELECT 1"))
        session.commit()
    assert (runs(db), published) == (0, [])


def test_the_end_of_a_savepoint_publishes_nothing(engine: Engine, db: Any, published: list[Any]) -> None:
    with Session(engine) as session:
        with session.begin_nested():
            shop.checkout(ORDER).start(connection=session)
        assert published == []
        session.commit()
    assert (runs(db), len(published)) == (1, 1)


def test_a_scoped_session_is_the_session_that_it_stands_for(engine: Engine, db: Any, published: list[Any]) -> None:
    scoped = scoped_session(sessionmaker(engine))
    shop.checkout(ORDER).start(connection=scoped)
    scoped.commit()
    scoped.remove()
    assert (runs(db), len(published)) == (1, 1)


def test_a_core_connection_is_taken_and_the_leader_publishes(engine: Engine, db: Any, published: list[Any]) -> None:
    with engine.connect() as connection:
        shop.checkout(ORDER).start(connection=connection)
        connection.rollback()
        assert runs(db) == 0
        shop.checkout(ORDER).start(connection=connection, key="k")
        with pytest.raises(RunConflict):
            shop.checkout(Order(id=2)).start(connection=connection, key="k")
        connection.commit()
    assert (runs(db), published) == (1, [])
    assert db.execute("SELECT visible_at <= durableflow_core.now() FROM durableflow_core.wake").fetchall() == [(True,)]


def test_a_psycopg_connection_with_any_row_factory(
    df: Client, database_url: str, db: Any, published: list[Any]
) -> None:
    with psycopg.connect(database_url, row_factory=dict_row) as connection:
        one = shop.checkout(ORDER).start(connection=connection, key="k")
        same = shop.checkout(ORDER).start(connection=connection.cursor(), key="k")
        assert (one, runs(db), published) == (same, 0, [])
        connection.commit()
        assert (runs(db), published) == (1, [])


def test_a_connection_in_autocommit_mode_publishes_at_once(
    df: Client, database_url: str, db: Any, published: list[Any]
) -> None:
    with psycopg.connect(database_url, autocommit=True) as connection:
        shop.checkout(ORDER).start(connection=connection)
    assert (runs(db), len(published)) == (1, 1)


class Wrapper:
    """A DB-API connection as Django wraps one: it has cursors, and tells when it has committed."""

    def __init__(self, connection: Any) -> None:
        self._connection = connection
        self.waiting: list[Any] = []

    def cursor(self) -> Any:
        return self._connection.cursor()

    def on_commit(self, then: Any) -> None:
        self.waiting.append(then)


def test_a_dbapi_connection_with_a_commit_hook(df: Client, database_url: str, db: Any, published: list[Any]) -> None:
    with psycopg.connect(database_url) as connection:
        wrapped = Wrapper(connection)
        shop.checkout(ORDER).start(connection=wrapped)
        connection.commit()
        assert published == []
        wrapped.waiting[0]()
    assert (runs(db), len(published)) == (1, 1)


def test_what_is_no_connection_is_refused_with_the_way_out(df: Client) -> None:
    class Async:
        def run_sync(self) -> None: ...

    with pytest.raises(TypeError, match="run_sync"):
        shop.checkout(ORDER).start(connection=Async())
    with pytest.raises(TypeError, match=r"not str"):
        shop.checkout(ORDER).start(connection="postgresql://")
