"""Local functions that a caller hands to a routine, and the variables that both see."""

from tests.fidelity.prelude import *


async def _apply(function, *args):
    await num(1)
    got = function(*args)
    await num(2)
    return got


async def _often(function, times):
    for i in range(times):
        function(await num(i))
    return function


async def _own(start):
    total = start

    def add(n):
        nonlocal total
        total += n
        return total

    await num(1)
    await _apply(add, 1)
    total *= 10
    await _often(add, 2)
    return total


async def _sets(cell_set, cell_get):
    before = cell_get()
    await num(1)
    cell_set(before + 1)
    await num(2)
    return cell_get()


async def _wrap(function):
    outer = [0]

    def wrapped(x):
        outer[0] += 1
        return function(x), outer[0]

    first = await _apply(wrapped, 1)
    return first, await _apply(wrapped, 2)


async def _recursive(function, depth):
    def mine(x):
        return function(x + depth)

    await num(depth)
    if depth:
        return await _recursive(mine, depth - 1)
    return mine(0)


async def nonlocal_of_the_caller():
    total = 0

    def add(n):
        nonlocal total
        total += n

    await _apply(add, 5)
    see(total)
    total += 1
    await _often(add, 3)
    return total


async def not_live_in_the_caller_any_more():
    total = 0

    def add(n):
        nonlocal total
        total += n

    await _often(add, 2)
    return total


async def a_lambda_that_is_nowhere_else():
    total = []
    await _often(lambda n: total.append(n), 2)
    return total


async def the_caller_rebinds_while_nobody_looks():
    x = 1
    read = lambda: x
    a = await _apply(read)
    x = 2
    b = await _apply(read)
    return a, b


async def two_functions_one_cell():
    value = 1

    def put(v):
        nonlocal value
        value = v

    got = await _sets(put, lambda: value)
    value += 10
    return got, value, await _sets(put, lambda: value)


async def the_routines_own_closures():
    return await _own(1), await _own(2)


async def closures_around_closures():
    seen = []

    def note(x):
        seen.append(x)
        return len(seen)

    return await _wrap(note), seen


async def closures_of_every_frame():
    return await _recursive(lambda x: x * 2, 3)


async def a_function_comes_back():
    xs = []
    append = await _often(xs.append, 2)
    append("x")
    await num(1)
    return xs


async def defaults_and_attributes():
    def function(x, y=await num(3), *, z=[]):
        z.append(x)
        return x, y, z

    function.mark = "m"
    a = await _apply(function, 1)
    b = await _apply(function, 2)
    return a, b, function.mark


async def a_generator_expression_consumed_there():
    xs = [1, 2, 3]
    return await _apply(sum, [x * 2 for x in xs]), await _apply(sorted, (x for x in ()) and [])


async def methods():
    box = Box(1, [1, 2])
    return await _apply(box.grown, 3), await _apply("a-b".split, "-"), await _apply(str.upper, "x")


async def deleted_meanwhile():
    x = 1

    def drop():
        nonlocal x
        del x

    await _apply(drop)
    try:
        return x
    except UnboundLocalError as error:
        return str(error)
    except NameError as error:
        return "name", str(error)
