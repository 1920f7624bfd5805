"""``and``, ``or``, ternaries and chained comparisons evaluate no more than CPython does."""

from tests.fidelity.prelude import *


async def and_or():
    return (
        see(0) and await num(1),
        see(1) and await num(2),
        see(0) or await num(3),
        see(2) or await num(4),
        await num(5) and see(6) or await num(7) and see(8),
        not (await flag(1) and see(0)),
    )


async def values_not_truths():
    return [] or await nothing(1) or "" or await items(4) or 0, await items(0) and 1, 0 and await num(1) or {}


async def truth_is_asked_once():
    shelf, full = Shelf(), Shelf({1: 1})
    a = shelf or await num(1)
    b = full and await num(2)
    c = full or await num(3)   # not `(full or ...) and ...`: CPython 3.12 asks that twice
    if full and await num(5):
        see("both")
    while shelf or await flag(0) and full:
        see("loop")
        break
    return a, b, c is full, not full, not (await crate(1)).items


async def ternary():
    a = await num(1)
    return (
        (await num(see(2)) if see(a) else await num(see(3))),
        (see(4) if await flag(5) else await num(6)),
        (await num(7) if not a else see(8)) + (see(9) if await num(10) else see(11)),
    )


async def nested_ternary():
    return ((await num(i) if i % 2 else await word(i)) if await flag(i) else see(i)) if (i := see(3)) > 5 else (
        await num(i) if i % 2 else await word(i)
    )


async def chained_comparison():
    return (
        see(1) < await num(see(2)) < see(9),
        see(5) < await num(see(2)) < await num(see(3)),
        await num(0) <= see(1) <= await num(5) != see(7),
        see(3) == await num(3) in [await num(4), 3],
    )


async def middle_is_evaluated_once():
    xs = [0]

    def bump():
        xs[0] += 1
        return num(xs[0])

    return 0 < await bump() < 9, xs


async def comparison_results_are_not_truths():
    shelf = Shelf()
    return (
        shelf < await num(1) < see(5),
        shelf < shelf < await num(2),
        bool(shelf < await num(3)),
        (shelf < shelf) is shelf,
    )


async def error_in_the_lazy_part():
    try:
        return see(1) and await risky(0) or see(2)
    except Oops:
        return see(0) and await risky(1) or see(3)


async def conditions():
    n = 0
    while n < 3 and await flag(n) or n < 2:
        n += 1
        if await flag(n) and n > 1 or not await num(n):
            see(n)
        elif n and (await num(n) or await num(-n)):
            see(-n)
        else:
            see("else")
    assert n or await flag(9), await word(1)
    return n


async def walrus_under_and():
    if (a := await num(1)) and (b := await num(2)) > 1:
        return a, b
    return a, b


async def walrus_perhaps_unbound():
    see(0) and (c := await num(1))
    return c


async def lazy_inside_of_arguments():
    a = await num(0)
    return mix(see(1), a and await num(2), *(await items(2) if a else [see(3)]), key=a or await num(4), last=see(5))


async def lazy_inside_of_targets():
    xs = [1, 2, 3]
    xs[at(see(0) or await num(1))] = see(1) and await num(5)
    xs[await num(0) if xs else 1] += await num(2) or see(3)
    return xs


async def lazy_in_f_string():
    a = await num(0)
    return f"{a or await word(1)}{await word(2) if a else see(3)}"


async def deep():
    a = await num(2)
    return a and (see(0) or (await flag(1) and (await num(2) or see(3)))) and (await num(4) if a > 1 else see(5))
