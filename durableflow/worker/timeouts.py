"""The hard time limit: the parent process kills the child, and so has to record how the attempt ended."""

import logging
from typing import TYPE_CHECKING

from durableflow import signals
from durableflow.errors import CorruptValue, StepTimedOut, UnknownStep
from durableflow.language.options import NONE, Options, load
from durableflow.language.results import encode_failure
from durableflow.steward.telling import facts_of
from durableflow.store.attempts import Running, running
from durableflow.store.audit import own_claims
from durableflow.store.fail import fail_for_good, retry_later
from durableflow.store.messages import advance_message
from durableflow.store.release import Held
from durableflow.worker.verdict import judge

if TYPE_CHECKING:
    from durableflow.steward import Sidecar
    from durableflow.worker.connections import Connection
    from durableflow.worker.runtime import Runtime

_log = logging.getLogger(__name__)


def report(runtime: "Runtime", sidecar: "Sidecar", pid: int, seconds: float) -> None:
    """Have the steward's thread fail what the child had claimed; that, and not the step, which may run again by now."""

    def record(conn: "Connection") -> None:
        worker_id = sidecar.worker_id
        for claim in own_claims(conn, worker_id) if worker_id is not None else ():
            if claim.pid == pid and claim.token is not None:
                attempt = running(conn, claim.step, claim.token)
                if attempt is not None:
                    _fail(runtime, sidecar, conn, claim, attempt, seconds)

    sidecar.submit(record)


def _fail(
    runtime: "Runtime", sidecar: "Sidecar", conn: "Connection", claim: Held, attempt: Running, seconds: float
) -> None:
    if claim.token is None:
        return
    error = StepTimedOut(f"{attempt.name} ran longer than {seconds:g} s, its hard time limit: its process was killed")
    verdict = judge(error, _options(runtime, attempt), attempt.failures + 1, 0)
    stored = encode_failure(error)
    failed = None
    if verdict.delay is not None:
        failed = retry_later(conn, claim.step, claim.token, stored, traceback="", delay=verdict.delay)
    failed = failed or fail_for_good(conn, claim.step, claim.token, stored, traceback="")
    if failed is not None and failed.wakes:
        runtime.publisher.publish([advance_message(claim.step.run_id, attempt.run_queue, attempt.run_priority)])
    facts = {**facts_of(claim.step, attempt), "error": error, "traceback": ""}
    if failed is not None and not failed.final:
        sidecar.tell(signals.step_retrying, attempt.name, **facts, delay=verdict.delay)
    elif failed is not None and failed.wakes:
        sidecar.tell(signals.step_dead, attempt.name, **facts)


def _options(runtime: "Runtime", attempt: Running) -> Options:
    try:
        return load(attempt.options).over(runtime.registry.step(attempt.name).defaults)
    except (CorruptValue, UnknownStep) as error:
        _log.error("the options of %s are ignored: %s", attempt.name, error)
        return NONE
