"""The workflows of ``waits``, through PostgreSQL: what they come to is what they come to in memory."""

from collections.abc import Callable, Iterator
from typing import Any

import psycopg
import pytest

from durableflow import DurableFlow
from durableflow.errors import RunFailed
from durableflow.testing import Simulation
from tests.language import waits
from tests.support.clock import Clock
from tests.support.engine import Engine, engine_of, in_this_process

CALLS: dict[str, Callable[[], Any]] = {
    "refused await": waits.goes_on_after_a_refused_await,
    "race with nothing": waits.races_with_nothing,
    "race with a spawn": waits.races_with_a_spawn,
    "gathered spawns": waits.gathers_spawns,
    "spawn and step": waits.gathers_a_spawn_and_a_step,
    "kept spawn": waits.a_spawn_waits,
    "one call twice": lambda: waits.one_call_twice(None),
    "one call twice, one at a time": lambda: waits.one_call_twice(1),
    "awaited and named": waits.awaited_and_named,
    "named everywhere": waits.named_everywhere,
    "named across an await": waits.named_across_an_await,
    "misplaced later": lambda: waits.misplaced_later("dataclass"),
    "cancelled before it began": lambda: waits.cancelled_before_it_began(False),
    "cancelled before it began, awaited later": lambda: waits.cancelled_before_it_began(True),
    "cancelled with what it needs": waits.cancelled_with_what_it_needs,
    "cancelled and awaited at once": waits.cancelled_and_awaited_at_once,
    "cancelled child": waits.a_child_cancelled_before_it_began,
    "handles of two revs": waits.handles_of_two_revs,
    "handle in a result": lambda: waits.handle_where_none_belongs("result"),
    "call that was overtaken": lambda: waits.awaits_one_that_makes_a_call("raises"),
    "outer block": waits.outer_is_over_first,
    "inner block": waits.inner_is_over_first,
    "cleaning up": waits.cleaning_up_takes_too_long,
    "routines in a block": waits.over_while_routines_are_awaited,
    "another error": waits.cancelled_error_in_its_place,
    "swallowed": waits.cancellation_is_swallowed,
    "left": lambda: waits.left_on_every_way(4),
    "no time": waits.no_time_at_all,
    "race in a gather": lambda: waits.a_race_in_a_gather(1.0),
    "race in a gather, too late": lambda: waits.a_race_in_a_gather(100.0),
    "its own cancellation": lambda: waits.cancels_itself(False),
    "depth": lambda: waits.goes_down(150),
    "endless depth": waits.goes_down_for_ever,
    "deadlines inside of one another": lambda: waits.deep_in_deadlines(50),
}


@pytest.fixture
def engine(
    database_url: str,
    queue_name: str,
    clock: Clock,
    db: psycopg.Connection[Any],
    monkeypatch: pytest.MonkeyPatch,
) -> Iterator[Engine]:
    waits.effects.clear()
    with in_this_process(waits.df, database_url, queue_name, monkeypatch) as df:
        assert isinstance(df, DurableFlow)
        with engine_of(df, db, monkeypatch) as engine:
            yield engine


def ending(result: Callable[[], Any]) -> Any:
    try:
        return result()
    except RunFailed as failed:
        return repr(failed.__cause__)


@pytest.mark.parametrize("name", CALLS)
def test_it_comes_to_the_same(name: str, engine: Engine, clock: Clock) -> None:
    expected = ending(lambda: Simulation(waits.df).execute(CALLS[name]()))
    run = CALLS[name]().start()
    for _ in range(40):
        engine.drive()
        if run.state != "running":
            break
        clock.advance(5)
    assert run.state != "running", run.info()["waiting_for"]
    assert ending(lambda: run.result(timeout=0)) == expected
