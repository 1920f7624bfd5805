"""A body that nobody waits for any more is not interrupted; it may ask."""

import pytest

from durableflow import current
from durableflow.errors import OutsideStep
from tests.waiting import shop
from tests.waiting.conftest import Engine


def test_a_step_that_runs_when_its_run_is_cancelled_can_tell(engine: Engine) -> None:
    run = shop.asks().start()
    answers: list[bool] = []

    def ask_and_cancel() -> None:
        answers.append(current.cancelled)
        run.cancel()
        answers.append(current.cancelled)

    shop.DURING.append(ask_and_cancel)
    engine.drive()
    assert answers == [False, True]
    assert run.state == "cancelled"


def test_a_running_step_that_has_lost_a_race_can_tell(engine: Engine) -> None:
    run = shop.race_with_a_question().start()
    answers: list[bool] = []

    def lose() -> None:
        answers.append(current.cancelled)
        run.send("number", 1)
        engine.advance(run.id)
        answers.append(current.cancelled)

    shop.DURING.append(lose)
    engine.drive()
    assert answers == [False, True]
    assert run.result(timeout=0) == (0, 1)


def test_outside_of_a_step_nothing_is_asked() -> None:
    with pytest.raises(OutsideStep):
        assert current.cancelled
