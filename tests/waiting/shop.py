"""Workflows that wait for everything that there is to wait for. Effects are noted in ``EFFECTS``, in this process."""

from collections.abc import Callable
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any

from pydantic import BaseModel

from durableflow import (
    Approved,
    DurableFlow,
    Retry,
    approval,
    begin,
    cancel,
    gather,
    later,
    race,
    receive,
    sleep,
    sleep_until,
    spawn,
    timeout,
)

df = DurableFlow("waits")
EFFECTS: list[Any] = []


class Approval(BaseModel):
    approved: bool
    amount: int = 0


@dataclass
class Note:
    text: str


@df.step
def add(a: int, b: int) -> int:
    EFFECTS.append(("add", a, b))
    return a + b


@df.step
def total(values: list[int]) -> int:
    EFFECTS.append(("total", len(values)))
    return sum(values)


@df.step
def fails(text: str) -> int:
    EFFECTS.append(("fails", text))
    raise ValueError(text)


@df.step(retry=Retry(max_attempts=2, backoff=10.0, jitter=False))
def fails_twice(text: str) -> int:
    EFFECTS.append(("fails_twice", text))
    raise ValueError(text)


DURING: list[Callable[[], None]] = []
"""What the step ``ask`` does while it runs."""


@df.step
def ask() -> str:
    while DURING:
        DURING.pop()()
    return "asked"


@df.workflow
async def asks() -> str:
    return await ask()


@df.workflow
async def race_with_a_question() -> Any:
    return await race(receive("number", int), ask())


# --- events


@df.workflow
async def one_event(seconds: float | None = None) -> Any:
    try:
        decision = await receive("approval", Approval, timeout=seconds)
    except TimeoutError as error:
        return f"too late: {error}"
    return decision


@df.workflow
async def events_in_order(count: int) -> list[int]:
    found = []
    for _ in range(count):
        found.append(await receive("number", int))  # noqa: PERF401 - an await cannot stand in a comprehension
    return found


@df.workflow
async def two_events_at_once() -> Any:
    return await gather(receive("number", int), receive("number", int), add(1, 2))


@df.workflow
async def signed() -> Approved[Approval]:
    return await approval("invoice", Approval)


@df.workflow
async def event_or_time(seconds: float) -> Any:
    return await race(receive("number", int), sleep(seconds))


@df.workflow
async def events_that_race(count: int, seconds: float) -> Any:
    found = []
    for _ in range(count):
        first = await race(receive("left", int), receive("right", int), sleep(seconds))
        found.append(first)
    return found


# --- races


@df.workflow
async def first_of_two() -> Any:
    return await race(add(1, 2), fails_twice("slow"))


@df.workflow
async def race_that_fails() -> Any:
    try:
        return await race(fails("first"), sleep(1000))
    except ValueError as error:
        return f"caught {error}"


# --- gather


@df.workflow
async def errors_as_results() -> Any:
    return [repr(each) for each in await gather(add(1, 2), fails("no"), add(3, 4), return_exceptions=True)]


@df.workflow
async def limited(count: int, limit: int) -> list[int]:
    return await gather(*(add(i, 1) for i in range(count)), limit=limit)


@df.workflow
async def limited_children(count: int, limit: int) -> list[int]:
    return await gather(*(child(i) for i in range(count)), limit=limit)


# --- children


@df.workflow
async def child(number: int) -> int:
    value = await add(number, 100)
    if number < 0:
        raise ValueError(f"negative: {number}")
    return value


@df.workflow
async def waiting_child() -> int:
    return await receive("go", int)


@df.workflow
async def parent(number: int) -> Any:
    try:
        return await child(number)
    except ValueError as error:
        return f"child failed: {error}"


@df.workflow
async def spawns(parent_ends: Any = "cancel", failure: Any = "keep", wait: bool = True) -> Any:
    handle = await spawn(waiting_child(), parent_ends=parent_ends, failure=failure)
    which, value = await race(receive("end", str), handle)
    if which == 1:
        return value
    return await handle if wait else value


@df.workflow
async def spawns_a_failure(failure: Any) -> Any:
    handle = await spawn(child(-1), failure=failure)
    await receive("go on", str)
    try:
        return await handle
    except ValueError as error:
        return f"caught {error}"


@df.workflow
async def spawns_and_returns() -> int:
    await spawn(waiting_child(), parent_ends="leave")
    return len(await gather(spawn(waiting_child()), spawn(waiting_child())))


