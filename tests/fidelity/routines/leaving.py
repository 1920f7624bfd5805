"""How routines are left: from loops, blocks, ``finally`` clauses; and how often they are entered."""

from tests.fidelity.prelude import *


async def _first_odd(xs):
    for x in xs:
        try:
            if await num(x) % 2:
                return x
        finally:
            see(x)
            await num(0)
    return None


async def _returns_in_finally(x):
    try:
        await risky(x)
    finally:
        await num(1)
        return "instead"


async def _guarded(name, trouble=""):
    async with Gate(name, trouble) as gate:
        see(gate)
        await num(1)
        return name


async def _inner(n):
    async with Gate(("in", n)):
        await risky(n)


async def _countdown(n):
    see(n)
    if n == 0:
        return await num(0)
    return 1 + await _countdown(n - 1)


async def _even(n):
    return True if n == 0 else await _odd(n - 1)


async def _odd(n):
    await num(n)
    return False if n == 0 else await _even(n - 1)


async def _fibonacci(n):
    if n < 2:
        return n
    return await _fibonacci(n - 1) + await _fibonacci(n - 2)


async def _tree(n, path):
    await num(n)
    if n:
        return [path, await _tree(n - 1, path + "l"), await _tree(n - 1, path + "r")]
    return path


async def _breaks(rounds):
    while True:
        async with Gate(rounds):
            rounds -= 1
            if rounds == 1:
                continue
            if rounds <= 0:
                break
            await num(rounds)
    else:
        see("never")
    return rounds


async def return_from_a_loop():
    return await _first_odd([2, 3, 4]), await _first_odd([]), await _first_odd([2])


async def return_in_a_finally():
    return await _returns_in_finally(0), await _returns_in_finally(2)


async def blocks_around_and_inside():
    async with Gate("out") as gate:
        a = await _guarded("a")
        async with Gate("more"):
            b = await _guarded("b")
    return a, b, gate


async def an_error_through_blocks():
    try:
        async with Gate("out"):
            await _inner(0)
    except Oops as error:
        await num(1)
        return error


async def blocks_that_make_trouble():
    found = []
    for trouble in ("enter", "exit", "cause", "again"):
        try:
            async with Gate("out"):
                found.append(await _guarded("g", trouble))
        except Exception as error:
            found.append(error)
    return found


async def an_error_through_blocks_that_make_trouble():
    found = []
    for trouble in ("", "exit", "cause", "again"):
        try:
            async with Gate("out", trouble):
                await _inner(0)
        except Exception as error:
            await num(1)
            found.append(error)
    return found


async def recursion():
    return await _countdown(5)


async def mutual_recursion():
    return await _even(5), await _odd(3)


async def recursion_without_an_await():
    return await _fibonacci(6)


async def a_tree():
    return await _tree(2, "")


async def loops_inside():
    return await _breaks(4)


async def a_loop_around():
    found = []
    for i in range(5):
        if i == 1:
            continue
        if await _first_odd([i, 3]):
            found.append(i)
        if i == 3:
            break
    else:
        see("else")
    return found


async def _itself(n):
    return n if n <= 0 else await itself(n - 2)


async def itself(n=5):
    await num(n)
    return [n, await _itself(n - 1)]


async def matched():
    match await _countdown(2):
        case 2 if await flag(1):
            return "two"
        case other:
            return await _countdown(other)
