"""The pipeline of an attempt, message by message, in this process."""

import threading
from typing import Any

import psycopg
import pytest
from celery import signals, states
from celery.exceptions import Ignore

from durableflow import codec
from durableflow.errors import RunFailed, RunStuck
from durableflow.store.faults import is_transient
from durableflow.store.messages import Message
from durableflow.worker import attempt as pipeline
from durableflow.worker import shield
from tests.worker import shop
from tests.worker.harness import Harness


@pytest.fixture
def heard() -> Any:
    """What Celery's signals told, as (signal, arguments or result)."""
    told: list[tuple[str, Any]] = []

    def on_prerun(args: Any = None, kwargs: Any = None, **_: Any) -> None:
        told.append(("prerun", (list(args), kwargs)))

    def on_success(result: Any = None, **_: Any) -> None:
        told.append(("success", result))

    def on_failure(exception: Any = None, args: Any = None, **_: Any) -> None:
        told.append(("failure", type(exception)))

    def on_retry(reason: Any = None, **_: Any) -> None:
        told.append(("retry", type(reason.exc)))

    signals.task_prerun.connect(on_prerun)
    signals.task_success.connect(on_success)
    signals.task_failure.connect(on_failure)
    signals.task_retry.connect(on_retry)
    yield told
    signals.task_prerun.disconnect(on_prerun)
    signals.task_success.disconnect(on_success)
    signals.task_failure.disconnect(on_failure)
    signals.task_retry.disconnect(on_retry)


def test_signals_see_the_arguments_and_the_result(harness: Harness, heard: Any) -> None:
    run = shop.arithmetic(5).start()
    (message,) = harness.advance(run.id)
    heard.clear()
    traced = harness.deliver(message)
    assert (traced.retval, traced.info) == (6, None)
    assert heard == [("prerun", ([5], {})), ("success", 6)]


def test_success_is_told_after_it_was_committed(harness: Harness, db: psycopg.Connection[Any]) -> None:
    run = shop.arithmetic(5).start()
    (message,) = harness.advance(run.id)
    seen: list[Any] = []

    def on_success(**_: Any) -> None:
        seen.append(db.execute("SELECT state FROM durableflow_core.step WHERE rev = 1").fetchone())

    signals.task_success.connect(on_success)
    harness.deliver(message)
    assert seen == [("succeeded",)]


def test_a_stale_message_is_ignored_without_a_sound(harness: Harness, heard: Any) -> None:
    run = shop.arithmetic(5).start()
    (message,) = harness.advance(run.id)
    harness.deliver(message)
    heard.clear()
    traced = harness.deliver(message)
    assert traced.info.state == states.IGNORED
    assert isinstance(traced.retval.exception.exc, Ignore)
    assert heard == []


@pytest.mark.parametrize("subject", ["", "x:y:z", "1:2", "00000000-0000-0000-0000-000000000000:1:0", 7, "é:1:0"])
def test_a_message_that_names_no_step_is_ignored(harness: Harness, heard: Any, subject: Any) -> None:
    traced = harness.deliver(Message("shop.add", "id", subject, "q"))
    assert traced.info.state == states.IGNORED
    assert heard == []


def test_a_message_with_another_steps_id_fails_that_step_and_runs_nothing(harness: Harness, journal: Any) -> None:
    run = shop.arithmetic(5).start()
    (message,) = harness.advance(run.id)
    harness.deliver(Message("shop.double", message.id, message.subject, "q"))
    assert journal.entries() == []
    state, _, error = harness.step(run.id)
    assert state == "failed"
    assert "this step is shop.add" in str(codec.decode(error))


def test_a_step_sent_by_celerys_own_means_runs_outside_of_any_run(harness: Harness) -> None:
    task = harness.task("shop.double")
    harness.deliver(Message("shop.double", "id", "x", "q"))  # builds the tracer
    traced = task.__trace__("id", [21], {}, {"id": "id", "task": "shop.double", "delivery_info": {}})
    assert traced.info.state == states.FAILURE  # its journal asks for the current attempt, and there is none
    assert "OutsideStep" in repr(traced.retval.exception)


def test_a_retry_is_told_as_a_retry_and_publishes_nothing(harness: Harness, heard: Any) -> None:
    run = shop.retrying(3).start()
    (message,) = harness.advance(run.id)
    harness.published.clear()
    traced = harness.deliver(message)
    assert traced.info.state == states.RETRY
    assert heard[-1] == ("retry", shop.Broke)
    assert harness.published == []
    assert harness.step(run.id)[0] == "ready"


def test_celery_counts_the_retries(harness: Harness) -> None:
    run = shop.celery_retry(1).start()
    (message,) = harness.advance(run.id)
    assert harness.deliver(message).info.state == states.RETRY
    harness.db.execute("UPDATE durableflow_core.ready SET due_at = now()")
    assert harness.deliver(message).retval == 2


