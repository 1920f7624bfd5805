"""Values between caller and routine: arguments, results, defaults, keywords, and calls that are made here and awaited
there."""

from tests.fidelity.prelude import *


async def _twice(x):
    a = await num(x)
    b = await num(a)
    return a + b


async def _collect(first, *rest, last=3, **more):
    see((first, rest, last, more))
    n = await num(first)
    return [first, rest, last, more, n]


async def _nothing():
    await num(1)


async def _no_await(x):
    see(x)
    return x * 2


async def _awaits(what):
    see("before")
    got = await what
    see(got)
    return got


async def _awaits_twice(what):
    return [await what, await what]


async def _gives_a_call(x):
    await num(x)
    return word(x)


async def simple():
    a = await _twice(1)
    b = await _twice(a)
    return a, b


async def arguments_of_every_kind():
    x = await _collect(1)
    y = await _collect(1, 2, 3, last=await num(4), other=await _no_await(5))
    z = await _collect(*[1, await num(2)], **{"k": await _twice(3)})
    return x, y, z


async def gives_none():
    x = await _nothing()
    return x, await _nothing() is None


async def without_an_await_in_it():
    xs = []
    for i in range(3):
        xs.append(await _no_await(i))
    return xs


async def in_the_middle_of_an_expression():
    return see(1) + await _twice(2) * see(3) - await _no_await(await num(4)) + see(5)


async def in_targets_and_subscripts():
    d = {0: 0, 1: 1, 2: 2, 3: 3}
    d[at(await _no_await(1))] = await _twice(2)
    d[at(1)] += await _no_await(at(3))
    box = Box()
    spot(box).value = await _twice(see(1))
    return d, box


async def a_call_made_here_is_awaited_there():
    call = num(7)
    see("made")
    got = await _awaits(call)
    await num(8)
    return got


async def a_call_waits_across_an_await_of_another():
    call = word(7)
    await _twice(1)
    return await _awaits(call)


async def a_call_comes_back():
    call = await _gives_a_call(3)
    see("got it")
    return await call


async def lazy_operands():
    a = await flag(1) and await _twice(1)
    b = await flag(2) or await _twice(2)
    c = await _twice(3) if await flag(3) else await _no_await(4)
    return a, b, c, 0 < await _no_await(1) < await num(9) < await _twice(1)


async def formatted():
    return f"{await _twice(1)} and {await word(2)} and {await _no_await('x')!r}"


async def through_a_variable_of_functions():
    found = []
    for helper in (_twice, _no_await, _twice):
        found.append(await helper(len(found)))
    return found


async def kept_in_a_dict():
    table = {"a": _twice, "b": _no_await}
    await num(1)
    return await table["a"](1), await table["b"](2)


async def wrong_arguments():
    try:
        await _twice()
    except TypeError as error:
        see(str(error))
    try:
        await _twice(1, 2)
    except TypeError as error:
        see(str(error))
    try:
        await _collect(1, first=2)
    except TypeError as error:
        see(str(error))
    try:
        await _no_await(y=await num(1))
    except TypeError as error:
        see(str(error))
