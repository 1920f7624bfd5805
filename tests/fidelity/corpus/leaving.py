"""``return``, ``break``, ``continue`` and exceptions on their way through ``finally`` and ``with``, with awaits there."""

from tests.fidelity.prelude import *


async def return_through_finally():
    try:
        return see(await num(1))
    finally:
        await num(2)
        handling()
        see("finally")


async def return_value_is_taken_before():
    a = 1
    xs = [1]
    try:
        return a, xs
    finally:
        a = await num(5)
        xs.append(a)


async def return_in_finally_replaces():
    try:
        return see(1)
    finally:
        return see(await num(2))


async def return_in_finally_swallows_the_error():
    try:
        await risky(0)
    finally:
        handling()
        await num(1)
        return see("swallowed")


async def return_through_three():
    try:
        try:
            try:
                return see(1)
            finally:
                await num(2)
        finally:
            see("middle")
    finally:
        await num(3)
        see("outer")


async def break_and_continue_through_finally():
    for i in range(5):
        try:
            if await num(i) == 2:
                continue
            if i == 3:
                break
            see(i)
        finally:
            await num(-i)
            see(("finally", i))
    else:
        see("else")
    return i


async def break_in_finally_swallows():
    for i in range(3):
        try:
            await risky(0)
        finally:
            await num(i)
            if i == 1:
                break
            continue
    handling()
    return i


async def continue_in_finally_replaces_return():
    n = 0
    while n < 3:
        n += 1
        try:
            return see(n)
        finally:
            if await num(n) and n < 3:
                continue
    return "end"


async def exception_in_finally_replaces():
    try:
        try:
            await risky(0)
        finally:
            await num(1)
            raise Bad("from finally")
    except Bad as error:
        see(error)
        await num(2)
        raise


async def exception_in_finally_after_return():
    try:
        try:
            return see(1)
        finally:
            await risky(1)
    except Bad as error:
        see(error)
        await num(2)
    return "went on"


async def awaited_error_in_finally():
    try:
        await risky(0)
    finally:
        await risky(5)


async def finally_sees_what_is_handled():
    try:
        await risky(0)
    except Oops:
        try:
            handling()
            await num(1)
        finally:
            handling()
            await num(2)
            handling()
        handling()
    try:
        try:
            await risky(1)
        finally:
            handling()
            await num(3)
            handling()
    except Bad:
        handling()
    handling()


async def return_in_handler_through_finally():
    try:
        await risky(0)
    except Oops as error:
        return see((await num(1), error.args))
    finally:
        handling()
        await num(2)
        handling()


async def raise_in_handler_through_finally():
    try:
        await risky(0)
    except Oops as error:
        await num(1)
        raise Bad(2) from error
    finally:
        handling()
        await num(3)
        handling()


async def else_through_finally():
    for i in (0, 1):
        try:
            await (risky(0) if i else num(1))
        except Oops:
            see("handler")
        else:
            await num(2)
            continue
        finally:
            await num(3)
            see(("finally", i))
        see("after")
    return "end"


async def nested_loops():
    found = []
    for i in range(3):
        for j in range(3):
            try:
                if await num(i) + j == 3:
                    break
                if j == 2:
                    continue
            finally:
                found.append((i, j))
                await num(j)
        else:
            found.append("inner else")
            continue
        found.append("broken")
        if i == 2:
            break
    else:
        found.append("outer else")
    return found


async def loop_else():
    for _ in await items(3):
        await num(1)
    else:
        see("for else")
    n = 0
    while n < 2:
        n += await num(1) * 0 + 1
    else:
        see("while else")
    for i in [1, 2]:
        if await num(i):
            break
    else:
        see("no")
    while True:
        if await flag(1) or n > 3:
            break
        n += 1
    else:
        see("no")
    return n, i


async def break_in_an_else_belongs_to_the_outer_loop():
    for i in range(3):
        for _ in range(2):
            await num(i)
        else:
            if i == 1:
                break
            continue
    else:
        see("no")
    return i


async def error_in_an_else_and_in_the_iterable():
    try:
        for _ in []:
            see("no")
        else:
            await risky(0)
    except Oops:
        see("caught")
    for _ in boom(await num(0) * 0):
        see("no")


async def with_inside_of_await():
    await num(1)
    with Guard("a") as a, Guard("b", True):
        see(a)
        raise Oops(1)
    handling()
    await num(2)
    with Guard("c"):
        return see(3)


async def with_in_a_loop():
    for i in range(4):
        await num(i)
        with Guard(i, i == 2):
            if i == 1:
                continue
            if i == 2:
                raise Oops(i)
            if i == 3:
                break
        see(i)
    return i


async def with_in_a_handler():
    try:
        await risky(0)
    except Oops:
        await num(1)
        with Guard("x"):
            handling()
            raise Bad(1)
    finally:
        await num(2)
        with Guard("y"):
            handling()


async def try_without_await_inside_of_finally():
    try:
        await num(1)
        return 1
    finally:
        try:
            raise Oops(1)
        except Oops:
            handling()
        handling()
        await num(2)


async def finally_of_a_native_try():
    await num(1)
    for i in range(3):
        try:
            if i == 1:
                continue
            if i == 2:
                return see(i)
        finally:
            see(("finally", i))
    await num(2)


async def return_of_nothing():
    if await flag(1):
        return
    await num(1)


async def falls_off_the_end():
    await num(1)


async def never_waits():
    return see(1)


async def code_after_a_return():
    return await num(1)
    await num(2)
    see("no")


async def infinite_loop_with_return():
    n = 0
    while True:
        n += 1
        if await num(n) and n > 3:
            return n


async def while_one_else():
    while 1:
        await num(1)
        break
    else:
        see("no")
    while 0:
        await num(2)
    else:
        see("else")
    if 0:
        await num(3)
    elif "":
        await num(4)
    return 1


async def deep_finally_in_finally():
    try:
        await risky(0)
    finally:
        try:
            await risky(1)
        except Bad as error:
            see(error)
            handling()
            await num(1)
        finally:
            handling()
            await num(2)
        handling()
        await num(3)


async def finally_runs_in_every_turn_of_a_loop():
    log = []
    for i in range(4):
        try:
            try:
                if i == 0:
                    continue
                if i == 1:
                    raise Oops(i)
                if i == 2:
                    await risky(1)
                if i == 3:
                    break
            finally:
                log.append(("inner", i, await num(i)))
        except Bad:
            log.append("Bad")
            await num(7)
        except Oops:
            log.append("Oops")
        finally:
            log.append(("outer", await num(i)))
    return log


async def return_waits_in_its_own_value():
    try:
        return see(1), await num(2), await risky(0)
    except Oops:
        return see(3), await num(4)
    finally:
        see(await num(5))
