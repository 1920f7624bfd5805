"""A loan: scored at once, and decided by a person where it is large. The workflow; nothing of FastAPI."""

from pydantic import BaseModel, Field

from durableflow import DurableFlow, approval

df = DurableFlow("loans")


class Application(BaseModel):
    """What is asked for."""

    name: str
    amount: int = Field(gt=0)


class Form(BaseModel):
    """What a person fills in."""

    granted: bool


class Decision(BaseModel):
    """What became of it."""

    granted: bool
    by: str


@df.step
def score(application: Application) -> int:
    """0 to 100; how, is the bank's secret."""
    return 90 if application.name == "ada" else 20


@df.workflow
async def loan(application: Application) -> Decision:
    """Decide about a loan."""
    points = await score(application)
    if application.amount <= 1000 or points < 50:
        return Decision(granted=points >= 50, by="the score")
    decision = await approval("decision", Form)
    return Decision(granted=decision.form.granted, by=decision.by or "somebody")
