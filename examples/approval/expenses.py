"""An expense is approved by a person: reminders after 1, 3 and 7 days, then it goes to somebody else."""

from dataclasses import dataclass
from datetime import datetime, timedelta

from pydantic import BaseModel

from durableflow import DurableFlow, Retry, approval

df = DurableFlow("expenses")

REMINDERS = (1, 3, 7)
"""Days after which the manager is reminded."""

ESCALATION = 10
"""The day on which the director is asked instead."""


class Expense(BaseModel):
    """What somebody has spent; who decides about it; who does if that one does not."""

    purpose: str
    cents: int
    manager: str
    director: str


class Decision(BaseModel):
    """The form that is filled in; ``durableflow.inbox`` has it as a JSON schema."""

    granted: bool
    note: str = ""


@dataclass(frozen=True)
class Verdict:
    """What was decided, by whom, and when."""

    granted: bool
    note: str
    by: str | None
    at: datetime


@df.step(retry=Retry(max_attempts=5))
def write_to(person: str, subject: str) -> str:
    """Send a mail, with a link to the form."""
    return f"to {person}: {subject}"


@df.step(retry=Retry(max_attempts=5))
def pay(expense: Expense) -> int:
    """Pay the money back."""
    return expense.cents


@df.workflow
async def approve(expense: Expense, day: timedelta = timedelta(days=1)) -> Verdict:
    """Have an expense decided about, however long that takes. day: shorter than a day only to show it."""
    await write_to(expense.manager, f"please decide about {expense.purpose!r}")
    waited = 0
    for due in (*REMINDERS, ESCALATION):
        try:
            decision = await approval("decision", Decision, timeout=(due - waited) * day)
            break
        except TimeoutError:
            person = expense.manager if due in REMINDERS else expense.director
            await write_to(person, f"{expense.purpose!r} has waited for {due} days: please decide")
            waited = due
    else:
        decision = await approval("decision", Decision)
    if decision.form.granted:
        await pay(expense)
    return Verdict(decision.form.granted, decision.form.note, decision.by, decision.at)
