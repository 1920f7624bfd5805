"""Who runs the canvas: Celery alone, as it comes or set for safety, and durableflow. And what came of it, by evidence.

*Lost* is not a matter of patience. It is said where no worker has anything, of any kind, no queue holds a message, and
the result is still not there: then nothing that exists can bring it. Where messages are left that a worker had taken
and not acknowledged, they are made an hour older, which is Celery's visibility timeout: what comes of it
then is *late*.
"""

import socket
from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any
from uuid import UUID

import psycopg
from celery import Celery
from celery.states import EXCEPTION_STATES, READY_STATES

from durableflow import Run
from durableflow.client import Client
from durableflow.errors import RunFailed
from tests.faults.journal import until
from tests.fire.stage import Stage
from tests.support.invariants import violations

PATIENCE = 240.0
"""Seconds in which a canvas comes to a verdict. Nothing is concluded from their passing."""

AN_HOUR = 3600.0
"""Seconds until Redis gives a message again that was not acknowledged, by default."""


@dataclass(frozen=True)
class Outcome:
    """verdict: finished, late, failed, lost or wrong. repeated: how many bodies ran again that nobody had killed;
    evidence: what was seen."""

    verdict: str
    repeated: int
    evidence: str

    def __str__(self) -> str:
        return f"{self.verdict}, repeats" if self.repeated else self.verdict


@dataclass(frozen=True)
class CeleryAlone:
    """settings: what the application says beside its addresses. durable: whether there is a database."""

    name: str
    settings: Mapping[str, Any] = field(default_factory=dict)
    application: str = "tests.fire.app:app"
    durable: bool = False

    def play(self, stage: Stage, strike: Callable[[Stage], None]) -> Outcome:
        (own, _), members = stage.start()
        ids = [member for (member, _), _ in members] if members else [own]
        strike(stage)
        with Celery(broker=stage.redis.url, backend=stage.redis.url, set_as_current=False) as eyes:
            _wait_until_idle(stage, eyes)
            taken = stage.redis.taken()
            verdict, evidence = _judge(stage, eyes, ids)
            if verdict == "lost" and taken:
                stage.redis.let_pass(AN_HOUR)
                until(lambda: not taken & stage.redis.taken(), "the end of the visibility timeout")
                _wait_until_idle(stage, eyes)
                verdict, evidence = _judge(stage, eyes, ids)
                evidence += f", after {len(taken)} messages were given again when the hour was over"
                verdict = "late" if verdict == "finished" else verdict
        return Outcome(verdict, sum(stage.repeated().values()), evidence)


def _judge(stage: Stage, eyes: Celery, ids: Sequence[str]) -> tuple[str, str]:
    """The verdict on a canvas when nobody does anything for it any more, with what speaks for it."""
    metas = [eyes.backend.get_task_meta(result, cache=False) for result in ids]
    failed = [meta["result"] for meta in metas if meta["status"] in EXCEPTION_STATES]
    missing = [meta for meta in metas if meta["status"] not in READY_STATES]
    if failed:
        return "failed", f"{len(failed)} times {failed[0]!r}"
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
    if stage.redis.waiting() or (taken and stage.settings.get("broker_transport_options")):
        return None
    return (len(workers), taken) if taken == stage.redis.taken() else None


@dataclass(frozen=True)
class Durable:
    """The same application, adopted."""

    name: str = "durableflow"
    settings: Mapping[str, Any] = field(default_factory=dict)
    application: str = "tests.fire.immortal:app"
    durable: bool = True

    def play(self, stage: Stage, strike: Callable[[Stage], None]) -> Outcome:
        url = stage.fleet.site.database_url
        run: Run[Any] = Client("fire", database=url).run(UUID(stage.start()))
        strike(stage)
        try:
            value = run.result(timeout=PATIENCE)
        except RunFailed as error:
            return Outcome("failed", 0, repr(error.__cause__))
        except TimeoutError:
            waits = stage.fleet.one("SELECT waiting_for FROM durableflow.runs WHERE id = %s", run.id)
            return Outcome("lost", 0, f"after {PATIENCE:g} s it still waits for {waits}")
        finally:
            repeated = sum(stage.repeated().values())
        with psycopg.connect(url, autocommit=True) as conn:
            wrong = violations(conn, settled=False)
            names = Counter(name for (name,) in conn.execute(_RECORDED, (run.id,)))
        if value != stage.canvas.value or names != Counter(stage.canvas.names) or wrong:
            return Outcome("wrong", repeated, f"{value!r}; recorded: {names}; {wrong}")
        return Outcome("finished", repeated, "the right value, and each task is recorded once")


_RECORDED = """
SELECT input -> 'args' ->> -1 FROM durableflow.steps WHERE run_id = %s AND kind = 'task' AND state = 'succeeded'
"""

Side = CeleryAlone | Durable

DEFAULTS = CeleryAlone("Celery, defaults")
CAREFUL = CeleryAlone(
    "Celery, acks_late",
    {"task_acks_late": True, "task_reject_on_worker_lost": True, "worker_prefetch_multiplier": 1},
)
DURABLE = Durable()
SIDES = {side.name: side for side in (DEFAULTS, CAREFUL, DURABLE)}
