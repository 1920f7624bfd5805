"""A run that failed goes on from its last await, with what it had begun."""

from typing import Any

import pytest

from durableflow.errors import RunFailed
from tests.waiting import shop
from tests.waiting.conftest import Engine


def failed(engine: Engine, run: Any) -> None:
    engine.drive()
    with pytest.raises(RunFailed):
        run.result(timeout=0)


def test_a_failed_handle_is_tried_again(engine: Engine) -> None:
    shop.BROKEN.add("supplier")
    run = shop.begins_what_may_break().start()
    failed(engine, run)
    shop.BROKEN.clear()
    assert run.redrive()
    engine.drive()
    assert run.result(timeout=0) == ["supplier", 3]
    assert shop.EFFECTS.count(("add", 1, 2)) == 1


def test_what_was_under_way_when_the_run_failed_goes_on(engine: Engine, clock: Any) -> None:
    shop.BROKEN.add("bank")
    run = shop.fails_beside_what_it_began().start()
    failed(engine, run)
    assert engine.one("SELECT state FROM durableflow_core.step WHERE name = 'sleep'") == "cancelled"
    shop.BROKEN.clear()
    assert run.redrive()
    engine.drive()
    assert run.state == "running"
    clock.advance(3601)
    engine.drive()
    assert run.result(timeout=0) == "bank"


def test_a_flow_that_was_begun_goes_on_from_its_broken_part(engine: Engine) -> None:
    shop.BROKEN.add("raw")
    run = shop.begins_a_flow().start()
    failed(engine, run)
    shop.BROKEN.clear()
    assert run.redrive()
    engine.drive()
    assert run.result(timeout=0) == "raw raw"


def test_what_its_author_had_cancelled_stays_cancelled(engine: Engine) -> None:
    shop.BROKEN.add("bank")
    run = shop.cancels_then_fails().start()
    failed(engine, run)
    shop.BROKEN.clear()
    assert run.redrive()
    engine.drive()
    assert run.result(timeout=0) == "bank"
    assert engine.one("SELECT state FROM durableflow_core.step WHERE name = 'sleep'") == "cancelled"
