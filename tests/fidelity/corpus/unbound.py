"""A name that is not bound raises what CPython raises, with its words."""

from tests.fidelity.prelude import *

globally = "a global"


def message(error):
    return type(error).__name__, str(error)


async def local_before_assignment():
    try:
        see(a)
    except NameError as error:
        see(message(error))
    await num(1)
    try:
        see(a)
    except NameError as error:
        see(message(error))
    a = 1
    return a


async def local_hides_the_global():
    try:
        return globally
    except UnboundLocalError as error:
        see(message(error))
    globally = await num(1)
    return globally


async def comprehension_variable_does_not_hide_the_global():
    xs = [globally for globally in await items(3)]
    return xs, globally, sum(len for len in [1, 2]), len(xs), [see for see in xs], see(1)


async def deleted():
    a = await num(1)
    del a
    await num(2)
    try:
        del a
    except UnboundLocalError as error:
        see(message(error))
    return a


async def deleted_in_a_branch():
    a = 1
    if await flag(1):
        del a
    await num(2)
    try:
        see(a)
    except NameError as error:
        see(message(error))
    a = 2
    return a


async def bound_in_a_branch():
    if await flag(0):
        a = 1
    elif await flag(2):
        b = 2
    try:
        see(a)
    except NameError as error:
        see(message(error))
    return b


async def loop_that_never_runs():
    for i in await items(0):
        await num(i)
    while await flag(0):
        j = 1
        break
    try:
        see(i)
    except NameError as error:
        see(message(error))
    return j


async def handler_name_is_deleted():
    e = "before"
    try:
        await risky(0)
    except Oops as e:
        see(e.args)
        await num(1)
    return e


async def handler_name_that_was_deleted_by_hand():
    try:
        await risky(0)
    except Oops as e:
        del e
        await num(1)
    return "no error"


async def handler_name_that_was_rebound():
    try:
        await risky(0)
    except Oops as e:
        e = await num(1)
    try:
        return e
    except UnboundLocalError as error:
        return message(error)


async def handler_name_when_the_handler_raises():
    try:
        try:
            await risky(0)
        except Oops as e:
            await num(1)
            raise Bad(2) from e
    except Bad as outer:
        see(outer.__cause__)
        await num(2)
    return e


async def captured_and_unbound():
    def read():
        return a

    try:
        see(a)
    except NameError as error:
        see(message(error))
    try:
        read()
    except NameError as error:
        see(message(error))
    await num(1)
    a = 1
    see(read())
    del a
    await num(2)
    try:
        read()
    except NameError as error:
        see(message(error))
    try:
        del a
    except NameError as error:
        see(message(error))
    return a


async def augmented_unbound():
    try:
        a += await num(see(1))
    except UnboundLocalError as error:
        see(message(error))
    a = 1
    return a


async def unknown_global():
    try:
        see(unknown)
    except NameError as error:
        see(message(error))
    await num(1)
    return unknown


async def parameter_deleted(a):
    del a
    await num(1)
    return a


async def except_of_an_unknown_class():
    try:
        await risky(0)
    except unknown:
        see("no")
    return 1


async def match_binds_before_the_guard():
    match await pair(1):
        case (a, b) if await flag(0):
            see("no")
        case (c, 99):
            see("no")
    return a, b, c


async def with_name_after_the_block():
    with Guard(1) as a:
        see(a)
    await num(1)
    del a
    with Guard(2, True) as a:
        raise Oops("swallowed")
    await num(2)
    return a


async def builtin_that_is_shadowed_later():
    try:
        n = len([1])
    except UnboundLocalError as error:
        see(message(error))
    n = await num(1)
    len = see
    return len(n)


CALLS = {"parameter_deleted": ((1,), {})}
