"""The clock of a test's database stands still, and moves as it is told."""

from datetime import UTC, datetime, timedelta
from typing import Any

import psycopg

from tests.support.clock import Clock

Connection = psycopg.Connection[tuple[Any, ...]]


def _now(db: Connection) -> datetime:
    row = db.execute("SELECT durableflow_core.now()").fetchone()
    assert row is not None
    return row[0]


def test_the_clock_stands_still_until_it_is_moved(db: Connection, clock: Clock) -> None:
    first = _now(db)
    assert _now(db) == first
    clock.advance(90)
    assert _now(db) == first + timedelta(seconds=90)


def test_the_clock_can_be_set(db: Connection, clock: Clock) -> None:
    clock.set(datetime(2031, 1, 1, tzinfo=UTC))
    assert _now(db) == datetime(2031, 1, 1, tzinfo=UTC)


def test_a_flowing_clock_goes_on_from_where_it_stood(db: Connection, clock: Clock) -> None:
    then = clock.set(datetime(2031, 1, 1, tzinfo=UTC))
    clock.flow()
    first, second = _now(db), _now(db)
    assert then <= first < second
    clock.advance(timedelta(days=1))
    assert _now(db) >= first + timedelta(days=1)


def test_statements_that_were_prepared_before_see_the_new_clock(db: Connection, clock: Clock) -> None:
    at = [db.execute("SELECT durableflow_core.now()", prepare=True).fetchone() for _ in range(2)]
    clock.advance(1)
    assert at[0] == at[1] != db.execute("SELECT durableflow_core.now()", prepare=True).fetchone()
