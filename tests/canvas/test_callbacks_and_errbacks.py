"""link, link_error, on_error: steps of the run like others."""

from collections.abc import Callable
from typing import Any

import pytest
from celery import chain, chord, group

from durableflow import Run
from tests.canvas.shop import EFFECTS, add, app, double, echo, fail, tell, told_bound, told_id, total
from tests.support.engine import Engine

Result = Callable[..., Any]
Start = Callable[..., Run[Any]]


def told() -> list[Any]:
    return [effect for effect in EFFECTS if effect[0].startswith("tell") or effect[0].startswith("told")]


def test_a_callback_is_given_the_result_and_its_failure_is_no_failure_of_the_run(result: Result) -> None:
    first = add.s(1, 1)
    first.link(echo.s("linked"))
    first.link(fail.s())
    assert result(chain(first, add.s(10))) == 12
    assert ("echo", (2, "linked"), {}) in EFFECTS


def test_a_callback_of_a_chain_follows_its_last_task_and_one_of_a_chord_its_body(result: Result) -> None:
    linked = chain(add.s(1, 1), add.s(1))
    linked.link(echo.s())
    assert result(linked) == 3
    barrier = chord([add.s(1, 1), add.s(2, 2)], total.s())
    barrier.link(chain(double.s(), echo.s()))
    assert result(barrier) == 6
    assert [effect for effect in EFFECTS if effect[0] == "echo"] == [("echo", (3,), {}), ("echo", (12,), {})]


def test_an_errback_that_takes_three_is_told_the_request_the_error_and_the_traceback(start: Start) -> None:
    run = start(fail.s("no", 7).on_error(tell.s()))
    [(_, task_id, name, args, error, traceback)] = told()
    assert (task_id, name, args, error) == (f"{run.id}:1:0", "till.fail", ["no", 7], "ValueError('no', 7)")
    assert "raise ValueError(*args)" in traceback
    assert run.state == "failed"


def test_others_are_told_the_id_of_the_failed_task(start: Start) -> None:
    canvas = chain(add.s(1, 1), fail.s().set(task_id="mine"), add.s(1))
    canvas.link_error(told_id.s())
    canvas.link_error(told_bound.s())
    canvas.link_error(told_id.s() | echo.s("chained"))
    start(canvas)
    assert told() == [("told_id", "mine"), ("told_bound", ("mine",)), ("told_id", "mine")]
    assert EFFECTS[-1] == ("echo", (None, "chained"), {})


def test_an_errback_of_a_chain_is_called_once_by_the_task_that_failed(start: Start) -> None:
    start(chain(fail.s(1), add.s(1), add.s(2)).on_error(told_id.s()))
    assert len(told()) == 1


def test_each_failing_member_of_a_group_calls_its_errback(start: Start) -> None:
    members = group(fail.s(i).on_error(told_id.s()) if i % 2 else add.s(i, i) for i in range(6))
    run = start(members)
    assert told() == [("told_id", f"{run.id}:1:{i}") for i in (1, 3, 5)]


def test_a_chords_errback_is_called_in_the_name_of_its_body_when_the_header_fails(start: Start) -> None:
    run = start(chord([add.s(1, 1), fail.s("a"), fail.s("b")], total.s().on_error(tell.s())))
    [(_, task_id, name, _, error, traceback)] = told()
    assert (task_id, name, traceback) == (f"{run.id}:1:3", "till.total", None)
    assert error.startswith("ChordError(")
    assert "raised ValueError('a')" in error


def test_a_chords_errback_is_not_called_for_what_came_before_the_chord(start: Start) -> None:
    start(chain(fail.s(), group(add.s(1), add.s(2)), total.s().on_error(told_id.s())))
    assert told() == []


@pytest.mark.filterwarnings("ignore:task_allow_error_cb_on_chord_header:celery.exceptions.CPendingDeprecationWarning")
def test_the_header_has_the_errback_too_where_the_app_says_so(start: Start, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(app.conf, "task_allow_error_cb_on_chord_header", True)
    barrier = chord([add.s(1, 1), fail.s("a")], total.s())
    barrier.link_error(told_id.s())
    run = start(barrier)
    assert sorted(told()) == [("told_id", f"{run.id}:1:1"), ("told_id", f"{run.id}:1:2")]


def test_errbacks_that_are_not_called_leave_nothing_behind(start: Start, engine: Engine) -> None:
    run = start(chain(add.s(1, 1), add.s(1)).on_error(told_id.s()))
    assert run.result(timeout=0) == 3
    states = "SELECT string_agg(state, ' ' ORDER BY index) FROM durableflow_core.step WHERE run_id = %s"
    assert engine.one(states, run.id) == "succeeded succeeded cancelled cancelled"


def test_the_run_waits_for_its_errback_also_where_that_fails(start: Start, engine: Engine) -> None:
    run = start(fail.s("no").on_error(fail.s("too").on_error(told_bound.s())))
    assert run.state == "failed"
    assert "no" in str(run.info()["error"])
    assert told() == [("told_bound", (f"{run.id}:1:1",))]
