"""The workload: a chain, a fan-out and its join, a retry, a sleep, a saga; and steps that are bad on purpose."""

import os
import signal
import time
from contextlib import suppress
from dataclasses import dataclass
from datetime import datetime, timedelta

from celery.exceptions import SoftTimeLimitExceeded

from durableflow import (
    DurableFlow,
    Retry,
    begin,
    current,
    gather,
    later,
    race,
    receive,
    sleep,
    sleep_until,
    spawn,
    timeout,
)
from tests.faults.journal import Journal

df = DurableFlow("faults")
app = df.celery


@dataclass(frozen=True)
class Made:
    """A step's value: who made it, in which attempt."""

    name: str
    nonce: str


class Unsteady(Exception):
    """Passes by itself."""


class Declined(Exception):
    """Does not."""


def _given(made: tuple[Made, ...]) -> dict[str, str]:
    return {one.name: one.nonce for one in made}


@df.step
def make(book: str, name: str, *given: Made) -> Made:
    return Made(name, Journal(book).work(name, _given(given)))


@df.step(retry=Retry(max_attempts=10, backoff=0.05))
def check(book: str, name: str, *given: Made) -> Made:
    """Fails at its first attempt."""
    nonce = Journal(book).work(name, _given(given))
    if current.attempt == 1:
        raise Unsteady(name)
    return Made(name, nonce)


@df.step
def charge(book: str, name: str, *given: Made) -> Made:
    """Is declined each time, and so has no effect."""
    Journal(book).work(name, _given(given), effect=False)
    raise Declined("no money")


@df.step
def poison(book: str) -> None:
    """Kills its worker, and the process that it runs in."""
    Journal(book).work("poison", {})
    os.kill(os.getppid(), signal.SIGKILL)
    os.kill(os.getpid(), signal.SIGKILL)


@df.step(timeout=0.5)
def deaf(book: str) -> None:
    """Does not heed the soft time limit."""
    Journal(book).work("deaf", {})
    while True:
        with suppress(SoftTimeLimitExceeded):
            time.sleep(60)


@df.step
def start_with_an_hour(moment: datetime) -> None:
    """Starts a run from within a worker."""
    naps(1, moment).start(deadline=timedelta(hours=1))


@df.workflow
async def order(book: str, width: int, nap: float) -> dict[str, str]:
    """Gives what it used of each step: name to nonce."""
    reserved = await make(book, "reserve")
    priced = await make(book, "price", reserved)
    packed = await gather(*(make(book, f"pack{n}", priced) for n in range(width)))
    checked = await check(book, "check", *packed)
    await sleep(nap)
    try:
        last = await charge(book, "charge", checked)
    except Declined:
        last = await make(book, "refund", checked)
    return {made.name: made.nonce for made in (reserved, priced, *packed, checked, last)}


@df.workflow
async def short(book: str) -> dict[str, str]:
    """One await of each kind that has statements of its own."""
    reserved = await make(book, "reserve")
    packed = await gather(make(book, "pack0", reserved), make(book, "pack1", reserved))
    last = await make(book, "ship", *packed)
    return {made.name: made.nonce for made in (reserved, *packed, last)}


@df.workflow
async def trying(book: str) -> dict[str, str]:
    """A retry, and an error that the workflow handles."""
    checked = await check(book, "check")
    try:
        await charge(book, "charge", checked)
    except Declined:
        return {"check": checked.nonce}
    raise AssertionError("was not declined")


@df.workflow
async def below(book: str, name: str, *given: Made) -> list[Made]:
    """A child."""
    first = await make(book, f"{name}-one", *given)
    return [first, await make(book, f"{name}-two", first)]


@df.workflow
async def everything(book: str, width: int) -> dict[str, str]:
    """All that a workflow can wait for, several of it at a time. It needs an event "word", and one "last"."""
    early = begin(make(book, "early"))
    beside = await spawn(below(book, "beside"))
    first = await make(book, "first")
    raw = make(book, "raw", first)
    left, right = make(book, "left", later(raw)), make(book, "right", later(raw))
    async with timeout(600):
        flow, packed, inner, word = await gather(
            gather(raw, left, right, make(book, "joined", later(left), later(right))),
            gather(*(make(book, f"pack{n}", first) for n in range(width)), limit=3),
            below(book, "inner", first),
            receive("word", str),
        )
        told = await make(book, f"told-{word}", *packed, *inner)
    _, won = await race(sleep(600), make(book, "won", told))
    await race(receive("last", str), sleep(600))
    try:
        await gather(charge(book, "charge", won), sleep(600))
    except Declined:
        await sleep(0)
    try:
        async with timeout(0.2):
            await receive("never", str)
    except TimeoutError:
        late = await check(book, "check", await early, won)
    return {
        made.name: made.nonce for made in (await early, *await beside, first, *flow, *packed, *inner, told, won, late)
    }


@df.workflow
async def briefly_everything(book: str) -> dict[str, str]:
    """The same, with as few steps as can be."""
    early = begin(make(book, "early"))
    raw = make(book, "raw")
    async with timeout(600):
        flow, inner, word = await gather(
            gather(raw, make(book, "joined", later(raw))), below(book, "inner"), receive("word", str)
        )
    _, won = await race(sleep(600), make(book, f"won-{word}", *inner))
    return {made.name: made.nonce for made in (await early, *flow, *inner, won)}


@df.workflow
async def single(book: str, name: str) -> dict[str, str]:
    made = await make(book, name)
    return {name: made.nonce}


@df.workflow
async def naps(count: int, moment: datetime) -> int:
    """Sleeps so many times at once."""
    if count == 1:
        await sleep_until(moment)
        return 1
    return len(await gather(*(sleep_until(moment) for _ in range(count))))


@df.workflow
async def starts(moment: datetime) -> None:
    await start_with_an_hour(moment)


@df.workflow
async def poisoned(book: str) -> None:
    await poison(book)


@df.workflow
async def unhearing(book: str) -> None:
    await deaf(book)


def names_of_everything(width: int, word: str) -> set[str]:
    """The steps of ``everything``, and of its children, that have a value."""
    children = {f"{name}-{which}" for name in ("beside", "inner") for which in ("one", "two")}
    packs = {f"pack{n}" for n in range(width)}
    return {"early", "first", "raw", "left", "right", "joined", f"told-{word}", "won", "check", *children, *packs}


def names_of_order(width: int) -> set[str]:
    """The steps of ``order`` that have a value."""
    return {"reserve", "price", *(f"pack{n}" for n in range(width)), "check", "refund"}
