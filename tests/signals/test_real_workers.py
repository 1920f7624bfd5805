"""In which process a signal is told; and that Celery's own are told as ever, of steps as of any task."""

import json
import socket
import time
from collections.abc import Callable
from typing import Any

import psycopg
import pytest

from durableflow import DurableFlow, Run
from tests.worker import shop
from tests.worker.conftest import Journal
from tests.worker.workers import PATIENCE, Worker

Start = Callable[..., Worker]

COMMAND = ("celery", "-A", "tests.signals.listening:app", "worker")


class Heard:
    """What the workers' receivers have noted."""

    def __init__(self, journal: Journal) -> None:
        self._path = journal.path.with_name(journal.path.name + ".told")

    def all(self, signal: str = "", **facts: Any) -> list[dict[str, Any]]:
        """Those of a signal, or of all of them, that carried these facts."""
        lines = self._path.read_text().splitlines() if self._path.exists() else []
        notes: list[dict[str, Any]] = [json.loads(line) for line in lines]
        return [note for note in notes if signal in ("", note["signal"]) and facts.items() <= note.items()]

    def wait_for(self, signal: str, **facts: Any) -> dict[str, Any]:
        """Wait for the first one."""
        deadline = time.monotonic() + PATIENCE
        while not (found := self.all(signal, **facts)):
            assert time.monotonic() < deadline, f"no {signal} with {facts} in {self.all()}"
            time.sleep(0.05)
        return found[0]

    def names(self, run: Run[Any]) -> list[str]:
        """What was told of a run, in its order."""
        return [note["signal"] for note in self.all(run_id=str(run.id))]


@pytest.fixture
def heard(journal: Journal) -> Heard:
    return Heard(journal)


def ended(run: Run[Any]) -> str:
    """The run's state, once it has ended."""
    deadline = time.monotonic() + 2 * PATIENCE
    while (state := run.state) == "running":
        assert time.monotonic() < deadline, f"{run.id} is still running"
        time.sleep(0.05)
    return state


def test_of_a_prefork_worker_children_tell_of_attempts_and_the_parent_of_their_deaths(
    df: DurableFlow,
    start_worker: Start,
    journal: Journal,
    heard: Heard,
    intact: Any,
) -> None:
    worker = start_worker("-c", "3", command=COMMAND, more={"DURABLEFLOW_MAX_LOSSES": "2"})
    stubborn = shop.stubborn().start()
    fine, retried, poison, held = (
        shop.chain(1).start(),
        shop.retrying(9).start(),
        shop.dying(99).start(),
        shop.waiting("go").start(),
    )
    assert [ended(run) for run in (fine, retried, poison)] == ["succeeded", "failed", "failed"]

    begin, end = ["run_started", "step_started"], ["step_succeeded", "run_finished"]
    assert heard.names(fine) == [*begin, *end]
    again = ["step_retrying", "step_started"]
    heard.wait_for("run_failed", run_id=str(retried.id))
    assert heard.names(retried) == [*begin, *again, *again, "step_failed", "step_dead", "run_failed"]
    children = {note["by"] for note in [*heard.all(run_id=str(fine.id)), *heard.all(run_id=str(retried.id))]}
    assert worker.pid not in children

    # Nobody but the parent can tell of a child that was killed; nor, then, that its step is dead.
    dead = heard.wait_for("step_dead", run_id=str(poison.id))
    heard.wait_for("run_failed", run_id=str(poison.id))
    assert (dead["sender"], dead["error"], dead["attempt"], dead["by"]) == ("shop.deadly", "StepLost", 2, worker.pid)
    names = heard.names(poison)
    assert sorted(names) == sorted([*begin, "step_started", "step_dead", "run_failed"])
    lost = heard.all("worker_lost")
    started = {note["by"] for note in heard.all("step_started", run_id=str(poison.id))}
    assert {note["pid"] for note in lost} == started
    for note in lost:
        assert (note["sender"], note["child"], note["by"]) == (socket.gethostname(), True, worker.pid)

    # A hard time limit as well.
    assert ended(stubborn) == "failed"
    dead = heard.wait_for("step_dead", run_id=str(stubborn.id))
    assert (dead["sender"], dead["error"], dead["by"]) == ("shop.deaf", "StepTimedOut", worker.pid)
    assert "step_failed" not in heard.names(stubborn)
    assert len(heard.all("worker_lost")) == 2  # it was no loss
    journal.release("go")
    assert held.result(timeout=30) == ["go", "go"]
    assert worker.stop() == 0
    assert intact()


