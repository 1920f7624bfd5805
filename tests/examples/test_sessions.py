"""The library's sessions: closed by a receiver, and what would become of them without it."""

from collections.abc import Iterator
from typing import Any

import psycopg
import pytest
from celery.signals import task_postrun

from examples.sessions import library
from tests.support.clock import Clock
from tests.support.engine import Engine, engine_of, in_this_process

LEFT_OPEN = (
    "SELECT count(*) FROM pg_stat_activity"
    " WHERE datname = current_database() AND application_name = 'library' AND starts_with(state, 'idle in transaction')"
)


@pytest.fixture
def engine(
    database_url: str, queue_name: str, clock: Clock, db: psycopg.Connection[Any], monkeypatch: pytest.MonkeyPatch
) -> Iterator[Engine]:
    with (
        in_this_process(library.df, database_url, queue_name, monkeypatch) as df,
        engine_of(df, db, monkeypatch) as engine,
    ):
        library.Base.metadata.create_all(library.engine)
        yield engine
        library.Session.remove()
        library.engine.dispose()


def lent(engine: Engine) -> tuple[list[str], int]:
    """What a reader has who has borrowed two books; and how many transactions the steps have left open."""
    run = library.evening("ada", ["Emma", "Dune"]).start()
    engine.drive()
    return run.result(timeout=1), int(engine.one(LEFT_OPEN))


def test_a_failed_attempt_leaves_nothing_to_the_next_step(engine: Engine) -> None:
    assert lent(engine) == (["Dune", "Emma"], 0)


def test_without_the_receiver_each_book_is_lent_twice(engine: Engine) -> None:
    """What the failed attempts had flushed is committed by whoever commits next."""
    task_postrun.disconnect(library.close_session)
    try:
        assert lent(engine) == (["Dune", "Dune", "Emma", "Emma"], 1)
    finally:
        task_postrun.connect(library.close_session)
