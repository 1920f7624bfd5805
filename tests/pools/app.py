"""The application that these workers run. What its steps did is in a journal outside of the database."""

import asyncio
import sys
import time
from contextlib import suppress
from typing import Any

from celery import signals
from celery.exceptions import SoftTimeLimitExceeded

from durableflow import DurableFlow, Retry, current, gather, receive, sleep
from tests.pools.book import Book

df = DurableFlow("pools")
app = df.celery

HARD_LIMIT = 2.0
"""Seconds. Celery's own option; the engine's lies ten seconds behind a step's timeout."""


@signals.worker_init.connect
def _limit(**_: Any) -> None:
    for step in (deaf, deaf_async):
        app.tasks[step.name].time_limit = HARD_LIMIT


class Broke(Exception):
    """What a step raises."""


@df.step
def add(x: int, y: int) -> int:
    return x + y


@df.step
async def double(x: int) -> int:
    await asyncio.sleep(0.001)
    return 2 * x


@df.step(retry=Retry(max_attempts=3, backoff=0.01))
def flaky(book: str) -> int:
    Book(book).work("flaky", {})
    if current.attempt < 3:
        raise Broke(current.attempt)
    return current.attempt


@df.step
def work(book: str, name: str) -> int:
    """Stays at work while the test holds it."""
    Book(book).work(name, {})
    return current.attempt


@df.step
def meet(book: str, number: int, count: int) -> tuple[str, int]:
    """Ends when so many are at work at the same time; says who it was all along."""
    me, journal = (current.step, current.idempotency_key), Book(book)
    journal.note("begins", f"meet{number}")
    while len(journal.lines(event="begins")) < count:
        time.sleep(0.01)
        assert me == (current.step, current.idempotency_key), "another step's context"
    return me[1], number


@df.step
async def meet_async(book: str, number: int, count: int) -> tuple[str, int]:
    me, journal = (current.step, current.idempotency_key), Book(book)
    journal.note("begins", f"meet{number}")
    while len(journal.lines(event="begins")) < count:
        await asyncio.sleep(0.01)
        assert me == (current.step, current.idempotency_key), "another step's context"
    return me[1], number


@df.step
async def leaves(how: str) -> None:
    """Ends as no body should."""
    if how == "exit":
        sys.exit(3)
    raise asyncio.CancelledError


@df.step
async def uses_its_loop() -> tuple[int, bool]:
    """What clients do: names are looked up in an executor, and the loop is the same next time."""
    loop = asyncio.get_running_loop()
    await loop.getaddrinfo("localhost", 80)
    await asyncio.to_thread(time.sleep, 0.01)
    add(1, 2).start()
    return id(loop), current.cancelled


@df.step(timeout=1.0)
def slow(seconds: float) -> str:
    time.sleep(seconds)
    return "in time"


@df.step(timeout=1.0)
async def slow_async(book: str, seconds: float) -> str:
    try:
        await asyncio.sleep(seconds)
    except BaseException as error:
        Book(book).note("ends", type(error).__name__)
        raise
    return "in time"


@df.step
def deaf() -> None:
    """Is ended by Celery's hard limit only, if at all."""
    until = time.monotonic() + 8
    while time.monotonic() < until:
        with suppress(SoftTimeLimitExceeded):
            time.sleep(0.1)


@df.step
async def deaf_async() -> None:
    until = time.monotonic() + 8
    while time.monotonic() < until:
        with suppress(SoftTimeLimitExceeded):
            await asyncio.sleep(0.1)


@df.step
def busy(seconds: float) -> int:
    """Computes, and lets nobody else of its thread have a turn."""
    until = time.monotonic() + seconds
    while time.monotonic() < until:
        sum(range(1000))
    return current.attempt


@df.step(timeout=1.0)
def busy_for_too_long() -> None:
    until = time.monotonic() + 8
    while time.monotonic() < until:
        sum(range(1000))


@df.workflow
async def linear(x: int) -> int:
    y = await add(x, 1)
    z = await double(y)
    return await add(z, 1)


@df.workflow
async def wide(count: int) -> list[int]:
    return await gather(*(add(n, n) for n in range(count)))


@df.workflow
async def retried(book: str) -> int:
    return await flaky(book)


@df.workflow
async def rests(seconds: float) -> int:
    x = await add(1, 1)
    await sleep(seconds)
    return await add(x, 1)


@df.workflow
async def asks() -> str:
    return await receive("answer", str)


@df.workflow
async def works(book: str) -> list[int]:
    return [await work(book, "first"), await work(book, "second")]


@df.workflow
async def meeting(book: str, count: int) -> list[tuple[str, int]]:
    return await gather(*(meet(book, number, count) for number in range(count)))


@df.workflow
async def meeting_async(book: str, count: int) -> list[tuple[str, int]]:
    return await gather(*(meet_async(book, number, count) for number in range(count)))
