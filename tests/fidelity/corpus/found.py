"""Programs on which the machine once differed from CPython, minimised."""

from tests.fidelity.prelude import *


async def stars_before_an_awaited_keyword():
    xs = [1, 2]
    return mix(2, *xs, 9, key=await num(5)), mix(*xs, *xs, **{"k": await num(1)}), mix(*see(xs), 3, **await table(2))


async def cell_of_a_name_that_may_be_unbound_is_shared():
    a = 5
    del a

    def bind():
        nonlocal a
        a = 1

    await num(1)
    bind()
    await num(2)
    return a


async def cell_of_a_handler_name_is_shared():
    a = 5
    try:
        raise Bad(1)
    except Bad as a:
        see(1)

    def bind():
        nonlocal a
        a = 1

    await num(1)
    bind()
    await num(2)
    try:
        await risky(a)
    except Bad:
        return a


async def subscript_of_an_augmented_assignment_is_read_before_its_value():
    a = 1
    shelf = Shelf()
    await num(1)
    shelf[at(a)] |= (a := 2)
    return a, shelf


async def subscript_of_an_annotated_assignment_is_read_after_its_value():
    a = 1
    shelf = Shelf()
    await num(1)
    shelf[at(a := 2)]: int = a
    return a, shelf


async def items_of_a_dict_are_evaluated_one_by_one():
    a = 1
    await num(1)
    return {1: see(a), see(a := 2): 0}, a


async def list_that_shrank_under_its_loop_grows_again():
    xs = [1, 2, 3]
    for x in xs:
        see(x)
        if x == 3:
            del xs[1:]
            await num(x)
            xs.append(4)
    return xs


async def list_that_shrank_under_its_loop_grows_beyond_it():
    xs = [1, 2, 3]
    for x in enumerate(xs):
        see(x)
        if x == (2, 3):
            del xs[1:]
            await num(x)
            xs += [4, 5, 6, 7]
    return xs


async def list_that_shrank_under_its_reversed_loop_grows_again():
    xs = [1, 2, 3, 4]
    for x in reversed(xs):
        see(x)
        if x == 4:
            del xs[1:]
            await num(x)
            xs.append(5)
    return xs


async def bytearray_that_shrank_under_its_loop_grows_again():
    xs = bytearray(b"abc")
    for n, x in enumerate(xs):
        see(x)
        if n == 2:
            xs.clear()
            await num(x)
            xs += b"d"
    return bytes(xs)
