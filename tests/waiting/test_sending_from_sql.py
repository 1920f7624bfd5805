"""Whoever can reach the database can answer a run, from any language."""

from typing import Any

import psycopg
import pytest

from tests.waiting import shop
from tests.waiting.conftest import Engine
from tests.waiting.shop import Approval

UNKNOWN = "01890a5d-ac96-774b-bcce-b302099a8057"


def send(engine: Engine, *arguments: Any) -> Any:
    places = ", ".join(["%s"] * len(arguments))
    return engine.one(f"SELECT durableflow.send({places})", *arguments)


def test_an_approval_is_given_in_sql(engine: Engine) -> None:
    run = shop.signed().start()
    engine.drive()
    given = '{"approved": true, "amount": 3}'
    assert send(engine, run.id, "invoice", given, "click", "ana") is True
    assert send(engine, run.id, "invoice", given, "click", "ana") is False
    engine.drive()
    decision = run.result(timeout=0)
    assert (decision.form, decision.by, decision.id) == (Approval(approved=True, amount=3), "ana", "click")


def test_who_sends_is_the_role_unless_it_is_said(engine: Engine) -> None:
    run = shop.signed().start()
    send(engine, run.id, "invoice", '{"approved": false}')
    engine.drive()
    assert run.result(timeout=0).by == engine.one("SELECT session_user")


def test_what_does_not_fit_is_set_aside_with_the_reason(engine: Engine) -> None:
    run = shop.one_event().start()
    send(engine, run.id, "approval", '{"approved": "perhaps"}')
    engine.drive()
    assert run.state == "running"
    state, why = engine.one("SELECT state, rejection FROM durableflow.events")
    assert (state, "approved: Input should be a valid boolean" in why) == ("rejected", True)


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        ((UNKNOWN, "approval"), f"there is no run {UNKNOWN}"),
        (("the run", ""), "an event has a name of 1 to 200 characters"),
        (("the run", "approval", "1", ""), "the id of an event has 1 to 1000 characters"),
        (("an ended run", "approval"), r"has ended \(cancelled\), and receives no event any more"),
    ],
)
def test_bad_arguments_have_a_clear_error(engine: Engine, arguments: tuple[Any, ...], said: str) -> None:
    run, ended = shop.one_event().start(), shop.one_event().start()
    engine.drive()
    ended.cancel()
    ids = {"the run": run.id, "an ended run": ended.id}
    with pytest.raises(psycopg.Error, match=said):
        send(engine, *(ids.get(argument, argument) for argument in arguments))
    assert engine.one("SELECT count(*) FROM durableflow_core.event") == 0
