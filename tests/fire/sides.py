"""Who runs the canvas: Celery alone, as it comes or set for safety, and durableflow. And what came of it, by evidence.

*Lost* is not a matter of patience. It is said where no worker has anything, of any kind, no queue holds a message, and
the result is still not there: then nothing that exists can bring it. Where the only messages left are those that dead
workers had taken, the canvas is *stuck* until their visibility timeout is over, an hour by default.
"""

import json
import os
import socket
import subprocess
import sys
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any

from celery import Celery
from celery.states import EXCEPTION_STATES, READY_STATES

from tests.faults.journal import until
from tests.fire.stage import Stage
from tests.worker.workers import ROOT

PATIENCE = 90.0
"""Seconds in which a canvas comes to a verdict. Nothing is concluded from their passing."""


@dataclass(frozen=True)
class Outcome:
    """verdict: finished, failed, lost or stuck. repeated: how many bodies ran again that nobody had killed. evidence:
    what was seen."""

    verdict: str
    repeated: int
    evidence: str

    def __str__(self) -> str:
        return f"{self.verdict}, repeats" if self.repeated else self.verdict


@dataclass(frozen=True)
class CeleryAlone:
    """settings: what the application says beside its addresses."""

    name: str
    settings: Mapping[str, Any] = field(default_factory=dict)
    application: str = "tests.fire.app:app"
    durable: bool = False

    def play(self, stage: Stage, strike: Callable[[Stage], None]) -> Outcome:
        ids = self._start(stage)
        strike(stage)
        with Celery(broker=stage.redis.url, backend=stage.redis.url, set_as_current=False) as eyes:
            _wait_until_idle(stage, eyes)
            verdict, evidence = _judge(stage, [eyes.backend.get_task_meta(id, cache=False) for id in ids])
        return Outcome(verdict, sum(stage.repeated().values()), evidence)

    def _start(self, stage: Stage) -> list[str]:
        """Gives the ids of the results that the caller would wait for."""
        command = [sys.executable, "-m", "tests.fire.client", stage.canvas.name, str(stage.journal.directory)]
        done = subprocess.run(
            command, cwd=ROOT, env={**os.environ, **stage.env}, stdout=subprocess.PIPE, text=True, check=True
        )
        (own, _), members = json.loads(done.stdout)
        return [member for (member, _), _ in members] if members else [own]


def _judge(stage: Stage, metas: list[dict[str, Any]]) -> tuple[str, str]:
    """The verdict on a canvas when nobody does anything for it any more, with what speaks for it."""
    failed = [meta["result"] for meta in metas if meta["status"] in EXCEPTION_STATES]
    missing = [meta for meta in metas if meta["status"] not in READY_STATES]
    if failed:
        return "failed", f"{len(failed)} times: {failed[0]!r}"
    if missing and (taken := stage.redis.taken()):
        return "stuck", f"{len(missing)} results are missing; {len(taken)} messages wait for their visibility timeout"
    if missing:
        return "lost", f"{len(missing)} results are missing; there is no message, and no worker has anything"
    values = [meta["result"] for meta in metas]
    if stage.canvas.value not in (values, *values):
        return "wrong", repr(values)
    return "finished", "the right value"


def _wait_until_idle(stage: Stage, eyes: Celery) -> None:
    """Wait until there is nothing that could happen, seen twice in a row."""
    before: object = None

    def look() -> bool:
        nonlocal before
        last, before = before, _idle(stage, eyes)
        return before is not None and before == last

    until(look, "the workers to come to rest", PATIENCE)


def _idle(stage: Stage, eyes: Celery) -> object:
    """What there is while nobody has anything to do: the messages that were taken. None: somebody has."""
    workers = [f"{worker.log.stem}@{socket.gethostname()}" for worker in stage.alive()]
    taken = stage.redis.taken()
    with eyes.connection() as connection:  # a new one: Redis may have been another since
        inspect = eyes.control.inspect(destination=workers, limit=len(workers), timeout=3, connection=connection)
        for ask in (inspect.reserved, inspect.active, inspect.scheduled):
            replies = ask() or {}
            if len(replies) < len(workers) or any(replies.values()):
                return None
    if stage.redis.waiting() or (taken and stage.visibility_timeout < PATIENCE):
        return None
    return (len(workers), taken) if taken == stage.redis.taken() else None


Side = CeleryAlone

DEFAULTS = CeleryAlone("Celery, defaults")
CAREFUL = CeleryAlone(
    "Celery, acks_late",
    {"task_acks_late": True, "task_reject_on_worker_lost": True, "worker_prefetch_multiplier": 1},
)
SIDES = {side.name: side for side in (DEFAULTS, CAREFUL)}
