"""Workflows in which several things can happen at once."""

from typing import Any

from durableflow import begin, gather, later, race, receive, sleep, spawn, timeout
from tests.waiting.shop import EFFECTS, add, child, df, fails, total


@df.step
def used(value: Any) -> Any:
    """What follows: noted, so that it shows how often it was begun, and with what."""
    EFFECTS.append(("used", value))
    return value


@df.workflow
async def counts_events(count: int) -> int:
    found = 0
    for _ in range(count):
        found += await receive("number", int)
    return found


@df.workflow
async def step_then_event() -> Any:
    await add(1, 1)
    return await receive("number", int)


@df.workflow
async def event_until(seconds: float) -> Any:
    try:
        value = await receive("number", int, timeout=seconds)
    except TimeoutError:
        value = -1
    return await used(value)


@df.workflow
async def event_until_beside_a_step(seconds: float) -> Any:
    waited = receive("number", int, timeout=seconds)
    value, _ = await gather(waited, add(1, 1), return_exceptions=True)
    return await used(value if isinstance(value, int) else -1)


@df.workflow
async def awaits_what_was_begun() -> Any:
    handle = begin(add(1, 1))
    other = await add(3, 3)
    return [await handle, other]


@df.workflow
async def awaits_a_timer_that_was_begun() -> Any:
    handle = begin(sleep(60))
    await add(3, 3)
    await handle
    return "woken"


@df.workflow
async def awaits_a_child_that_was_spawned() -> Any:
    handle = await spawn(child(1))
    await add(3, 3)
    return await handle


@df.workflow
async def within_a_deadline(seconds: float) -> Any:
    try:
        async with timeout(seconds):
            value = await add(1, 1)
    except TimeoutError:
        value = -1
    return await used(value)


@df.workflow
async def two_awaits_within_a_deadline(seconds: float) -> Any:
    try:
        async with timeout(seconds):
            await add(1, 1)
            return await receive("never", int)
    except TimeoutError:
        return await used(-1)


@df.workflow
async def first_of_two_steps() -> Any:
    which, value = await race(add(0, 10), add(1, 20))
    return await used([which, value])


@df.workflow
async def child_beside_a_failure() -> Any:
    try:
        return await gather(child(1), fails("no"))
    except ValueError as error:
        return await used(str(error))


@df.workflow
async def sum_of(count: int) -> int:
    parts = [add(i, 1) for i in range(count)]
    return await total([later(part) for part in parts])


@df.workflow
async def two_levels() -> int:
    raw, other = add(1, 0), add(2, 0)
    left, right = add(later(raw), later(other)), add(later(other), later(raw))
    return await add(later(left), later(right))


@df.workflow
async def a_few_at_a_time(count: int, limit: int) -> Any:
    return await gather(*(add(i, 1) for i in range(count)), limit=limit)


@df.workflow
async def a_few_at_a_time_or_a_failure(limit: int) -> Any:
    try:
        return await gather(fails("no"), *(add(i, 1) for i in range(4)), limit=limit)
    except ValueError:
        return await used("failed")


@df.workflow
async def sleeps(count: int) -> int:
    return len(await gather(*(sleep(60) for _ in range(count))))


# --- what fails, and is mended

BROKEN: set[str] = set()


@df.step
def mended(name: str, *needs: Any) -> str:
    """Fails while its name is in BROKEN."""
    EFFECTS.append(name)
    if name in BROKEN:
        raise ValueError(name)
    return name


@df.workflow
async def graph_that_breaks() -> Any:
    raw = mended("raw")
    left, right = mended("left", later(raw)), mended("right", later(raw))
    return await mended("last", later(left), later(right))


@df.workflow
async def a_few_that_break(count: int, limit: int) -> Any:
    return await gather(*(mended(f"m{i}") for i in range(count)), limit=limit)


@df.workflow
async def child_that_breaks(name: str) -> Any:
    first = await mended(f"{name} begins")
    return [first, await mended(name)]


@df.workflow
async def parent_of(name: str) -> Any:
    return await child_that_breaks(name)


@df.workflow
async def patient_child() -> int:
    return await receive("go", int)


@df.workflow
async def child_beside_what_breaks() -> Any:
    return await gather(patient_child(), mended("beside"))


@df.workflow
async def a_few_children(count: int, limit: int) -> Any:
    return await gather(*(child_that_breaks(f"c{i}") for i in range(count)), limit=limit)


@df.workflow
async def children_of_which_some_break(count: int, limit: int) -> Any:
    found = await gather(*(child_that_breaks(f"c{i}") for i in range(count)), limit=limit, return_exceptions=True)
    for each in found:
        if isinstance(each, Exception):
            raise each
    return found


@df.workflow
async def spawns_what_breaks(name: str) -> Any:
    handle = await spawn(child_that_breaks(name))
    await add(1, 1)
    return await handle


@df.workflow
async def spawns_beside_what_breaks(parent_ends: Any = "cancel") -> Any:
    handle = await spawn(patient_child(), parent_ends=parent_ends)
    await mended("beside")
    return await handle


@df.workflow
async def begins_two_of_which_one_breaks() -> Any:
    return await gather(begin(mended("m0")), begin(mended("m1")))
