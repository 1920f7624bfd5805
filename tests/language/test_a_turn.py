import json
import warnings
from typing import Any

import pytest

from durableflow import Retry, codec
from durableflow.errors import CorruptValue, NotAwaited, NotStorable, UnknownDefinition, ValueTooLarge
from durableflow.language.options import load
from durableflow.language.outcomes import Outcome, TooEarly
from durableflow.language.turn import Defaults, Finish, Stored, Suspend, begin, turn
from tests.language import shop
from tests.language.engine import Engine, error_of, first_turn, next_turn
from tests.language.shop import CardDeclined, Order


def test_a_run_gives_what_the_workflow_gives_in_place() -> None:
    engine = Engine()
    assert engine.run(shop.checkout(Order(1, ["a", "b"]))) == ("paid 1 EUR", ["a by land", "b by land"])
    assert [len(at.steps) for at in engine.checkpoints] == [0, 1, 2, 1]
    assert engine.run(shop.saga(Order(-1))) == "declined -1"
    assert Engine().run(shop.one_of_many("aaa")) == [[3, 1], [], None, "aaa by land"]


def test_rev_0_holds_the_arguments_by_name() -> None:
    call = shop.checkout(Order(1))
    first = begin(call.definition, call.args, call.kwargs)
    call._used = True
    assert first.state == 0
    assert first.awaits == "null"
    assert first.steps == []
    assert json.loads(first.variables.text).keys() == {"order"}


def test_the_awaits_shape_lists_steps_in_the_order_of_the_calls() -> None:
    at = first_turn(shop.one_of_many("a"))
    assert isinstance(at, Suspend)
    assert json.loads(at.awaits) == {"all": [{"all": [{"one": 0}, {"one": 1}]}, {"all": []}, {"one": 2}, {"one": 3}]}
    assert [(spec.name, spec.kind, spec.delay) for spec in at.steps] == [
        ("shop.stock.count", "task", None),
        ("shop.stock.count", "task", None),
        ("sleep", "timer", 1.0),
        ("shop.ship", "task", None),
    ]
    assert json.loads(at.steps[0].input.text) == {"args": ["a"], "kwargs": {}}


def test_a_step_goes_where_the_call_the_definition_or_the_run_says() -> None:
    at = first_turn(shop.one_of_many("a"), defaults=Defaults("elsewhere", 4))
    assert isinstance(at, Suspend)
    assert [(spec.queue, spec.priority) for spec in at.steps] == [
        ("elsewhere", 4),
        ("elsewhere", 4),
        ("elsewhere", 0),
        ("parcels", 7),
    ]


def test_options_of_one_call_travel_with_the_step() -> None:
    engine = Engine()
    engine.run(shop.keeps_calls("aa"))
    air = next(spec for at in engine.checkpoints for spec in at.steps if spec.queue == "air")
    assert load(air.options).retry == Retry(max_attempts=2)
    assert load(air.options).timeout is None
    assert load("{}").retry is None
    with pytest.raises(CorruptValue):
        load('{"steps": 1}')


def test_calls_gathers_and_sleeps_wait_in_variables() -> None:
    assert Engine().run(shop.keeps_calls("aa")) == [5, 2, [1, "c by land"], None, "d by air"]


def test_the_error_that_came_first_is_raised() -> None:
    call = shop.one_of_many("a")
    at = first_turn(call)
    assert isinstance(at, Suspend)
    early, late = (codec.encode(CardDeclined(text)).text for text in ("early", "late"))
    outcomes = {
        0: Outcome("succeeded", "1", None, 1),
        1: Outcome("failed", None, late, 3),
        3: Outcome("failed", None, early, 2),
    }
    assert error_of(next_turn(call, at, outcomes)).args == ("early",)


def test_a_turn_that_comes_too_early_says_so() -> None:
    call = shop.one_of_many("a")
    at = first_turn(call)
    assert isinstance(at, Suspend)
    with pytest.raises(TooEarly):
        next_turn(call, at, {0: Outcome("succeeded", "1", None, 1), 1: Outcome("running")})


