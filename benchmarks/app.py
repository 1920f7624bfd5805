"""The application that is measured: the same no-op once as a durable step and once as a plain Celery task."""

import os
import time
from datetime import datetime, timedelta

from celery import Celery

from durableflow import DurableFlow, gather, later, sleep_until

_BROKER = os.environ.get("DURABLEFLOW_BROKER_URL", "redis://127.0.0.1:6379/0")

# Celery's own canvas needs a result backend; it gets the quickest there is. durableflow does not use it.
celery = Celery("bench", broker=_BROKER, backend=_BROKER if _BROKER.startswith("redis") else "cache+memory://")
df = DurableFlow(celery)


@celery.task
def plain_noop(value: int) -> int:
    """Celery's no-op."""
    return value


@celery.task
def plain_total(values: list[int]) -> int:
    """The body of Celery's chord."""
    return sum(values)


@celery.task(ignore_result=True)
def quiet_noop(value: int) -> int:
    """One whose result nobody looks up in Celery's backend."""
    return value


@celery.task(ignore_result=True)
def quiet_total(values: list[int]) -> int:
    """The body of a chord, likewise."""
    return sum(values)


@celery.task(ignore_result=True)
def quiet_count(values: list[int]) -> int:
    """How many there were."""
    return len(values)


@df.step
def noop(value: int) -> int:
    """durableflow's no-op."""
    return value


@df.step
def clock(_number: int) -> float:
    """When the body of a run's first step began, by the machine's clock."""
    return time.time()


@df.step(timeout=timedelta(minutes=5))
def hold(path: str) -> float:
    """Note the beginning of each attempt; stay at work until another attempt has begun."""
    with open(path, "a", encoding="ascii") as beginnings:
        beginnings.write(f"{time.time()!r} {os.getpid()} {os.getppid()}\n")
    while True:
        with open(path, encoding="ascii") as beginnings:
            if len(beginnings.readlines()) > 1:
                return time.time()
        time.sleep(0.05)


@df.workflow
async def chain(steps: int) -> int:
    """One step after the other."""
    value = 0
    for _ in range(steps):
        value = await noop(value)
    return value


@df.workflow
async def fan_in(width: int) -> int:
    """Many steps at once, and their sum."""
    return sum(await gather(*(noop(number) for number in range(width))))


@df.step
def node(*needed: int) -> int:
    """A task of a graph: how many tasks stand on the longest way to it, with itself."""
    return 1 + max(needed, default=0)


@df.workflow
async def graph(parents: list[list[int]]) -> int:
    """A whole graph of tasks in one await; parents: of each task, by place, smaller than its own."""
    calls = []
    for needed in parents:
        calls.append(node(*(later(calls[place]) for place in needed)))
    inner = {place for needed in parents for place in needed}
    return max(await gather(*(call for place, call in enumerate(calls) if place not in inner)))


@df.workflow
async def first_step(number: int) -> float:
    """As little as a run can be."""
    return await clock(number)


@df.workflow
async def held(path: str) -> float:
    """A run whose worker gets killed."""
    return await hold(path)


@df.workflow
async def naps(count: int, moment: datetime) -> int:
    """Sleeps so many times at once."""
    return len(await gather(*(sleep_until(moment) for _ in range(count))))
