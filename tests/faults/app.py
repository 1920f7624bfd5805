"""The workload: a chain, a fan-out and its join, a retry, a sleep, a saga; and steps that are bad on purpose."""

import os
import signal
import time
from contextlib import suppress
from dataclasses import dataclass

from celery.exceptions import SoftTimeLimitExceeded

from durableflow import DurableFlow, Retry, current, gather, sleep
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
async def single(book: str, name: str) -> dict[str, str]:
    made = await make(book, name)
    return {name: made.nonce}


@df.workflow
async def poisoned(book: str) -> None:
    await poison(book)


@df.workflow
async def unhearing(book: str) -> None:
    await deaf(book)


def names_of_order(width: int) -> set[str]:
    """The steps of ``order`` that have a value."""
    return {"reserve", "price", *(f"pack{n}" for n in range(width)), "check", "refund"}
