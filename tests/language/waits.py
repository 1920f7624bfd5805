"""Workflows about what can be awaited, begun, cancelled and limited in time; and what they must not do."""

import asyncio
from dataclasses import dataclass
from typing import Any

from durableflow import (
    DurableFlow,
    begin,
    cancel,
    gather,
    later,
    race,
    receive,
    sleep,
    spawn,
    timeout,
)
from durableflow.errors import StepCancelled

df = DurableFlow("waiting")
effects: list[Any] = []


@df.step
def add(a: Any, b: Any = 0) -> Any:
    effects.append((a, b))
    return a + b


@df.step
def same(value: Any) -> Any:
    return value


@dataclass
class Order:
    number: Any


@df.workflow
async def child(number: int) -> int:
    return await add(number, 100)


@df.routine
async def helper(number: int) -> int:
    return await add(number, 1)


# --- awaits that raise, or are over at once


@df.workflow
async def goes_on_after_a_refused_await() -> int:
    try:
        await gather(add(1, 1), helper(2))  # type: ignore[call-overload]
    except TypeError:
        effects.append("refused")
    return await add(5, 5)


@df.workflow
async def goes_on_after_a_refused_begin() -> int:
    first = add(1, 1)
    second = add(later(first), 1)
    first.args = (later(second), 1)
    try:
        begin(second)
    except TypeError as refused:
        effects.append(str(refused))
    return await add(5, 5)


@df.workflow
async def races_with_nothing() -> Any:
    return await race(sleep(1000), gather(), add(1, 1))


@df.workflow
async def races_with_a_spawn() -> Any:
    winner, handle = await race(spawn(child(3)), sleep(1000), add(9, 9))
    return winner, await handle


@df.workflow
async def gathers_spawns() -> Any:
    handles = await gather(spawn(child(1)), spawn(child(2)))
    return await gather(*handles, add(1, 1))


@df.workflow
async def gathers_a_spawn_and_a_step() -> Any:
    handle, value = await gather(spawn(child(1)), add(1, 1))
    return await handle, value


@df.workflow
async def a_spawn_waits() -> Any:
    wanted = [spawn(child(1), parent_ends="leave")]
    await add(1, 1)
    handle = await wanted[0]
    return await handle


@df.workflow
async def limits_nothing() -> Any:
    return await gather(limit=3)


@df.workflow
async def one_call_twice(limit: int | None) -> Any:
    call = add(1, 2)
    return await gather(call, call, call, limit=limit)


# --- later


@df.workflow
async def awaited_and_named() -> Any:
    call = add(1, 2)
    return await gather(call, add(later(call), 10), call)


@df.workflow
async def named_everywhere() -> Any:
    call = add(1, 2)
    return await same(value=[[later(call)], (later(call), {"k": later(call)})])


@df.workflow
async def named_across_an_await() -> Any:
    call = add(1, 2)
    then = add(later(call), 1)
    await add(0, 0)
    return await then


@df.workflow
async def misplaced_later(where: str) -> Any:
    call = add(1, 2)
    match where:
        case "dataclass":
            return await same(Order(later(call)))
        case "set":
            return await same({later(call)})
        case "key":
            return await same({later(call): 1})
        case "result":
            return later(call)
        case "workflow":
            return await child(later(call))
        case "deep in a workflow":
            return await child(Order(later(call)))  # type: ignore[arg-type]
        case "awaited":
            return await later(call)  # type: ignore[misc]


# --- begun, cancelled


@df.workflow
async def cancelled_before_it_began(across: bool) -> str:
    handle = begin(add(1, 1))
    cancel(handle)
    if across:
        await add(2, 2)
    try:
        await handle
    except StepCancelled as error:
        await add(3, 3)
        return str(error)
    return "not cancelled"


@df.workflow
async def cancelled_with_what_it_needs() -> Any:
    call = add(1, 2)
    handle = begin(add(later(call), later(call)))
    other = begin(add(5, 5))
    cancel(handle)
    found = await gather(handle, other, return_exceptions=True)
    cancel(handle)
    return [repr(each) for each in found]


@df.workflow
async def cancelled_and_awaited_at_once() -> str:
    handle = begin(sleep(1000))
    await add(1, 1)
    cancel(handle)
    try:
        await handle
    except StepCancelled as error:
        return str(error)
    return "not cancelled"


@df.workflow
async def a_child_cancelled_before_it_began() -> str:
    handle = begin(child(1))
    cancel(handle)
    try:
        await handle
    except StepCancelled:
        return "cancelled"
    return "not cancelled"


@df.workflow
async def handles_of_two_revs() -> Any:
    kept = {"first": begin(add(1, 1))}
    await add(2, 2)
    return await gather(kept["first"], add(3, 3), begin(add(4, 4)))


@df.workflow
async def handle_where_none_belongs(where: str) -> Any:
    handle = begin(add(1, 1))
    match where:
        case "argument":
            return await same(handle)
        case "list":
            return await same([handle])
        case "result":
            return {"handle": handle}
        case "child":
            return await child({"handle": handle})  # type: ignore[arg-type]


# --- routines where they do not belong, and calls that routines forget


