"""What a check finds."""

from collections.abc import Callable, Iterable
from dataclasses import dataclass
from enum import StrEnum
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from durableflow.doctor.patient import Patient


class Severity(StrEnum):
    """danger: work is lost, stands still or is done twice, now or at the next accident; warning: it costs time, or will
    be a danger later; note: worth knowing."""

    DANGER = "danger"
    WARNING = "warning"
    NOTE = "note"


@dataclass(frozen=True, slots=True)
class Finding:
    """title: what is the case; meaning: what follows from it; mending: what to do, in words or as a command."""

    severity: Severity
    title: str
    meaning: str
    mending: str


def danger(title: str, meaning: str, mending: str) -> Finding:
    """A finding that is dangerous."""
    return Finding(Severity.DANGER, title, meaning, mending)


def warning(title: str, meaning: str, mending: str) -> Finding:
    """A finding that is no danger yet."""
    return Finding(Severity.WARNING, title, meaning, mending)


def note(title: str, meaning: str, mending: str) -> Finding:
    """A finding that is worth knowing."""
    return Finding(Severity.NOTE, title, meaning, mending)


def counted(count: int, one: str, more: str) -> str:
    """A number with its noun, and perhaps its verb, in the form that fits."""
    return f"{count} {one if count == 1 else more}"


class NotMade(Exception):
    """A check could not be made; the message says why."""


class DoesNotApply(Exception):
    """There is nothing to check: the application does not use what the check is about."""


@dataclass(frozen=True, slots=True)
class Check:
    """name: for programs, and in the documentation; question: what is looked at; look: gives what is wrong with it."""

    name: str
    question: str
    look: "Callable[[Patient], Iterable[Finding]]"
