"""The application of these tests."""

import os
from datetime import datetime

from pydantic import BaseModel, model_validator

from durableflow import Cron, DurableFlow

df = DurableFlow("clockwork")
app = df.celery


class Tick(BaseModel):
    """A type of the author's, that does not take every tick."""

    at: datetime

    @model_validator(mode="before")
    @classmethod
    def refuse(cls, value: object) -> object:
        raise ValueError("not on a Sunday")


@df.step
def write_down(what: str) -> None:
    with open(os.environ["JOURNAL"], "a") as file:
        file.write(f"{what}\n")


@df.workflow(schedule=Cron("0 3 * * *", tz="Europe/Lisbon"))
async def nightly(at: datetime) -> str:
    return at.isoformat()


@df.workflow(schedule=Cron("* * * * *"))
async def minutely() -> None:
    await write_down("minutely")


@df.workflow(schedule=[Cron("0 * * * *", catch_up="one"), Cron("30 6 * * 1", name="clockwork.mondays")])
async def hourly(dry: bool = False) -> None:
    return None


@df.workflow(schedule=Cron("0 * * * *", catch_up="all"))
async def every_hour(*, at: datetime) -> None:
    return None


@df.workflow(schedule=Cron("0 * * * *", catch_up="all", overlap="skip"))
async def alone() -> None:
    return None


@df.workflow(schedule=Cron("0 * * * *", catch_up="all", overlap="queue"))
async def in_line() -> None:
    return None


@df.workflow(schedule=Cron("0 * * * *"))
async def picky(tick: "Tick") -> None:
    return None


@df.workflow
async def by_hand() -> None:
    return None