@df.workflow
async def misplaced_routine(where: str) -> Any:
    match where:
        case "race":
            return await race(helper(1), sleep(1))
        case "begin":
            return begin(helper(1))  # type: ignore[call-overload]
        case "spawn":
            return await spawn(helper(1))  # type: ignore[arg-type]
        case "later":
            return await add(later(helper(1)))  # type: ignore[arg-type]
        case "argument":
            return await add(helper(1))
        case "list":
            call = helper(1)
            return await same([call]), call
        case "result":
            return helper(1)
        case "dropped":
            dropped = helper(1)  # noqa: F841
            return await add(1, 1)


@df.routine
async def makes_a_call(how: str) -> int:
    call = add(1, 1)
    if how == "raises":
        raise ValueError(how)
    return 1 if how == "forgets" else await call


@df.workflow
async def awaits_one_that_makes_a_call(how: str) -> Any:
    try:
        await makes_a_call(how)
    except ValueError:
        effects.append("caught")
    return await add(2, 2)


# --- deadlines


@df.workflow
async def outer_is_over_first() -> Any:
    log: list[Any] = []
    try:
        async with timeout(5) as outer:
            try:
                async with timeout(50) as inner:
                    await sleep(1000)
            except TimeoutError:
                log.append("wrong")
            finally:
                log.append((inner.expired(), outer.expired()))
    except TimeoutError as error:
        log.append(str(error))
    return log, inner.expired(), outer.expired()


@df.workflow
async def inner_is_over_first() -> Any:
    log: list[Any] = []
    try:
        async with timeout(50) as outer:
            try:
                async with timeout(5) as inner:
                    await sleep(1000)
            except TimeoutError as error:
                log.append(str(error))
            await sleep(1000)
    except TimeoutError as error:
        log.append(str(error))
    return log, inner.expired(), outer.expired()


@df.workflow
async def cleaning_up_takes_too_long() -> Any:
    log: list[str] = []
    try:
        async with timeout(10) as outer:
            try:
                async with timeout(5) as inner:
                    try:
                        await sleep(1000)
                    finally:
                        log.append("cleans up")
                        await sleep(100)
                        log.append("never")
            except TimeoutError:
                log.append("wrong")
    except TimeoutError as error:
        log.append(str(error))
    return log, inner.expired(), outer.expired()


@df.routine
async def deep(depth: int, log: list[Any]) -> None:
    try:
        async with timeout(100 + depth) as block:
            if depth:
                await deep(depth - 1, log)
            else:
                await sleep(1000)
    except asyncio.CancelledError:
        log.append((depth, block.expired(), await add(depth)))
        raise


@df.workflow
async def over_while_routines_are_awaited() -> Any:
    log: list[Any] = []
    try:
        async with timeout(5) as block:
            await deep(2, log)
    except TimeoutError as error:
        log.append(str(error))
    return log, block.expired()


@df.workflow
async def cancelled_error_in_its_place() -> Any:
    try:
        async with timeout(5):
            try:
                await sleep(1000)
            except asyncio.CancelledError:
                raise asyncio.CancelledError("another") from None
    except TimeoutError as error:
        return str(error), repr(error.__cause__)


@df.workflow
async def cancellation_is_swallowed() -> Any:
    async with timeout(5) as block:
        try:
            await sleep(1000)
        except asyncio.CancelledError:
            before = block.expired()
        await sleep(100)
    return before, block.expired()


@df.workflow
async def left_on_every_way(rounds: int) -> Any:
    for number in range(rounds):
        async with timeout(5):
            if number == 1:
                continue
            await add(number)
            if number == 2:
                break
    await sleep(100)
    async with timeout(5):
        return await add(number)


@df.workflow
async def entered_twice(seconds: float | None) -> str:
    block = timeout(seconds)
    async with block:
        await add(1, 1)
    try:
        async with block:
            await add(2, 2)
    except RuntimeError as error:
        return str(error)
    return "entered"


@df.workflow
async def no_time_at_all() -> str:
    try:
        async with timeout(0):
            await sleep(10)
    except TimeoutError as error:
        return str(error)
    return "in time"


@df.workflow
async def a_race_in_a_gather(seconds: float) -> Any:
    try:
        async with timeout(10):
            return await gather(race(add(1, 1), sleep(1000)), race(sleep(seconds), receive("never")))
    except TimeoutError as error:
        return str(error)


@df.workflow
async def cancels_itself(before: bool) -> None:
    if before:
        try:
            async with timeout(1):
                try:
                    await sleep(10)
                except asyncio.CancelledError as error:
                    kept = error
                    raise
        except TimeoutError:
            raise kept from None
    raise asyncio.CancelledError("its own")


# --- depth


@df.routine
async def endless(depth: int) -> int:
    return await endless(depth + 1)


@df.routine
async def down(depth: int, text: str) -> int:
    if depth == 0:
        return await add(0, 1)
    return 1 + await down(depth - 1, text)


@df.workflow
async def goes_down(depth: int) -> Any:
    return await down(depth, "x" * 100)


@df.workflow
async def goes_down_for_ever() -> Any:
    try:
        await endless(0)
    except RecursionError as error:
        return str(error), await add(1, 1)


@df.routine
async def nested(depth: int) -> Any:
    if depth == 0:
        return await add(0, 0)
    async with timeout(1000), timeout(1000), timeout(1000):
        return await nested(depth - 1)


@df.workflow
async def deep_in_deadlines(depth: int) -> Any:
    try:
        return await nested(depth)
    except RecursionError as error:
        return str(error)
