"""The application whose signals are listened to."""

from typing import Any

from celery.exceptions import Ignore

from durableflow import DurableFlow, Retry, current, gather, receive, sleep, spawn

df = DurableFlow("told")


class Broke(Exception):
    """What a step raises."""


@df.step
def charge(cents: int) -> list[int]:
    return [cents] * cents


@df.step
def refuses() -> None:
    raise Ignore


@df.step(retry=Retry(max_attempts=3, backoff=7.0))
def flaky(succeeds_at: int) -> int:
    if current.attempt < succeeds_at:
        raise Broke(current.attempt)
    return current.attempt


@df.step
def interrupted() -> str:
    """A time limit would interrupt it."""
    return "not interrupted"


@df.workflow
async def buys(cents: int) -> int:
    return len(await charge(cents))


@df.workflow
async def keeps(cents: int) -> list[int]:
    """Its result is a large value, which was stored with the step."""
    paid = await charge(cents)
    await sleep(0)
    return paid


@df.workflow
async def at_once(fails: bool) -> str:
    if fails:
        raise Broke("at once")
    return "at once"


@df.workflow
async def tries(succeeds_at: int) -> int:
    return await flaky(succeeds_at)


@df.workflow
async def declines() -> None:
    await refuses()


@df.workflow
async def loses_patience() -> str:
    """The first error is raised at once; the sibling fails when nobody waits for it any more."""
    try:
        await gather(flaky(9), flaky(9))
    except Broke as error:
        await charge(1)
        return f"broke {error}"
    return "fine"


@df.workflow
async def interrupts() -> str:
    return await interrupted()


@df.workflow
async def waits() -> Any:
    return await receive("go")


@df.workflow
async def has_children() -> int:
    await spawn(waits())
    return int(await buys(2)) + len(str(await waits()))
