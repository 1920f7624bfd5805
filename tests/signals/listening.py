"""The shop of the worker tests, with somebody who listens to everything and notes it down, one JSON object a line."""

import json
import os
from typing import Any

from celery import signals as celery_signals

from durableflow import signals
from tests.worker.shop import app as app

CELERYS = ("task_prerun", "task_postrun", "task_retry", "task_failure", "task_success", "task_revoked")


def note(**facts: Any) -> None:
    line = json.dumps(facts | {"by": os.getpid()}, default=str) + "\n"
    with open(os.environ["JOURNAL"] + ".told", "ab", buffering=0) as file:
        file.write(line.encode())


def told(signal: signals.Signal, sender: str, **facts: Any) -> None:
    if "error" in facts:
        facts["error"] = type(facts["error"]).__name__
    note(signal=signal.name, sender=sender, **facts)


def celery_told(signal: Any, sender: Any, **facts: Any) -> None:
    real = sender is app.tasks.get(sender.name)
    kept = {name: value for name, value in facts.items() if name in ("args", "state", "retval", "result", "terminated")}
    error = facts.get("exception") or getattr(facts.get("reason"), "exc", None)
    task_id = facts.get("task_id") or getattr(facts.get("request") or sender.request, "id", None)
    note(signal=signal.name, sender=sender.name, real=real, id=task_id, error=type(error).__name__, **kept)


for each in signals.ALL:
    each.connect(told)
for name in CELERYS:
    getattr(celery_signals, name).connect(celery_told)
