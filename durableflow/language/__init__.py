"""What authors touch: steps, workflows, calls and what they wait for; and the pure turn between two awaits."""

from durableflow.language import storable as storable  # registers the stored forms
from durableflow.language.attempts import Attempt, Current, current, executing
from durableflow.language.begun import ChildHandle, Handle, begin, cancel, spawn
from durableflow.language.call import Call
from durableflow.language.compiled import Compiled
from durableflow.language.cron import Cron
from durableflow.language.deadline import Timeout, timeout, timeout_at
from durableflow.language.flowing import later
from durableflow.language.gathering import Gather, gather
from durableflow.language.handle import Owner, Run, Runs
from durableflow.language.options import Options
from durableflow.language.racing import Race, race
from durableflow.language.receiving import Approved, Receive, approval, receive
from durableflow.language.registry import Definition, Named, Registry
from durableflow.language.routine import Routine, RoutineCall
from durableflow.language.step import AsyncStep, Step
from durableflow.language.timer import Sleep, sleep, sleep_until
from durableflow.language.workflow import Workflow

__all__ = [
    "Approved",
    "AsyncStep",
    "Attempt",
    "Call",
    "ChildHandle",
    "Compiled",
    "Cron",
    "Current",
    "Definition",
    "Gather",
    "Handle",
    "Named",
    "Options",
    "Owner",
    "Race",
    "Receive",
    "Registry",
    "Routine",
    "RoutineCall",
    "Run",
    "Runs",
    "Sleep",
    "Step",
    "Timeout",
    "Workflow",
    "approval",
    "begin",
    "cancel",
    "current",
    "executing",
    "gather",
    "later",
    "race",
    "receive",
    "sleep",
    "sleep_until",
    "spawn",
    "timeout",
    "timeout_at",
]