# --- dataflow


@df.workflow
async def diamond(day: int) -> int:
    raw = add(day, 0)
    left = add(later(raw), 10)
    right = add(later(raw), 20)
    return await add(later(left), later(right))


@df.workflow
async def ladder(depth: int) -> int:
    calls = [add(0, 1)]
    for _ in range(depth):
        calls.append(add(later(calls[-1]), 1))
    return await calls[-1]


@df.workflow
async def wide(count: int) -> Any:
    parts = [add(i, 0) for i in range(count)]
    return await gather(total([later(part) for part in parts]), total(later(gather(*parts))))


@df.workflow
async def broken_flow() -> Any:
    raw = fails("raw")
    left, right = add(later(raw), 1), add(2, 3)
    return [repr(e) for e in await gather(add(later(left), 1), right, return_exceptions=True)]


@df.step
def node(*needed: int) -> int:
    return 1 + max(needed, default=0)


@df.workflow
async def graph(parents: list[list[int]]) -> int:
    calls = []
    for needed in parents:
        calls.append(node(*(later(calls[place]) for place in needed)))
    inner = {place for needed in parents for place in needed}
    return max(await gather(*(call for place, call in enumerate(calls) if place not in inner)))


# --- begun


@df.workflow
async def begun_and_awaited_later() -> Any:
    first = begin(add(1, 1))
    second = begin(add(2, 2))
    third = await add(3, 3)
    return [await second, await first, third, await second]


@df.workflow
async def begun_in_a_loop(count: int) -> list[int]:
    handles = []
    for number in range(count):
        handles.append(begin(add(number, number)))
        await sleep(1)
    return await gather(*handles)


@df.workflow
async def begun_and_cancelled() -> Any:
    handle = begin(sleep(10_000))
    await add(1, 1)
    cancel(handle)
    await add(2, 2)
    try:
        await handle
    except Exception as error:
        return type(error).__name__


@df.workflow
async def begun_and_forgotten() -> str:
    begin(fails_twice("nobody looks"))
    await add(1, 1)
    return "done"


BROKEN: set[str] = set()


@df.step
def fetch(name: str) -> str:
    if name in BROKEN:
        raise ConnectionError(f"{name} does not answer")
    return name


@df.step
def twice(text: str) -> str:
    return f"{text} {text}"


@df.workflow
async def begins_what_may_break() -> Any:
    supplier, number = begin(fetch("supplier")), begin(add(1, 2))
    await sleep(0)
    return [await supplier, await number]


@df.workflow
async def fails_beside_what_it_began() -> str:
    pause = begin(sleep(3600))
    found = await fetch("bank")
    await pause
    return found


@df.workflow
async def cancels_then_fails() -> str:
    pause = begin(sleep(3600))
    await add(1, 1)
    cancel(pause)
    return await fetch("bank")


@df.workflow
async def begins_a_flow() -> str:
    flow = begin(twice(later(fetch("raw"))))
    await add(1, 1)
    return await flow


# --- time


@df.workflow
async def until(moment: datetime) -> str:
    await sleep_until(moment)
    return "woken"


@df.workflow
async def with_a_deadline(seconds: float) -> Any:
    log: list[str] = []
    try:
        async with timeout(timedelta(seconds=seconds)) as deadline:
            await add(1, 1)
            try:
                await receive("never", str)
            finally:
                log.append(f"cleaned up {await add(2, 2)}")
    except TimeoutError:
        log.append(f"expired {deadline.expired()}")
    return log


@df.workflow
async def deadline_that_holds() -> Any:
    async with timeout(1000):
        first = await add(1, 1)
        second = await gather(add(2, 2), add(3, 3))
    return first, second, await add(4, 4)


# --- routines


@df.routine
async def countdown(number: int, log: list[int]) -> int:
    log.append(number)
    if number == 0:
        return await add(0, 1000)
    value = await countdown(number - 1, log)
    return await add(value, 1)


@df.workflow
async def calls_a_routine(number: int) -> Any:
    log: list[int] = []
    value = await countdown(number, log)
    return value, log


@df.routine
async def patient(seconds: float) -> str:
    try:
        await sleep(seconds)
    finally:
        await add(7, 7)
    return "slept"


@df.workflow
async def routine_in_a_deadline() -> Any:
    try:
        async with timeout(10):
            return await patient(100)
    except TimeoutError:
        return "too slow"


NOON = datetime(2030, 1, 1, 12, tzinfo=UTC)
