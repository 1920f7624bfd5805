"""The tools for races do what tests rely on."""

from typing import Any

import psycopg
import pytest

from tests.support.races import Race

Connection = psycopg.Connection[tuple[Any, ...]]


def _touch(connection: Connection) -> int:
    return connection.execute("UPDATE durableflow_core.leadership SET expires_at = now()").rowcount


@pytest.fixture(autouse=True)
def _row(db: Connection) -> None:
    db.execute("INSERT INTO durableflow_core.leadership VALUES ('leader', gen_random_uuid(), now())")


def test_a_contender_is_seen_waiting_and_goes_on_when_the_holder_lets_go(race: Race) -> None:
    holder = race.connection()
    _touch(holder)
    late = race.start(_touch)
    race.wait_until_blocked(late, by=holder)
    assert not late.done
    holder.commit()
    assert late.result() == 1


def test_a_contender_that_waits_in_line_counts_as_blocked_by_the_first(race: Race) -> None:
    holder = race.connection()
    _touch(holder)
    second, third = race.start(_touch), race.start(_touch)
    race.wait_until_blocked(second, by=holder)
    race.wait_until_blocked(third, by=holder)
    holder.rollback()
    assert (second.result(), third.result()) == (1, 1)


def test_a_contender_that_does_not_wait_fails_the_test_with_what_it_did(race: Race) -> None:
    free = race.start(_touch)
    with pytest.raises(AssertionError, match="was not blocked: it ended with 1"):
        race.wait_until_blocked(free, by=race.connection())


def test_what_a_contender_raises_is_raised_by_its_result(race: Race) -> None:
    wrong = race.start(lambda connection: connection.execute("SELECT nothing"))
    with pytest.raises(psycopg.errors.UndefinedColumn):
        wrong.result()


def test_a_contender_left_waiting_at_the_end_of_a_test_is_cancelled(database_url: str) -> None:
    race = Race(database_url)
    holder = race.connection()
    _touch(holder)
    late = race.start(_touch)
    race.wait_until_blocked(late, by=holder)
    race.close()
    assert late.done
