"""self.replace(...): the step becomes a child run, and ends as that ends."""

from collections.abc import Callable
from typing import Any

from celery import chain, group

from durableflow import Run, durable
from tests.canvas.shop import (
    EFFECTS,
    add,
    bill,
    countdown_by_replacing,
    double,
    echo,
    fail,
    fan_out,
    replaced,
    told_id,
    total,
)  # fmt: skip
from tests.support.engine import Engine

Result = Callable[..., Any]
Start = Callable[..., Run[Any]]


def test_what_follows_is_given_what_the_replacement_comes_to(result: Result) -> None:
    assert result(chain(replaced.s(by=chain(add.s(1, 1), double.s())), add.s(1))) == 5
    assert result(chain(fan_out.s(4), total.s())) == 12
    assert result(fan_out.s(0)) == []
    assert result(countdown_by_replacing.s(5)) == "liftoff"


def test_callbacks_follow_the_replacement_and_errbacks_answer_it(start: Start) -> None:
    start(replaced.s(by=add.s(1, 1)).set(link=[echo.s()]))
    assert EFFECTS[-1] == ("echo", (2,), {})
    run = start(chain(replaced.s(by=fail.s("inside")), add.s(1)).on_error(told_id.s()))
    assert run.state == "failed"
    assert EFFECTS[-1] == ("told_id", f"{run.id}:1:0")


def test_the_child_run_is_seen_from_its_parent(start: Start, engine: Engine) -> None:
    run = start(chain(replaced.s(by=group(double.s(1), double.s(2))), total.s()))
    child = "SELECT r.workflow, r.state FROM durableflow_core.run AS r WHERE r.parent_id = %s"
    assert engine.one(child, run.id) == ("till.canvas", "succeeded")


def test_a_replacement_that_cannot_be_fails_the_task(result: Result) -> None:
    error = result(replaced.s(by=chain()))
    assert "Cannot replace with an empty chain" in str(error)


def test_a_workflow_awaits_canvases_and_keeps_signatures(engine: Engine, df: Any) -> None:
    run = bill([1, 2, 3]).start()
    engine.drive()
    assert run.result(timeout=0) == [[2, 4, 6], 12, 13, (1,), "no"]


def test_a_redrive_runs_only_what_had_not_succeeded(start: Start, engine: Engine, monkeypatch: Any) -> None:
    run = start(chain(add.s(1, 1), group(fail.s(), add.s(5)), total.s()).on_error(told_id.s()))
    assert run.state == "failed"
    monkeypatch.setattr(fail, "run", lambda x: 100, raising=False)
    EFFECTS.clear()
    assert run.redrive()
    engine.drive()
    assert run.result(timeout=0) == 107
    assert EFFECTS == []


def test_a_redrive_answers_the_next_failure_too(start: Start, engine: Engine) -> None:
    run = start(fail.s("no").on_error(told_id.s() | echo.s()))
    assert [effect[0] for effect in EFFECTS] == ["told_id", "echo"]
    assert run.redrive()
    engine.drive()
    assert run.state == "failed"
    assert [effect[0] for effect in EFFECTS] == ["told_id", "echo"] * 2


def test_a_key_names_one_canvas(engine: Engine, df: Any) -> None:
    first = durable(chain(add.s(1, 1), add.s(1))).start(key="mine")
    assert durable(chain(add.s(1, 1), add.s(1))).start(key="mine").id == first.id
    engine.drive()
