import warnings
from typing import Any

import pytest

from durableflow import approval, receive
from durableflow.client.events import expected
from durableflow.testing import Simulation
from tests.language import kinds


@pytest.mark.parametrize("name", kinds.FIT)
def test_a_type_waits_in_a_variable_for_turns_and_makes_the_event_what_it_says(name: str) -> None:
    _, payload, expected = kinds.FIT[name]
    sim = Simulation(kinds.df)
    run = sim.start(kinds.waits_for(name))
    sim.advance(10)
    run.send("event", payload)
    sim.advance(0)
    assert run.result() == expected
    assert type(run.result()) is type(expected)


@pytest.mark.parametrize("name", kinds.REFUSED)
@pytest.mark.parametrize("function", [receive, approval])
def test_a_type_that_cannot_be_stored_is_refused_where_it_is_named(function: Any, name: str) -> None:
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        with pytest.raises(TypeError, match=rf"{function.__name__}\('event'\) cannot wait for"):
            function("event", kinds.REFUSED[name])


def test_no_payload_may_be_expected() -> None:
    sim = Simulation(kinds.df)
    run = sim.start(kinds.waits_for("None"))
    sim.advance(0)
    run.send("event", 3)
    sim.advance(0)
    assert run.state == "running", "an event that does not fit is set aside"


answer = kinds.Model


@kinds.df.routine
async def asks_for_data() -> Any:
    return await receive("answer", kinds.Data)


@kinds.df.workflow
async def asks_plainly() -> Any:
    return await receive("answer", kinds.Model)


@kinds.df.workflow
async def asks_by_way_of_a_routine(first: bool) -> Any:
    return await receive("answer", answer) if first else await asks_for_data()


@kinds.df.workflow
async def asks_for_what_a_variable_says(first: bool) -> Any:
    answer = kinds.Model if first else kinds.Data
    return await receive("answer", answer)


def test_the_sender_hears_of_a_misfit_only_where_nothing_else_may_be_waited_for() -> None:
    assert expected(asks_plainly) == {"answer": (kinds.Model,)}
    assert expected(asks_by_way_of_a_routine) == {"answer": (kinds.Model, kinds.Data)}
    assert expected(asks_for_what_a_variable_says) == {}
