"""Which signals are told of what, with what, and when: message by message, in this process."""

import signal
import threading
from collections.abc import Callable
from datetime import timedelta
from typing import Any
from uuid import uuid4

import psycopg
import pytest
from billiard.exceptions import SoftTimeLimitExceeded

from durableflow import signals
from durableflow.errors import DeadlineExceeded, RunFailed, StepTimedOut
from durableflow.steward.telling import tell_at_once
from durableflow.store.claim import claim
from durableflow.store.messages import StepId
from durableflow.worker import attempt as pipeline
from durableflow.worker import telling, timeouts
from tests.signals import shop
from tests.signals.conftest import Told
from tests.support.clock import Clock
from tests.support.engine import Engine


def drive(engine: Engine, clock: Clock, seconds: float = 100.0) -> None:
    """Do everything that is due within some time."""
    for _ in range(10):
        engine.drive()
        clock.advance(seconds / 10)
    engine.drive()


def test_a_run_that_succeeds(engine: Engine, told: Told) -> None:
    told.connect()
    run = shop.buys(3).start()
    engine.drive()
    of_run = {"run_id": run.id, "workflow": "told.buys"}
    step = {"step": "told.charge", "rev": 1, "index": 0, "attempt": 1, "idempotency_key": f"{run.id}:1:0"}
    assert told.all == [
        ("run_started", "told.buys", of_run),
        ("step_started", "told.charge", of_run | step),
        ("step_succeeded", "told.charge", of_run | step | {"result": [3, 3, 3]}),
        ("run_finished", "told.buys", of_run | {"result": 3}),
    ]


def test_every_signal_carries_what_it_says(engine: Engine, clock: Clock, told: Told) -> None:
    told.connect()
    for call in (shop.buys(1), shop.tries(9), shop.declines()):
        call.start()
    shop.waits().start().cancel()
    drive(engine, clock)
    assert set(told.names) == {each.name for each in signals.ALL} - {"worker_lost"}
    carries = {each.name: each.providing_args for each in signals.ALL}
    for name, _, facts in told.all:
        assert set(facts) == carries[name], name
    assert told.facts("step_succeeded")[-1]["result"] is None  # Celery's Ignore


def test_a_retry_and_the_end_of_all_attempts(engine: Engine, clock: Clock, told: Told) -> None:
    told.connect()
    shop.tries(9).start()
    drive(engine, clock)
    assert told.names == [
        "run_started",
        *["step_started", "step_retrying"] * 2,
        *["step_started", "step_failed", "step_dead", "run_failed"],
    ]
    assert [(facts["attempt"], facts["delay"], str(facts["error"])) for facts in told.facts("step_retrying")] == [
        (1, 7.0, "1"),
        (2, 14.0, "2"),
    ]
    (failed,), (dead,), (end,) = (told.facts(name) for name in ("step_failed", "step_dead", "run_failed"))
    assert isinstance(failed["error"], shop.Broke)
    assert failed["error"].__traceback__ is not None
    assert "raise Broke(current.attempt)\ntests.signals.shop.Broke: 3\n" in failed["traceback"]
    assert failed.pop("awaited") is True
    assert dead == failed
    assert repr(end["error"]) == "Broke(3)"

    told.all.clear()
    shop.tries(2).start()
    drive(engine, clock)
    assert told.names[1:] == ["step_started", "step_retrying", "step_started", "step_succeeded", "run_finished"]


def test_a_dead_letter_is_told_for_each_row_of_the_view(engine: Engine, clock: Clock, told: Told) -> None:
    told.connect()
    for call in (shop.tries(9), shop.loses_patience(), shop.loses_patience(), shop.buys(1)):
        call.start()
    drive(engine, clock)
    rows = engine.db.execute("SELECT run_id, rev, index, attempts FROM durableflow.dead_letters").fetchall()
    dead = [(facts["run_id"], facts["rev"], facts["index"], facts["attempt"]) for facts in told.facts("step_dead")]
    assert sorted(dead) == sorted(rows)
    assert len(rows) >= 3


def test_an_attempt_that_nobody_waits_for_is_no_dead_letter(
    engine: Engine, db: psycopg.Connection[Any], told: Told
) -> None:
    told.connect()
    run = shop.tries(9).start()
    (message,) = engine.advance(run.id)
    told.call(signals.step_started, lambda **_: db.execute("UPDATE durableflow_core.step SET abandoned_at = now()"))
    engine.deliver(message)
    (failed,) = told.facts("step_failed")
    assert (failed["awaited"], failed["attempt"]) == (False, 1)
    assert "step_dead" not in told.names
    assert db.execute("SELECT count(*) FROM durableflow.dead_letters").fetchone() == (0,)
    run.cancel()


