"""An event that is sent with the caller's connection is sent when, and only if, that commits."""

import psycopg
import pytest
from sqlalchemy import create_engine
from sqlalchemy.orm import Session

from durableflow.errors import RunNotFound
from tests.waiting import shop
from tests.waiting.conftest import Engine


def test_what_is_rolled_back_was_never_sent(engine: Engine, database_url: str) -> None:
    run = shop.events_in_order(1).start()
    with psycopg.connect(database_url) as connection:
        run.send("number", 1, connection=connection)
        connection.rollback()
        run.send("number", 2, connection=connection)
    engine.drive()
    assert run.result(timeout=0) == [2]


def test_a_run_and_its_first_event_are_one_transaction(engine: Engine, database_url: str) -> None:
    sa = create_engine(database_url.replace("postgresql://", "postgresql+psycopg://"))
    with Session(sa) as session, session.begin():
        run = shop.events_in_order(1).start(connection=session)
        run.send("number", 5, connection=session)
        with pytest.raises(RunNotFound):
            run.send("number", 6)
    sa.dispose()
    engine.drive()
    assert run.result(timeout=0) == [5]
