"""What goes wrong, as data: a name, the settings that it needs, and how it strikes."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any

from tests.faults.journal import until
from tests.fire.app import SWEEP
from tests.fire.stage import Stage


@dataclass(frozen=True)
class Fault:
    """name: of the column. strike: waits for the moment, and does it; afterwards nothing is held any more. early:
    whether it needs to stop at the early tasks, too. settings: of the application, on every side."""

    name: str
    strike: Callable[[Stage], None]
    early: bool = False
    settings: Mapping[str, Any] = field(default_factory=dict)


def _kill_worker(stage: Stage) -> None:
    stage.kill_worker(stage.at_work(stage.canvas.late, stage.canvas.at_work)[0])
    stage.journal.release(*stage.canvas.late)


def _kill_child(stage: Stage) -> None:
    stage.kill_child(stage.at_work(stage.canvas.late, stage.canvas.at_work)[0])
    stage.journal.release(*stage.canvas.late)


def _wipe(stage: Stage) -> None:
    with stage.between(stage.canvas.late, stage.canvas.at_work):
        stage.redis.wipe()


def _restart(stage: Stage) -> None:
    with stage.between(stage.canvas.late, stage.canvas.at_work):
        stage.redis.crash()


def _restore(stage: Stage) -> None:
    with stage.between(stage.canvas.early, 1):
        stage.redis.save()
    with stage.between(stage.canvas.late, stage.canvas.at_work):
        stage.redis.crash()


def _outlast(stage: Stage) -> None:
    """Tasks that take longer than the visibility timeout: until Redis has given every message that is taken again."""
    stage.at_work(stage.canvas.late, stage.canvas.at_work)
    takings = stage.redis.takings()
    until(lambda: not takings & stage.redis.takings(), "the visibility timeout")
    stage.journal.release(*stage.canvas.late)


_SHORT_VISIBILITY = {"broker_transport_options": {**SWEEP, "visibility_timeout": 3}}

FAULTS = {
    fault.name: fault
    for fault in (
        Fault("kill -9 of a worker", _kill_worker),
        Fault("kill -9 of a pool child", _kill_child),
        Fault("Redis wiped (FLUSHALL)", _wipe),
        Fault("Redis restarted, keeps nothing", _restart),
        Fault("Redis restarted from a snapshot", _restore, early=True),
        Fault("tasks outlast the visibility timeout", _outlast, settings=_SHORT_VISIBILITY),
    )
}
