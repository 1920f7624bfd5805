"""Durable workflows in plain Python: a state machine in PostgreSQL, steps on Celery.

Names are imported when they are first used, so that ``import durableflow`` costs nothing, and so that the pure packages
can be used without a Celery or a database driver.
"""

import importlib
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from durableflow.app import DurableFlow, durable
    from durableflow.client import Schedule, result_of, started
    from durableflow.config import Settings
    from durableflow.errors import DurableFlowError
    from durableflow.language import (
        Approved,
        Call,
        Cron,
        Gather,
        Handle,
        Run,
        Step,
        Workflow,
        approval,
        begin,
        cancel,
        current,
        gather,
        later,
        race,
        receive,
        sleep,
        sleep_until,
        spawn,
        timeout,
        timeout_at,
    )
    from durableflow.retry import Retry

__version__ = "0.1.0"

__all__ = [
    "Approved",
    "Call",
    "Cron",
    "DurableFlow",
    "DurableFlowError",
    "Gather",
    "Handle",
    "Retry",
    "Run",
    "Schedule",
    "Settings",
    "Step",
    "Workflow",
    "approval",
    "begin",
    "cancel",
    "current",
    "durable",
    "gather",
    "later",
    "race",
    "receive",
    "result_of",
    "sleep",
    "sleep_until",
    "spawn",
    "started",
    "timeout",
    "timeout_at",
]

_HOMES = {
    "DurableFlow": "durableflow.app",
    "DurableFlowError": "durableflow.errors",
    "durable": "durableflow.app",
    "Retry": "durableflow.retry",
    "Schedule": "durableflow.client",
    "Settings": "durableflow.config",
    "result_of": "durableflow.client",
    "started": "durableflow.client",
}


if not TYPE_CHECKING:  # with it, a type checker would take every name for granted, as Any

    def __getattr__(name: str) -> Any:
        if name not in __all__:
            raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
        value = getattr(importlib.import_module(_HOMES.get(name, "durableflow.language")), name)
        globals()[name] = value
        return value


def __dir__() -> list[str]:
    return sorted({*globals(), *__all__})
