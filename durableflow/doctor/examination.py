"""Make every check, one after the other."""

from collections.abc import Iterable
from contextlib import closing
from dataclasses import dataclass

from durableflow.app import DurableFlow
from durableflow.doctor.checks import CHECKS
from durableflow.doctor.finding import Check, DoesNotApply, Finding, NotMade, Severity
from durableflow.doctor.patience import PATIENCE
from durableflow.doctor.patient import Patient


@dataclass(frozen=True, slots=True)
class Checked:
    """What came of one check. findings: what is wrong, the worst first; not_made: why it could not be made; applies:
    False where the application does not use what the check is about."""

    name: str
    question: str
    findings: tuple[Finding, ...] = ()
    not_made: str | None = None
    applies: bool = True

    @property
    def state(self) -> str:
        """danger, warning, note, fine, not made, or does not apply."""
        if not self.applies:
            return "does not apply"
        if self.findings:
            return str(self.findings[0].severity)
        return "fine" if self.not_made is None else "not made"


@dataclass(frozen=True, slots=True)
class Examination:
    """What came of all checks, in their order."""

    checks: tuple[Checked, ...]

    @property
    def findings(self) -> list[Finding]:
        """What was found, the worst first."""
        return sorted((f for checked in self.checks for f in checked.findings), key=_rank)

    @property
    def dangerous(self) -> bool:
        """Whether anything is a danger."""
        return any(finding.severity is Severity.DANGER for finding in self.findings)

    def __getitem__(self, name: str) -> Checked:
        """What came of the check of that name."""
        return next(checked for checked in self.checks if checked.name == name)


def examine(flow: DurableFlow, *, checks: Iterable[Check] = CHECKS, patience: float = PATIENCE) -> Examination:
    """Examine an application, its database and its broker, and change nothing. It has an end whatever is the matter.

    checks: which ones to make, by default all; patience: seconds that a server may take for an answer.
    """
    with closing(Patient(flow, patience=patience)) as patient:
        return Examination(tuple(_made(check, patient) for check in checks))


def _made(check: Check, patient: Patient) -> Checked:
    found: list[Finding] = []
    reason = None
    try:
        found.extend(check.look(patient))  # what it finds before it has to stop counts
    except NotMade as why:
        reason = str(why)
    except DoesNotApply:
        return Checked(check.name, check.question, applies=False)
    return Checked(check.name, check.question, tuple(_worst_first(found)), reason)


def _worst_first(findings: Iterable[Finding]) -> list[Finding]:
    return sorted(findings, key=_rank)


def _rank(finding: Finding) -> int:
    return list(Severity).index(finding.severity)