def test_a_first_turn_that_ends_the_run(engine: Engine, told: Told) -> None:
    told.connect()
    shop.at_once(False).start()
    shop.at_once(True).start()
    engine.drive()
    assert told.names == ["run_started", "run_finished", "run_started", "run_failed"]
    assert told.facts("run_finished")[0]["result"] == "at once"
    assert isinstance(told.facts("run_failed")[0]["error"], shop.Broke)


def test_a_run_that_fails_before_its_first_turn_has_not_started(engine: Engine, clock: Clock, told: Told) -> None:
    told.connect()
    shop.waits().start(deadline=timedelta(seconds=5))
    clock.advance(10)
    engine.drive()
    assert told.names == ["run_failed"]
    assert isinstance(told.facts("run_failed")[0]["error"], DeadlineExceeded)


def test_a_redrive_and_what_follows_is_no_second_start(engine: Engine, clock: Clock, told: Told) -> None:
    run = shop.at_once(True).start()
    engine.drive()
    told.connect()
    assert run.redrive()
    engine.drive()
    assert told.names == ["run_failed"]


def test_a_result_that_is_a_reference_is_told_as_what_it_is(engine: Engine, clock: Clock, told: Told) -> None:
    told.connect(signals.run_finished)
    shop.keeps(9000).start()
    drive(engine, clock)
    assert told.facts("run_finished")[0]["result"] == [9000] * 9000


def test_a_cancel_is_told_once_and_of_each_child(engine: Engine, clock: Clock, told: Told) -> None:
    told.connect(signals.run_started, signals.run_finished, signals.run_failed, signals.run_cancelled)
    run = shop.has_children().start()
    engine.drive()
    assert run.cancel()
    assert not run.cancel()
    assert told.all[-1] == ("run_cancelled", "told.has_children", {"run_id": run.id, "workflow": "told.has_children"})
    drive(engine, clock)
    assert [sender for name, sender, _ in told.all if name == "run_cancelled"] == [
        "told.has_children",
        "told.waits",
        "told.waits",
    ]
    assert told.names.count("run_started") == 4


def test_a_signal_is_told_after_the_commit_and_in_no_transaction(
    engine: Engine, clock: Clock, told: Told, db: psycopg.Connection[Any]
) -> None:
    """What another connection sees while a receiver runs."""
    seen: list[Any] = []

    def look(signal: signals.Signal, run_id: Any, **_: Any) -> None:
        run = db.execute("SELECT state FROM durableflow_core.run WHERE id = %s", (run_id,)).fetchone()
        step = db.execute(
            "SELECT state FROM durableflow_core.step WHERE run_id = %s ORDER BY rev DESC LIMIT 1", (run_id,)
        ).fetchone()
        open_ = db.execute(
            "SELECT count(*) FROM pg_stat_activity WHERE datname = current_database() AND pid <> pg_backend_pid()"
            " AND state LIKE 'idle in transaction%'"
        ).fetchone()
        seen.append((signal.name, *(run or ()), *(step or ()), *(open_ or ())))

    for each in signals.ALL:
        told.call(each, look)
    shop.tries(9).start()
    drive(engine, clock)
    shop.buys(1).start()
    engine.drive()
    shop.waits().start().cancel()
    assert list(dict.fromkeys(seen)) == [
        ("run_started", "running", "ready", 0),
        ("step_started", "running", "running", 0),
        ("step_retrying", "running", "ready", 0),
        ("step_failed", "running", "failed", 0),
        ("step_dead", "running", "failed", 0),
        ("run_failed", "failed", "failed", 0),
        ("step_succeeded", "succeeded", "succeeded", 0),
        ("run_finished", "succeeded", "succeeded", 0),
        ("run_cancelled", "cancelled", 0),
    ]


def test_messages_are_on_their_way_before_a_receiver_is_called(engine: Engine, clock: Clock, told: Told) -> None:
    run = shop.keeps(1).start()
    (message,) = engine.advance(run.id)
    engine.published.clear()
    told.call(signals.step_succeeded, lambda **_: sent.append(len(engine.published)))
    sent: list[int] = []
    engine.db.execute("UPDATE durableflow_core.step SET losses = 1")  # then the run has to look for itself
    engine.deliver(message)
    assert sent == [1]
    drive(engine, clock)


