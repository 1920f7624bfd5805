import asyncio
from typing import Any

import pytest

from durableflow import current
from durableflow.errors import NotStorable, OutsideStep, OutsideWorkflow, StepRaised
from tests.language import shop
from tests.language.shop import CardDeclined, Order


@pytest.fixture(autouse=True)
def journal() -> list[Any]:
    shop.journal.clear()
    return shop.journal


def test_a_workflow_runs_with_its_steps_and_does_not_sleep(journal: list[Any]) -> None:
    result = asyncio.run(shop.checkout.run(Order(1, ["a", "b"])))
    assert result == ("paid 1 EUR", ["a by land", "b by land"])
    assert journal == [("charge", 1, 1), ("ship", "a"), ("ship", "b")]


def test_nested_gathers_keep_their_shape() -> None:
    assert asyncio.run(shop.one_of_many.run("aaa")) == [[3, 1], [], None, "aaa by land"]


def test_a_steps_error_is_raised_at_its_await() -> None:
    assert asyncio.run(shop.saga.run(Order(-1))) == "declined -1"
    with pytest.raises(CardDeclined) as caught:
        asyncio.run(shop.checkout.run(Order(-2)))
    frames = [frame.name for frame in caught.traceback]
    assert frames[-1] == "charge", "the traceback leads to the step's own line"


def test_values_are_copies_as_they_are_between_workers() -> None:
    given = ["one"]
    assert asyncio.run(shop.uses_its_copy.run(given)) == [["one"], ["one", "more"]]
    assert given == ["one"]


def test_a_value_that_cannot_be_stored_is_refused_here_too() -> None:
    import socket

    with socket.socket() as wire, pytest.raises(NotStorable, match=r"shop\.checkout.*socket"):
        asyncio.run(shop.checkout.run(wire))  # type: ignore[arg-type]


def test_an_error_that_cannot_be_stored_arrives_as_step_raised() -> None:
    import socket

    @shop.df.step
    def raises_a_socket() -> None:
        error = CardDeclined("no")
        error.wire = socket.socket()  # type: ignore[attr-defined]
        error.wire.close()  # type: ignore[attr-defined]
        raise error

    from durableflow.language.inline import run_body

    with pytest.raises(StepRaised, match=r"CardDeclined: no .*could not be stored"):
        asyncio.run(run_body(raises_a_socket.function, (), {}, "x"))


def test_awaiting_a_call_in_a_step_is_refused() -> None:
    async def body() -> Any:
        return await shop.count("a")

    from durableflow.language.inline import run_body, running

    async def workflow() -> Any:
        with running(workflow=True):
            return await run_body(body, (), {}, "x")

    with pytest.raises(OutsideWorkflow):
        asyncio.run(workflow())


def test_a_step_runs_as_the_plain_function_that_it_is(journal: list[Any]) -> None:
    assert shop.charge.run(Order(3), currency="USD") == "paid 3 USD"
    assert asyncio.run(shop.ship.run("a", fast=True)) == "a by air"
    with pytest.raises(CardDeclined):
        shop.charge.run(Order(-1))
    assert journal == [("charge", 3, 1), ("ship", "a"), ("charge", -1, 1)]


def test_current_is_known_in_a_step_only() -> None:
    @shop.df.step
    def tells() -> tuple[str, int, str]:
        return (
            current.step,
            current.attempt,
            current.idempotency_key.partition(":")[0] == str(current.run_id) and "same",
        )  # type: ignore[return-value]

    assert tells.run() == ("shop.tells", 1, "same")
    for name in ("run_id", "step", "attempt", "idempotency_key"):
        with pytest.raises(OutsideStep, match=f"current.{name} is known while a step runs"):
            getattr(current, name)
    assert repr(current) == "<current: outside of a step>"


def test_a_child_workflow_runs_in_place_too() -> None:
    for what in ("workflow", "workflow in gather"):
        assert asyncio.run(shop.awaits.run(what)) == "awaited"
