"""A bicycle workshop: what is to be done is data, and whatever is done may change what is still to do."""

from dataclasses import dataclass

from durableflow import DurableFlow, Step

df = DurableFlow("workshop")

MOST = 100
"""Actions of one plan: one that grows for ever is a mistake."""

CAUSES = {"squeaks": ["chain"], "does not stop": ["brake", "cable"], "is bent": ["frame"]}
IN_STOCK = {"chain", "brake"}


@dataclass(frozen=True)
class Action:
    """Something to do: the name of a step, and what it is about."""

    name: str
    about: str = ""


Plan = list[Action]


@df.step
def inspect(complaint: str, plan: Plan) -> Plan:
    """Look for the causes. Each one is repaired before all else; if one cannot be, the plan is given up."""
    causes = CAUSES[complaint]
    if "frame" in causes:
        return [Action("call", "it is not worth it")]
    return [*(Action("repair", cause) for cause in causes), *plan]


@df.step
def repair(part: str, plan: Plan) -> Plan:
    """Repair a part, or find that a new one is needed."""
    return plan if part in IN_STOCK else [Action("order", part), Action("mount", part), *plan]


@df.step
def order(part: str, plan: Plan) -> Plan:
    """Order a part."""
    return plan


@df.step
def mount(part: str, plan: Plan) -> Plan:
    """Mount a part that has come."""
    return plan


@df.step
def ride(complaint: str, plan: Plan) -> Plan:
    """A test ride. Whatever shows then is looked into, and ridden again."""
    return [Action("inspect", complaint), Action("ride"), *plan] if complaint else plan


@df.step
def call(message: str, plan: Plan) -> Plan:
    """Call the customer."""
    return plan


STEPS: dict[str, Step[[str, Plan], Plan]] = {
    "inspect": inspect,
    "repair": repair,
    "order": order,
    "mount": mount,
    "ride": ride,
    "call": call,
}


@df.workflow
async def work_off(plan: Plan) -> Plan:
    """Do what the plan says, first things first, until nothing is left of it. Gives what was done."""
    done: Plan = []
    while plan:
        if len(done) == MOST:
            raise RuntimeError(f"after {MOST} actions there is still to do: {plan[:3]}")
        action, *rest = plan
        plan = await STEPS[action.name](action.about, rest)
        done.append(action)
    return done
