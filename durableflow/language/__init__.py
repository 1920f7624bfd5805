"""What authors touch: steps, workflows, calls, gather, sleep; and the pure turn that runs a workflow between awaits."""

from durableflow.language import storable as storable  # registers the stored forms
from durableflow.language.attempts import Attempt, Current, current, executing
from durableflow.language.call import Call
from durableflow.language.cron import Cron
from durableflow.language.gathering import Gather, gather
from durableflow.language.handle import Owner, Run, Runs
from durableflow.language.options import Options
from durableflow.language.registry import Definition, Registry
from durableflow.language.step import AsyncStep, Step
from durableflow.language.timer import Sleep, sleep
from durableflow.language.workflow import Workflow

__all__ = [
    "AsyncStep",
    "Attempt",
    "Call",
    "Cron",
    "Current",
    "Definition",
    "Gather",
    "Options",
    "Owner",
    "Registry",
    "Run",
    "Runs",
    "Sleep",
    "Step",
    "Workflow",
    "current",
    "executing",
    "gather",
    "sleep",
]