def test_celerys_signals_are_told_of_steps_with_the_task_as_sender(
    df: DurableFlow,
    start_worker: Start,
    journal: Journal,
    heard: Heard,
    intact: Any,
    db: psycopg.Connection[Any],
) -> None:
    worker = start_worker("-c", "1", command=COMMAND)
    fine, retried = shop.chain(1).start(), shop.retrying(9).start()
    assert [ended(run) for run in (fine, retried)] == ["succeeded", "failed"]
    heard.wait_for("run_failed", run_id=str(retried.id))
    of_fine = [note for note in heard.all() if note["sender"] == "shop.add" and "real" in note]
    assert [(note["signal"], note["id"]) for note in of_fine] == [
        (name, f"{fine.id}:1:0") for name in ("task_prerun", "task_success", "task_postrun")
    ]
    assert (of_fine[0]["args"], of_fine[1]["result"], of_fine[2]["state"]) == ([0], 1, "SUCCESS")
    of_retried = [note for note in heard.all() if note["sender"] == "shop.flaky" and "real" in note]
    assert [note["signal"] for note in of_retried] == [
        *["task_prerun", "task_retry", "task_postrun"] * 2,
        *["task_prerun", "task_failure", "task_postrun"],
    ]
    assert {note["error"] for note in of_retried} == {"NoneType", "Broke"}
    assert all(note["real"] for note in [*of_fine, *of_retried])

    # What is revoked is not what the run waits for, but one message: another one is sent.
    held = shop.waiting("go").start()
    journal.wait_for("held(go)")
    df.celery.control.revoke(f"{held.id}:1:0:1", terminate=True)
    revoked = heard.wait_for("task_revoked")
    assert (revoked["sender"], revoked["real"], revoked["terminated"]) == ("shop.held", True, True)
    assert revoked["by"] == worker.pid
    journal.wait_for("held(go)", 2)
    heard.wait_for("worker_lost", child=True)
    journal.release("go")
    assert held.result(timeout=30) == ["go", "go"]
    assert intact()


def test_a_killed_worker_is_told_by_the_one_that_leads(
    df: DurableFlow,
    start_worker: Start,
    journal: Journal,
    heard: Heard,
    intact: Any,
) -> None:
    first = start_worker("-c", "1", command=COMMAND)
    run = shop.waiting("go").start()
    journal.wait_for("held(go)")
    second = start_worker("-c", "1", command=COMMAND)
    first.kill()
    lost = heard.wait_for("worker_lost")
    assert (lost["sender"], lost["pid"], lost["child"], lost["by"]) == (
        socket.gethostname(), first.pid, False, second.pid,
    )  # fmt: skip
    journal.release("go")
    assert run.result(timeout=30) == ["go", "go"]
    assert len(heard.all("worker_lost")) == 1
    assert [note["attempt"] for note in heard.all("step_started", rev=1)] == [1, 2]
    assert [note["attempt"] for note in heard.all("step_succeeded", rev=1)] == [2]
    assert intact()


@pytest.mark.parametrize("options", [("-P", "threads", "-c", "2"), ("-P", "solo")])
def test_with_threads_and_solo_everything_is_told_in_the_one_process(
    df: DurableFlow,
    start_worker: Start,
    heard: Heard,
    intact: Any,
    options: Any,
) -> None:
    worker = start_worker(*options, command=COMMAND)
    run = shop.forgiving(9).start()
    assert run.result(timeout=30) == "broke 3"
    heard.wait_for("run_finished")
    again = ["step_retrying", "step_started"]
    assert heard.names(run) == [
        "run_started", "step_started", *again, *again, "step_failed", "step_dead", "run_finished",
    ]  # fmt: skip
    assert {note["by"] for note in heard.all()} == {worker.pid}
    assert {note["signal"] for note in heard.all(sender="shop.flaky") if "real" in note} == {
        "task_prerun", "task_retry", "task_failure", "task_postrun",
    }  # fmt: skip
    assert intact()