def test_a_fenced_attempt_tells_nothing_of_its_end(engine: Engine, told: Told, db: psycopg.Connection[Any]) -> None:
    told.connect()
    run = shop.buys(1).start()
    (message,) = engine.advance(run.id)
    taken = "UPDATE durableflow_core.step SET claim = gen_random_uuid()"
    told.call(signals.step_started, lambda **_: db.execute(taken))
    engine.deliver(message)
    assert told.names == ["run_started", "step_started"]


def test_a_stale_message_is_told_nothing_of(engine: Engine, told: Told) -> None:
    run = shop.waits().start()
    told.connect()
    engine.drive()
    before = list(told.names)
    engine.advance(run.id)
    assert told.names == before == ["run_started"]


def test_a_hard_time_limit_is_told_by_the_parent_process(engine: Engine, clock: Clock, told: Told) -> None:
    class Parent:
        """What a time limit needs of the sidecar."""

        worker_id = engine.worker_id
        tell = staticmethod(tell_at_once)

        def submit(self, job: Callable[[Any], None]) -> None:
            job(engine.db)

    told.connect()
    run = shop.tries(9).start()
    (message,) = engine.advance(run.id)
    parent: Any = Parent()
    for _ in range(3):
        clock.advance(30)
        assert claim(engine.db, StepId.parse(message.subject), uuid4(), boot=engine.boot, pid=77) is not None
        timeouts.report(engine.runtime, parent, 78, 11.0)  # another child's
        timeouts.report(engine.runtime, parent, 77, 11.0)
    assert told.names == ["run_started", "step_retrying", "step_retrying", "step_dead"]
    carries = signals.step_retrying.providing_args
    assert all(isinstance(facts["error"], StepTimedOut) for _, _, facts in told.all[1:])
    assert [facts["delay"] for facts in told.facts("step_retrying")] == [7.0, 14.0]
    assert told.facts("step_retrying")[0].keys() == carries
    assert told.facts("step_dead")[0].keys() == carries - {"delay"}
    assert engine.one("SELECT attempts FROM durableflow.dead_letters") == 3
    engine.drive()
    assert told.names[-1] == "run_failed"


def test_where_nobody_is_connected_nothing_is_read_for_a_signal(
    engine: Engine, clock: Clock, monkeypatch: pytest.MonkeyPatch
) -> None:
    def fail(*_: Any, **__: Any) -> Any:
        raise AssertionError("this is for receivers")

    for name in ("_of_step", "_tell_the_end"):
        monkeypatch.setattr(telling, name, fail)
    monkeypatch.setattr(signals.Signal, "send", fail)
    monkeypatch.setattr("durableflow.client.facade.state_of", fail)
    for call in (shop.tries(9), shop.buys(1)):
        call.start()
    shop.waits().start().cancel()
    drive(engine, clock)
    states = engine.db.execute("SELECT state FROM durableflow_core.run ORDER BY state").fetchall()
    assert states == [("cancelled",), ("failed",), ("succeeded",)]


def test_a_time_limit_that_is_over_in_a_receiver_is_the_attempts(
    engine: Engine, told: Told, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Celery's soft limit raises wherever the process happens to be; a receiver's errors are caught and logged."""

    def soft_limit(*_: Any) -> None:
        raise SoftTimeLimitExceeded

    heard: list[str] = []

    def receiver(**_: Any) -> None:
        signal.pthread_kill(threading.get_ident(), signal.SIGUSR1)  # a pool child has no other thread to take it
        heard.append("to its end")

    told.call(signals.step_started, receiver)
    told.connect(signals.step_failed)
    before = signal.signal(signal.SIGUSR1, soft_limit)
    try:
        run = shop.interrupts().start()
        engine.drive()
    finally:
        signal.signal(signal.SIGUSR1, before)
    assert heard == ["to its end"]
    assert isinstance(told.facts("step_failed")[0]["error"], StepTimedOut)
    with pytest.raises(RunFailed):
        run.result(timeout=1)


def test_a_completion_whose_reply_was_lost_is_told_once(
    engine: Engine, clock: Clock, told: Told, monkeypatch: pytest.MonkeyPatch
) -> None:
    told.connect()
    run = shop.keeps(1).start()
    (message,) = engine.advance(run.id)
    complete_alone = pipeline.complete_alone
    calls = []

    def lose_the_reply(conn: Any, *args: Any) -> Any:
        calls.append(complete_alone(conn, *args))
        raise psycopg.OperationalError("server closed the connection unexpectedly")

    monkeypatch.setattr(pipeline, "complete_alone", lose_the_reply)
    engine.deliver(message)
    drive(engine, clock)
    assert told.names.count("step_succeeded") == len(calls) == 1
    assert told.names[-1] == "run_finished"
