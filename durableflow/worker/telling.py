"""What a worker's processes tell of by signals (``durableflow.signals``): attempts, and how runs go on.

Called at the seams of the pipeline, after the commit and after the messages are on their way: nothing waits for a
receiver but the attempt's own process. Where nobody is connected this costs a look at an empty list. Nothing here
raises, apart from what ends the process anyway.
"""

import logging
from typing import Any
from uuid import UUID

from durableflow import codec, signals
from durableflow.language.results import described
from durableflow.language.turn import Fail, Finish
from durableflow.store.claim import Claimed
from durableflow.store.successor import Turn
from durableflow.worker.runtime import Runtime
from durableflow.worker.shield import put_off

_log = logging.getLogger("durableflow.signals")


def started(claimed: Claimed) -> None:
    """The body is about to run. A time limit that is over meanwhile is raised after this, and not in a receiver, which
    would swallow it."""
    if signals.step_started.receivers:
        with put_off():
            signals.step_started.send(claimed.name, **_of_step(claimed))


def succeeded(runtime: Runtime, claimed: Claimed, value: Any, turn: Turn | None) -> None:
    """The result is committed, and with it the run's next checkpoint. turn: what that is; None: it was not in it."""
    if signals.step_succeeded.receivers:
        signals.step_succeeded.send(claimed.name, **_of_step(claimed), result=value)
    if turn is not None:
        moved(runtime, claimed.step.run_id, claimed.workflow, turn)


def retrying(claimed: Claimed, error: BaseException, traceback: str, delay: float) -> None:
    """The attempt has failed, and another one is due in ``delay`` seconds."""
    if signals.step_retrying.receivers:
        signals.step_retrying.send(claimed.name, **_of_step(claimed), error=error, traceback=traceback, delay=delay)


def failed(claimed: Claimed, error: BaseException, traceback: str, *, awaited: bool) -> None:
    """The last attempt has failed. awaited: somebody waits for the step, which makes it a dead letter."""
    facts = {"error": error, "traceback": traceback}
    if signals.step_failed.receivers:
        signals.step_failed.send(claimed.name, **_of_step(claimed), **facts, awaited=awaited)
    if awaited and signals.step_dead.receivers:
        signals.step_dead.send(claimed.name, **_of_step(claimed), **facts)


def moved(runtime: Runtime, run_id: UUID, workflow: str, turn: Turn, *, first: bool = False) -> None:
    """The run has moved on to ``turn``. first: by its first turn."""
    if first and signals.run_started.receivers:
        signals.run_started.send(workflow, run_id=run_id, workflow=workflow)
    if isinstance(turn, Finish) and signals.run_finished.receivers:
        _tell_the_end(runtime, signals.run_finished, run_id, workflow, "result", turn.output)
    elif isinstance(turn, Fail) and signals.run_failed.receivers:
        _tell_the_end(runtime, signals.run_failed, run_id, workflow, "error", turn.error)


def cancelled(run_id: UUID, workflow: str) -> None:
    """The run was cancelled with its parent."""
    if signals.run_cancelled.receivers:
        signals.run_cancelled.send(workflow, run_id=run_id, workflow=workflow)


def _of_step(claimed: Claimed) -> dict[str, Any]:
    step = claimed.step
    return {
        "run_id": step.run_id,
        "workflow": claimed.workflow,
        "step": claimed.name,
        "rev": step.rev,
        "index": step.index,
        "attempt": claimed.attempt,
        "idempotency_key": claimed.idempotency_key,
    }


def _tell_the_end(
    runtime: Runtime, signal: signals.Signal, run_id: UUID, workflow: str, what: str, stored: codec.Encoded
) -> None:
    """The turn has the end in its stored form only, which may refer to large values that were stored before it."""
    try:
        end = codec.decode(stored.text, blobs=runtime.large_values(run_id, stored.text))
    except Exception as trouble:  # the database is away, or a class is not there any more
        _log.error(
            "%s is not told of run %s of %s: its %s: %s", signal.name, run_id, workflow, what, described(trouble)
        )
        return
    signal.send(workflow, run_id=run_id, workflow=workflow, **{what: end})