def test_an_error_before_the_body_fails_the_step(harness: Harness, monkeypatch: pytest.MonkeyPatch) -> None:
    def before_start(task_id: str, args: Any, kwargs: Any) -> None:
        raise shop.Broke("not today")

    run = shop.arithmetic(5).start()
    (message,) = harness.advance(run.id)
    monkeypatch.setattr(type(harness.task("shop.add")), "before_start", staticmethod(before_start), raising=False)
    harness.deliver(message)
    state, _, error = harness.step(run.id)
    assert state == "failed"
    assert isinstance(codec.decode(error), shop.Broke)


def test_a_fenced_attempt_commits_nothing_and_launches_nothing(
    harness: Harness, journal: Any, heard: Any, db: psycopg.Connection[Any]
) -> None:
    run = shop.waiting("go").start()
    (message,) = harness.advance(run.id)
    heard.clear()
    harness.published.clear()
    thread = threading.Thread(target=harness.deliver, args=(message,))
    thread.start()
    journal.wait_for("held(go)")
    db.execute("UPDATE durableflow_core.step SET claim = gen_random_uuid()")
    journal.release("go")
    thread.join(30)
    assert harness.published == []
    assert [name for name, _ in heard] == ["prerun"]
    assert harness.step(run.id)[0] == "running"


def test_a_commit_is_tried_again_on_a_new_connection(
    harness: Harness, journal: Any, db: psycopg.Connection[Any]
) -> None:
    run = shop.waiting("go").start()
    (message,) = harness.advance(run.id)
    thread = threading.Thread(target=harness.deliver, args=(message,))
    thread.start()
    journal.wait_for("held(go)")
    db.execute(
        "SELECT pg_terminate_backend(pid) FROM pg_stat_activity "
        "WHERE application_name LIKE 'durableflow step%' AND datname = current_database()"
    )
    journal.release("go")
    thread.join(30)
    assert harness.rev(run.id) == 2
    assert len(journal.entries("held")) == 1


def test_a_commit_whose_reply_was_lost_is_recognised(harness: Harness, monkeypatch: pytest.MonkeyPatch) -> None:
    run = shop.arithmetic(5).start()
    (message,) = harness.advance(run.id)
    complete_alone = pipeline.complete_alone
    calls = []

    def lose_the_reply(conn: Any, *args: Any) -> Any:
        calls.append(complete_alone(conn, *args))
        raise psycopg.OperationalError("server closed the connection unexpectedly")

    monkeypatch.setattr(pipeline, "complete_alone", lose_the_reply)
    harness.published.clear()
    traced = harness.deliver(message)
    assert (traced.retval, traced.info, len(calls)) == (6, None, 1)
    assert harness.rev(run.id) == 2
    assert [sent.task for sent in harness.published] == ["durableflow.advance"]  # and the steward has the rest


def test_what_the_database_refuses_for_good_fails_the_step(harness: Harness, monkeypatch: pytest.MonkeyPatch) -> None:
    def refuse(*_: Any) -> Any:
        raise psycopg.errors.ProgramLimitExceeded("too large")

    assert not is_transient(psycopg.errors.ProgramLimitExceeded())
    run = shop.arithmetic(5).start()
    (message,) = harness.advance(run.id)
    monkeypatch.setattr(pipeline, "complete_alone", refuse)
    harness.deliver(message)
    harness.deliver_all()
    with pytest.raises(RunFailed):
        run.result(timeout=1)


def test_a_turn_that_crashes_in_memory_is_left_to_advance(harness: Harness, monkeypatch: pytest.MonkeyPatch) -> None:
    def crash(*_: Any, **__: Any) -> Any:
        raise SystemExit(1)

    run = shop.arithmetic(5).start()
    (message,) = harness.advance(run.id)
    with monkeypatch.context() as patch:
        patch.setattr(pipeline, "turn", crash)
        assert harness.deliver(message).retval == 6
    assert harness.step(run.id)[:2] == ("succeeded", "6")
    assert [sent.task for sent in harness.published] == ["shop.add", "durableflow.advance"]
    harness.published.clear()
    harness.advance(run.id)
    harness.deliver_all()
    assert run.state == "running" or run.result(timeout=1) is not None


def test_a_run_goes_to_its_end_without_a_broker(harness: Harness) -> None:
    run = shop.arithmetic(1).start()
    harness.advance(run.id)
    harness.deliver_all()
    assert run.result(timeout=1) == 19


def test_workflow_code_that_hangs_costs_a_try_and_not_the_worker(
    harness: Harness, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(shield, "TURN_LIMIT", 0.3)
    run = shop.hanging().start()
    (message,) = harness.advance(run.id)
    traced = harness.deliver(message)
    assert (traced.retval, harness.step(run.id)[0]) == (2, "succeeded")  # the step is not to blame
    for _ in range(harness.runtime.settings.max_turn_tries):
        harness.advance(run.id)
        assert run.state == "running"
        harness.db.execute("UPDATE durableflow_core.wake SET visible_at = now(), leased_by = NULL")
    harness.advance(run.id)
    with pytest.raises(RunFailed) as failed:
        run.result(timeout=1)
    assert isinstance(failed.value.__cause__, RunStuck)
