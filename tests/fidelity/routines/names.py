"""Globals and their members that wait on the stack of an expression while a routine is awaited."""

import math

from tests.fidelity.prelude import *

FACTOR = 3
TABLE = {"a": 1}


async def _sum(*xs):
    import string

    total = 0
    for x in xs:
        total += max(x, await num(x))
    return total + len(string.digits)


async def _held(x):
    return [FACTOR * await num(x), mix(await num(x), k=await num(x)), math.floor(await num(x))]


async def functions_and_constants():
    return mix(await _sum(1, 2), FACTOR * await _sum(3)), max(await _sum(1), 2)


async def members_of_modules():
    return math.pow(await _sum(1), await _sum(2)), math.floor(await _sum(0) + 0.5)


async def both_hold():
    return mix(await num(1), *await _held(2)), FACTOR + sum(x for x in await _held(3))


async def methods_of_globals():
    return TABLE.get(await word(1), await _held(1)), "-".join([await word(1), str(await _sum(1))])


async def imported_in_the_body():
    import math as m
    from textwrap import dedent

    return m.floor(await _sum(2)), dedent(str(await _sum(1)))


async def routines_as_values():
    return mix(await _sum(await _sum(1)), await _sum(*await _held(1)))
