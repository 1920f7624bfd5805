"""The tasks are the user's own: hooks, requests, retries, options; and sent with Celery's means they are as ever."""

from collections.abc import Callable
from typing import Any

import pytest
from celery import chain, group, signals
from celery.canvas import StampingVisitor

from durableflow import Run, durable
from durableflow.errors import UnknownTask
from tests.canvas.shop import (
    EFFECTS,
    Watched,
    add,
    app,
    echo,
    fail,
    request_of,
    retries,
    total,
    watched,
    watched_retry,
)  # fmt: skip
from tests.support.clock import Clock
from tests.support.engine import Engine

Result = Callable[..., Any]
Start = Callable[..., Run[Any]]


def test_every_hook_of_a_custom_class_is_called_as_celery_does(start: Start) -> None:
    ok, bad = start(watched.s(1)), start(watched.s(-1))
    key, other = f"{ok.id}:1:0", f"{bad.id}:1:0"
    assert [
        ("before_start", key, (1,), {}), ("call", key, (1,)), ("on_success", 1, key), ("after_return", "SUCCESS", key),
        ("before_start", other, (-1,), {}), ("call", other, (-1,)), ("on_failure", "ValueError", other),
        ("after_return", "FAILURE", other),
    ] == EFFECTS  # fmt: skip


def test_a_retry_keeps_the_tasks_id_and_calls_on_retry(start: Start) -> None:
    run = start(watched_retry.s())
    key = f"{run.id}:1:0"
    assert run.result(timeout=0) == "at last"
    assert [effect for effect in EFFECTS if effect[0] in ("on_retry", "on_success")] == [
        ("on_retry", "KeyError", key), ("on_success", "at last", key),
    ]  # fmt: skip


def test_celerys_signals_have_the_task_as_their_sender(start: Start) -> None:
    seen: list[Any] = []

    def prerun(sender: Any = None, task_id: Any = None, args: Any = None, **_: Any) -> None:
        if sender.name.startswith("till."):
            seen.append(("prerun", sender.name, task_id, args))

    def failure(sender: Any = None, exception: Any = None, **_: Any) -> None:
        seen.append(("failure", sender.name, repr(exception)))

    signals.task_prerun.connect(prerun)
    signals.task_failure.connect(failure)
    try:
        run = start(chain(add.s(1, 1), fail.s()))
    finally:
        signals.task_prerun.disconnect(prerun)
        signals.task_failure.disconnect(failure)
    assert seen == [
        ("prerun", "till.add", f"{run.id}:1:0", [1, 1]),
        ("prerun", "till.fail", f"{run.id}:1:1", [2]),
        ("failure", "till.fail", "ValueError(2)"),
    ]


def test_options_of_a_signature_reach_the_request_and_the_message(result: Result, engine: Engine) -> None:
    seen = result(request_of.s().set(task_id="my-id", headers={"x": "y"}))
    assert seen["id"] == "my-id"
    assert seen["x"] == "y"
    assert seen["headers"] == {"x": "y"}
    assert seen["called_directly"] is False
    run = durable(add.s(1, 1).set(queue="slow", priority=3, soft_time_limit=4, time_limit=9)).start()
    engine.deliver_all()
    engine.published.clear()
    [message] = [m for m in engine.advance(run.id) if m.task == "till.add"]
    assert (message.queue, message.rank, message.soft, message.hard) == ("slow", 3, 4.0, 9.0)
    engine.drive()


def test_a_countdown_counts_from_when_the_task_may_run(start: Start, engine: Engine, clock: Clock) -> None:
    run = start(chain(add.s(1, 1).set(countdown=60), add.s(1).set(countdown=60)))
    assert EFFECTS == []
    clock.advance(61)
    engine.drive()
    assert EFFECTS == [("add", 1, 1)]
    clock.advance(59)
    engine.drive()
    assert EFFECTS == [("add", 1, 1)]
    clock.advance(2)
    engine.drive()
    assert run.result(timeout=0) == 3


def test_a_task_that_has_expired_is_revoked_and_what_needs_it_fails(start: Start, engine: Engine, clock: Clock) -> None:
    revoked: list[Any] = []

    def note(sender: Any = None, expired: Any = None, **_: Any) -> None:
        revoked.append((sender.name, expired))

    signals.task_revoked.connect(note)
    try:
        run = start(chain(add.s(1, 1), add.s(1).set(countdown=60, expires=30), echo.s()))
        clock.advance(61)
        engine.drive()
    finally:
        signals.task_revoked.disconnect(note)
    assert run.state == "failed"
    assert revoked == [("till.add", True)]
    assert EFFECTS == [("add", 1, 1)]


def test_a_retry_may_ask_for_other_arguments_and_another_queue(result: Result, engine: Engine, clock: Clock) -> None:
    run = durable(retries.s(1, 2)).start()
    for _ in range(3):
        engine.drive()
        clock.advance(2)
    assert run.result(timeout=0) == (3, 2)


class _Monitoring(StampingVisitor):  # type: ignore[misc]
    def on_signature(self, sig: Any, **headers: Any) -> dict[str, Any]:
        return {"monitoring": "m-1", "stamped_headers": ["monitoring"]}


def test_stamps_reach_every_task(result: Result) -> None:
    canvas = chain(request_of.si(), group(request_of.si(), request_of.si()))
    canvas.stamp(visitor=_Monitoring())
    assert [seen["stamps"] for seen in result(canvas)] == [{"monitoring": "m-1"}] * 2


def test_sent_with_celerys_own_means_a_task_is_what_it_was(engine: Engine, monkeypatch: pytest.MonkeyPatch) -> None:
    assert add.apply((1, 2)).get() == 3
    assert add(1, 2) == 3
    assert watched.apply((5,)).get() == 5
    assert isinstance(watched, Watched)
    assert request_of.apply().get()["called_directly"] is False
    assert watched_retry.apply().get() == "at last"
    monkeypatch.setitem(app.conf, "task_always_eager", True)
    assert retries.delay(1, 2).get() == (3, 2)


def test_a_misspelt_task_or_wrong_arguments_are_told_at_once(df: Any) -> None:
    with pytest.raises(UnknownTask, match=r"has no task till.ad; did you mean till.add"):
        durable(app.signature("till.ad", args=(1, 2)))
    with pytest.raises(TypeError, match=r"till.add does not take these arguments"):
        durable(chain(add.s(1, 2), add.s(1, 2)))
    with pytest.raises(TypeError, match="durable\\(\\) takes a signature or a canvas"):
        durable(add)  # type: ignore[arg-type]
    with pytest.raises(TypeError, match="takes a signature or a canvas"):
        durable([total.s()])  # type: ignore[arg-type]
