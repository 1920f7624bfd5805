"""An application whose workers and runs the doctor looks at."""

import os

from durableflow import DurableFlow, receive

df = DurableFlow("clinic")
app = df.celery


@df.step
def charge(amount: int) -> int:
    if amount < 0:
        raise ValueError(amount)
    return amount


@df.step(queue=os.environ.get("DOCTOR_QUEUE", "clinic-special"))
def special(amount: int) -> int:
    return amount


@df.workflow
async def checkout(amount: int) -> int:
    return await charge(amount)


@df.workflow
async def patience(amount: int) -> int:
    await receive("paid", dict)
    return await special(amount)
