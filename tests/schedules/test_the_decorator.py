"""A schedule is part of a workflow's definition; what cannot work is said when the decorator runs."""

import asyncio
from datetime import date, datetime

import pytest

from durableflow import Cron
from durableflow.client import Client
from durableflow.errors import DuplicateDefinition, WorkflowDefinitionError
from tests.schedules import clockwork


def test_schedules_are_named_as_the_workflow_then_by_number_or_by_their_own_name() -> None:
    df = Client("shop")
    crons = [Cron("0 3 * * *"), Cron("0 4 * * *", name="early"), Cron("0 5 * * *")]
    workflow = df.workflow(schedule=crons)(nothing)
    assert [entry.name for entry in workflow.schedules] == ["shop.nothing", "early", "shop.nothing#3"]


async def nothing() -> None:
    return None


async def optional(dry: bool = False, *rest: int, **more: int) -> None:
    return None


async def of_a_day(day: date) -> None:
    return None


async def untyped(tick) -> None:  # type: ignore[no-untyped-def]
    return None


async def two(at: datetime, order: int) -> None:
    return None


async def of_a_text(text: str) -> None:
    return None


@pytest.mark.parametrize("function", [nothing, optional, of_a_day, untyped])
def test_a_scheduled_workflow_takes_the_tick_or_nothing(function) -> None:  # type: ignore[no-untyped-def]
    assert Client("shop").workflow(schedule=Cron("0 3 * * *"))(function).schedules


@pytest.mark.parametrize(("function", "reason"), [(two, "needs at, order"), (of_a_text, "a datetime, and not a str")])
def test_one_that_needs_anything_else_is_refused(function, reason: str) -> None:  # type: ignore[no-untyped-def]
    with pytest.raises(WorkflowDefinitionError, match=reason):
        Client("shop").workflow(schedule=Cron("0 3 * * *"))(function)
    assert Client("shop").workflow()(function).schedules == ()


@pytest.mark.parametrize("given", ["0 3 * * *", ["0 3 * * *"]])
def test_what_is_no_cron_is_refused(given) -> None:  # type: ignore[no-untyped-def]
    with pytest.raises(TypeError, match=r"schedule= is a Cron\(...\)"):
        Client("shop").workflow(schedule=given)(nothing)


def test_a_name_belongs_to_one_schedule() -> None:
    df = Client("shop")
    with pytest.raises(WorkflowDefinitionError, match="two schedules that are named x"):
        df.workflow(schedule=[Cron("0 3 * * *", name="x"), Cron("0 4 * * *", name="x")])(nothing)
    df.workflow(schedule=Cron("0 3 * * *", name="x"))(nothing)
    with pytest.raises(DuplicateDefinition, match=r"shop.nothing and shop.optional both have a schedule named x"):
        df.workflow(schedule=Cron("0 3 * * *", name="x"))(optional)
    df.workflow(schedule=Cron("0 3 * * *", name="x"))(nothing)  # its module was loaded again


def test_a_scheduled_workflow_is_a_workflow_like_every_other() -> None:
    at = datetime(2031, 5, 13, 3)
    assert asyncio.run(clockwork.nightly.run(at)) == at.isoformat()
