"""A routine that is awaited in an ``except`` or ``finally`` clause runs while that exception is handled."""

from tests.fidelity.prelude import *


async def _looks():
    handling()
    await num(1)
    handling()


async def _reraises_the_callers():
    await num(1)
    raise


async def _reraises_at_once():
    raise


async def _fails(x):
    await num(x)
    raise Bad(x)


async def _own_handler():
    try:
        await risky(1)
    except Oops as error:
        handling()
        await num(1)
        await _looks()
        return error
    finally:
        handling()


async def _own_finally():
    try:
        await num(1)
    finally:
        handling()
        await num(2)
        handling()
    handling()


async def _keeps():
    try:
        boom(0)
    except Oops as error:
        await num(1)
        return error


async def _deep(depth):
    handling()
    try:
        if depth:
            raise Oops(depth)
        await num(depth)
        handling()
    except Oops:
        if depth > 0:
            await _deep(depth - 1)
        handling()
        if depth == 2:
            raise Bad("from two")
    await num(depth)
    handling()


async def _sets_context():
    error = Oops("other")
    error.__context__ = KeyError("given")
    await num(1)
    raise error


async def _suppresses():
    await num(1)
    raise Oops("none") from None


async def in_a_handler():
    try:
        await risky(0)
    except Oops:
        await _looks()
        handling()
    await _looks()


async def in_a_finally():
    try:
        try:
            await risky(0)
        finally:
            await _looks()
            await num(1)
            await _looks()
    except Oops as error:
        return error


async def in_a_finally_without_an_error():
    try:
        await num(1)
    finally:
        await _looks()


async def a_bare_raise_in_the_routine():
    try:
        await risky(0)
    except Oops:
        try:
            await _reraises_the_callers()
        except Oops as error:
            await num(1)
            return error


async def a_bare_raise_at_once():
    try:
        await risky(0)
    except Oops as error:
        try:
            await _reraises_at_once()
        except Oops as again:
            return error is again


async def a_bare_raise_of_nothing():
    try:
        await _reraises_the_callers()
    except RuntimeError as error:
        return str(error)


async def an_error_gets_the_callers_as_context():
    try:
        await risky(0)
    except Oops:
        try:
            await _fails(1)
        except Bad as error:
            await num(1)
            return error


async def an_error_kept_by_the_routine_has_it_too():
    try:
        await risky(2)
    except KeyError:
        error = await _keeps()
        await num(1)
        see(error)
    see(error)
    return error, await _keeps()


async def handlers_in_both():
    try:
        await risky(2)
    except KeyError:
        error = await _own_handler()
        handling()
        await _own_finally()
        return error


async def handlers_in_every_frame():
    try:
        await _deep(3)
    except Bad as error:
        await num(1)
        return error


async def to_the_top_with_contexts():
    try:
        await risky(2)
    except KeyError:
        await _deep(2)


async def contexts_that_were_given():
    found = []
    for helper in (_sets_context, _suppresses):
        try:
            await risky(2)
        except KeyError:
            try:
                await helper()
            except Oops as error:
                found.append(error)
    await num(1)
    return found
