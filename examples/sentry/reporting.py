"""What Sentry is told, and with which tags.

Sentry's own integration with Celery goes on working beside this: a step is a task, so it reports the last error of one,
and drops it as a duplicate, because the receiver here was faster. It cannot know of steps whose process was killed, nor
of runs.
"""

from typing import Any

import sentry_sdk

from durableflow import signals


@signals.step_dead.connect
def report_step(sender: str, error: BaseException, run_id: Any, workflow: str, attempt: int, **_: Any) -> None:
    """A warning: the workflow may know what to do about it."""
    with sentry_sdk.new_scope() as scope:
        scope.set_level("warning")
        scope.set_tags({"step": sender, "workflow": workflow, "run_id": str(run_id), "attempt": attempt})
        sentry_sdk.capture_exception(error)


@signals.run_failed.connect
def report_run(sender: str, error: BaseException, run_id: Any, **_: Any) -> None:
    """An error: nobody has dealt with it. The tag leads to the steps of the run that are dead."""
    with sentry_sdk.new_scope() as scope:
        scope.set_tags({"workflow": sender, "run_id": str(run_id)})
        scope.fingerprint = ["run failed", sender, type(error).__name__]
        sentry_sdk.capture_exception(error)


@signals.worker_lost.connect
def report_worker(sender: str, pid: int, child: bool, **_: Any) -> None:
    """A message: what was at work there is at work elsewhere by now."""
    with sentry_sdk.new_scope() as scope:
        scope.set_tag("host", sender)
        scope.fingerprint = ["worker lost", sender]
        what = "a pool child" if child else "a worker"
        sentry_sdk.capture_message(f"{what} on {sender} is gone (process {pid})", level="warning")
