"""Two leaders, or a person and a worker, decide about one canvas in the same moment: each order, on PostgreSQL."""

import os
from collections.abc import Callable, Iterator
from typing import Any
from uuid import UUID, uuid4

import pytest
from celery import chain, group

from durableflow import Run, current, durable
from durableflow.codec import encode
from durableflow.store.cancel import cancel
from durableflow.store.claim import claim
from durableflow.store.complete import complete_joined
from durableflow.store.messages import StepId
from durableflow.store.replace import replace
from durableflow.store.spread import Spread, spread
from durableflow.worker.errbacks import chord_error
from durableflow.worker.replacing import replacement
from tests.canvas.shop import EFFECTS, add, double, echo, fail, replaced, told_id
from tests.support.clock import Clock
from tests.support.engine import Engine
from tests.support.races import Race


@pytest.fixture
def failed(engine: Engine) -> Run[Any]:
    """The first task of this canvas has failed, and nobody has seen to what follows from that."""
    run = durable(chain(fail.s(), add.s(1), double.s()).on_error(told_id.s())).start()
    (first,) = engine.advance(run.id)
    engine.deliver(first)
    engine.published.clear()
    EFFECTS.clear()
    return run


@pytest.fixture
def drive(engine: Engine, clock: Clock) -> Callable[[], None]:
    """Do all that is to be done; a minute later, because wakes whose messages were lost are looked at then."""

    def drive() -> None:
        clock.advance(60)
        engine.drive()

    return drive


def _spread(conn: Any, run_id: UUID) -> Spread:
    return spread(conn, run_id, 1, 0, lambda error, index: chord_error(error, StepId(run_id, 1, index)))


def test_what_follows_from_a_failure_happens_once_though_two_see_to_it(
    engine: Engine, race: Race, drive: Callable[[], None], failed: Run[Any]
) -> None:
    first = race.connection()
    done = _spread(first, failed.id)
    second = race.start(_spread, failed.id)
    race.wait_until_blocked(second, by=first)
    first.commit()
    assert (done.failed, len(done.messages)) == (2, 1)
    assert second.result() == Spread(0, [])
    engine.published += done.messages
    drive()
    assert failed.state == "failed"
    assert [effect[0] for effect in EFFECTS] == ["told_id"]


def test_a_cancel_that_waits_for_an_errback_to_begin_takes_it_back(
    engine: Engine, race: Race, drive: Callable[[], None], failed: Run[Any]
) -> None:
    first = race.connection()
    _spread(first, failed.id)
    second = race.start(cancel, failed.id)
    race.wait_until_blocked(second, by=first)
    first.commit()
    cancelled = second.result()
    assert cancelled is not None
    assert cancelled.landed
    drive()
    assert failed.state == "cancelled"
    assert EFFECTS == []


def test_an_errback_does_not_begin_in_a_run_that_is_being_cancelled(
    engine: Engine, race: Race, drive: Callable[[], None], failed: Run[Any]
) -> None:
    first = race.connection()
    cancel(first, failed.id)
    second = race.start(_spread, failed.id)
    race.wait_until_blocked(second, by=first)
    first.commit()
    assert second.result() == Spread(0, [])
    drive()
    assert failed.state == "cancelled"
    assert EFFECTS == []


@pytest.fixture
def replacing(engine: Engine) -> Iterator[tuple[Run[Any], Callable[[Any], Any]]]:
    """A run whose task is at work, and what that does at its end: let another canvas take its place. Where it cannot,
    it ends."""
    run = durable(group(add.s(1, 1), add.s(2, 2))).start()
    engine.advance(run.id)
    step, token = StepId(run.id, 1, 0), uuid4()
    claimed = claim(engine.db, step, token, boot=engine.boot, pid=os.getpid())
    assert claimed is not None
    spec = replacement(engine.runtime, claimed, chain(add.s(5, 5), echo.s()))
    yield run, lambda conn: replace(conn, step, token, spec)
    complete_joined(engine.db, step, token, encode(None))


def _child(engine: Engine, run: Run[Any]) -> Any:
    return engine.one("SELECT state FROM durableflow_core.run WHERE parent_id = %s", run.id)


def test_a_cancel_that_waits_for_a_task_to_replace_itself_reaches_the_child(
    engine: Engine, race: Race, drive: Callable[[], None], replacing: Any
) -> None:
    run, replace_it = replacing
    first = race.connection()
    assert replace_it(first)
    second = race.start(cancel, run.id)
    race.wait_until_blocked(second, by=first)
    first.commit()
    assert second.result().landed
    drive()
    assert (run.state, _child(engine, run)) == ("cancelled", "cancelled")


def test_a_task_does_not_replace_itself_in_a_run_that_is_being_cancelled(
    engine: Engine, race: Race, drive: Callable[[], None], replacing: Any
) -> None:
    run, replace_it = replacing
    first = race.connection()
    cancel(first, run.id)
    second = race.start(replace_it)
    race.wait_until_blocked(second, by=first)
    first.commit()
    assert second.result() is None
    drive()
    assert _child(engine, run) is None


def test_a_task_that_was_given_to_another_attempt_replaces_itself_once(
    engine: Engine, race: Race, drive: Callable[[], None], replacing: Any
) -> None:
    """Two attempts under one claim do not exist; one that wakes up late finds another claim, or none."""
    run, replace_it = replacing
    first = race.connection()
    assert replace_it(first)
    second = race.start(replace_it)
    race.wait_until_blocked(second, by=first)
    first.commit()
    assert second.result() is None
    drive()
    assert run.result(timeout=0) == [10, 4]


def test_a_task_that_replaces_itself_in_a_run_that_was_cancelled_meanwhile_ends_with_nothing(
    engine: Engine, df: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    def cancel_and_replace(by: Any) -> Any:
        df.run(current.run_id).cancel()
        return replaced.replace(by)

    monkeypatch.setattr(replaced, "run", cancel_and_replace, raising=False)
    run = durable(group(replaced.s(by=add.s(1, 1)), add.s(2, 2))).start()
    first, _ = engine.advance(run.id)
    engine.deliver(first)
    engine.drive()
    assert run.state == "cancelled"
    assert _child(engine, run) is None