def test_gather_of_nothing_goes_on_at_once() -> None:
    done = first_turn(shop.nothing_to_wait_for(3))
    assert isinstance(done, Finish)
    assert json.loads(done.output.text) == [[], [[], [[]]]] * 3


@pytest.mark.parametrize(
    ("what", "said"),
    [
        ("asyncio.sleep", "use durableflow.sleep()"),
        ("coroutine", "helper() is a plain coroutine, which cannot be stored: make it a step with @df.step"),
        ("int", "object int can't be used in 'await' expression"),
        ("coroutine in gather", "argument 2: helper() is a plain coroutine"),
    ],
)
def test_what_cannot_be_awaited_is_a_type_error_inside_of_the_workflow(what: str, said: str) -> None:
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        done = first_turn(shop.awaits(what))
    assert isinstance(done, Finish)
    assert said in json.loads(done.output.text)


@pytest.mark.parametrize("how", ["dead variable", "bare", "gather", "sleep"])
def test_a_call_that_is_dropped_fails_the_run_and_names_the_line(how: str) -> None:
    error = error_of(first_turn(shop.drops(how)))
    assert isinstance(error, NotAwaited)
    assert "shop.py:" in str(error)
    assert "never awaited" in str(error)


def test_a_call_that_is_returned_or_given_away_fails_the_run() -> None:
    for how in ("returned", "in a result", "as argument"):
        error = error_of(first_turn(shop.drops(how)))
        assert isinstance(error, NotAwaited), how
        assert "shop.stock.count(...)" in str(error)


def test_an_error_of_its_own_is_not_replaced_by_what_it_left_behind() -> None:
    assert isinstance(error_of(first_turn(shop.drops("overtaken by an error"))), CardDeclined)


def test_a_call_that_a_handled_exception_has_overtaken_does_not_fail_the_run(caplog: pytest.LogCaptureFixture) -> None:
    assert Engine().run(shop.is_overtaken(["a", ""])) == "made up for it"
    assert "did an exception come in between?" in caplog.text


def test_a_call_that_is_awaited_later_is_not_dropped() -> None:
    assert Engine().run(shop.drops("used later")) == 1


@pytest.mark.parametrize("no_steps", [True, False])
def test_a_value_that_cannot_be_stored_fails_the_run_and_cannot_be_caught(no_steps: bool) -> None:
    error = error_of(first_turn(shop.keeps_a_lock(no_steps)))
    assert isinstance(error, NotStorable)
    assert str(error).startswith("guard: ")
    assert "lock" in str(error)


def test_a_value_above_the_limit_fails_the_run() -> None:
    call = shop.uses_its_copy(["x" * 5000])
    error = error_of(first_turn(call, defaults=Defaults(limit=1000)))
    assert isinstance(error, ValueTooLarge)


def test_large_values_are_given_once() -> None:
    call = shop.uses_its_copy(["x" * 5000])
    at = first_turn(call)
    assert isinstance(at, Suspend)
    blobs = [*at.variables.blobs, *at.steps[0].input.blobs]
    assert len(blobs) == len(set(blobs))


def test_a_stored_text_that_nobody_wrote_is_refused() -> None:
    call: Any = shop.checkout(Order(1))
    call._used = True
    with pytest.raises(CorruptValue):
        turn(shop.checkout, Stored(0, 0, 1, "[1]", None), {}, blobs={})
    bad = '{"order": {"~": "call", "v": {"name": "shop.gone", "use": null}, "rest": {"args": [], "kwargs": {}}}}'
    with pytest.raises((UnknownDefinition, CorruptValue)):
        turn(shop.checkout, Stored(0, 0, 1, bad, None), {}, blobs={})


def test_a_step_started_by_itself_is_a_run_of_one_step() -> None:
    engine = Engine()
    assert engine.run(shop.charge(Order(4), currency="USD")) == "paid 4 USD"
    with pytest.raises(CardDeclined):
        Engine().run(shop.charge(Order(-4)))
    at = first_turn(shop.ship.options(queue="air", timeout=3)("a"))
    assert isinstance(at, Suspend)
    assert at.steps[0].queue == "air"
    assert load(at.steps[0].options).timeout == 3.0
