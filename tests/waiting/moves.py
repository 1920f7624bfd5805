"""What actors do (see ``interleavings``): the calls of the engine that a worker, a client or the leader makes."""

import os
from collections.abc import Callable
from contextlib import suppress
from typing import Any
from uuid import UUID, uuid4

import pytest
from celery.exceptions import Ignore, Retry

from durableflow import codec
from durableflow.store import event
from durableflow.store.cancel import cancel
from durableflow.store.claim import Claimed, claim
from durableflow.store.messages import ADVANCE, Message, StepId
from durableflow.worker import Runtime
from durableflow.worker.advance import advance
from durableflow.worker.attempt import Attempt
from tests.support.clock import Clock
from tests.support.engine import Engine
from tests.waiting.interleavings import Actor

Move = Callable[[Actor], Any]

DECIDES = ("SELECT rev, index", "left_behind AS", "INSERT INTO durableflow_core.checkpoint")
"""Where somebody who moves a run on can be overtaken: before the look, and before what is done about it."""


def looks(run_id: UUID) -> Move:
    """A worker gets the message that has it look at the run's wakes."""
    return lambda actor: advance(actor.runtime, run_id)


def sends(run_id: UUID, name: str, payload: Any, event_id: str | None = None) -> Move:
    """A client sends an event."""
    return lambda actor: event.send(
        actor.execute, run_id, name, codec.encode(payload), event_id=event_id, sent_by=None, publishes=True
    )


def cancels(run_id: UUID) -> Move:
    """A client cancels the run."""
    return lambda actor: cancel(actor.connection, run_id)  # type: ignore[arg-type]


def at_rest(engine: Engine, clock: Clock) -> None:
    """No message arrived that has a run looked at: the leader finds what there is to be found, and it is done."""
    engine.published[:] = [message for message in engine.published if message.task != ADVANCE]
    clock.advance(3)
    engine.drive()


def drive_watching(engine: Engine, look: Callable[[], int]) -> list[int]:
    """Do what there is to be done; gives what was seen after each message."""
    seen: list[int] = []
    deliver = engine.deliver

    def watched(message: Message) -> None:
        deliver(message)
        seen.append(look())

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(engine, "deliver", watched)
        engine.drive()
    return seen


def claimed(engine: Engine, run_id: UUID, rev: int, index: int) -> Claimed:
    """An attempt of a step that is ours now."""
    found = claim(engine.db, StepId(run_id, rev, index), uuid4(), boot=engine.boot, pid=os.getpid())
    assert found is not None, "the step cannot be claimed"
    return found


def claims(engine: Engine, run_id: UUID, rev: int, index: int) -> Move:
    """A worker gets the step's message. Gives the attempt, None where there is none to be had."""
    step = StepId(run_id, rev, index)
    return lambda actor: claim(actor.connection, step, uuid4(), boot=engine.boot, pid=os.getpid())  # type: ignore[arg-type]


def ends(attempt: Claimed) -> Move:
    """A worker runs the body of a step that it has claimed, and commits how it ended."""
    return lambda actor: end(actor.runtime, attempt)


def end(runtime: Runtime, attempt: Claimed) -> None:
    """Run the body, and commit how it ended."""
    task = runtime.app.tasks[attempt.name]
    ours = Attempt(runtime, task, attempt)
    ours.decode()
    args, kwargs = ours.arguments
    with suppress(Ignore, Retry, ValueError):  # what Celery is told of a failure
        ours.execute(task.run, tuple(args), kwargs)
