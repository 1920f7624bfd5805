"""Exceptions through frames: who raises, who handles, and what stands in the chain."""

from tests.fidelity.prelude import *


async def _fails(x):
    await num(x)
    raise Oops("fails", x)


async def _fails_at_once(x):
    raise Bad(x)


async def _risks(x):
    try:
        return await risky(x)
    finally:
        handling()
        see("finally")


async def _handles(x):
    try:
        return await risky(x)
    except (Oops, KeyError) as error:
        see(error)
        await num(1)
        handling()
        return error


async def _wraps(x):
    try:
        await _fails(x)
    except Oops as error:
        await num(2)
        raise Custom(x, detail="wrapped") from error


async def _replaces(x):
    try:
        await _fails(x)
    except Oops:
        await num(2)
        raise KeyError(x)


async def _reraises(x):
    try:
        await _fails(x)
    except Oops:
        handling()
        await num(3)
        handling()
        raise


async def _stops(x):
    await num(x)
    raise StopIteration(x)


async def _base(x):
    await num(x)
    raise Stop(x)


async def _raises(error):
    await num(1)
    raise error


async def _notes(x):
    try:
        await _fails(x)
    except Oops as error:
        error.add_note("seen")
        error.extra = [x]
        raise


async def _cleans_up_and_fails(x):
    try:
        await _fails(x)
    finally:
        await num(9)
        raise KeyError("in finally")


async def _deep(depth):
    try:
        if depth:
            return await _deep(depth - 1)
        await risky(depth)
    except Exception as error:
        see((depth, error))
        await num(depth)
        if depth == 1:
            raise
        if depth == 2:
            raise Bad(depth)
        raise Oops(depth) from error
    finally:
        see(depth)


async def to_the_top():
    return await _fails(1)


async def at_once_to_the_top():
    return await _fails_at_once(1)


async def handled_by_the_caller():
    try:
        await _fails(1)
    except Oops as error:
        handling()
        await num(1)
        handling()
        return error


async def finally_on_the_way():
    try:
        return await _risks(0)
    except Exception as error:
        return error
    finally:
        handling()
        await num(1)


async def handled_inside():
    return await _handles(0), await _handles(2)


async def every_kind():
    found = []
    for kind in range(9):
        try:
            await _risks(kind)
        except Exception as error:
            found.append(error)
            await num(kind)
    return found


async def wrapped():
    try:
        await _wraps(1)
    except Custom as error:
        return error, error.__cause__, error.__context__ is error.__cause__


async def replaced():
    try:
        await _replaces(1)
    except KeyError as error:
        await num(1)
        return error


async def reraised():
    try:
        await _reraises(1)
    except Oops as error:
        await num(1)
        return error


async def wrapped_to_the_top():
    await _wraps(1)


async def deep_to_the_top():
    await _deep(3)


async def stop_iteration():
    try:
        await _stops(1)
    except RuntimeError as error:
        await num(1)
        return error


async def not_an_exception_is_handled():
    try:
        await _base(1)
    except Stop as error:
        await num(1)
        return error


async def not_an_exception_runs_finally():
    try:
        try:
            await _base(1)
        except Exception:
            see("not this")
        finally:
            see("finally")
    except BaseException as error:
        handling()
        return error.args


async def not_an_exception_to_the_top():
    try:
        await _base(1)
    finally:
        see("finally")


async def the_callers_own_error():
    error = Oops("mine")
    try:
        await _raises(error)
    except Oops as caught:
        await num(1)
        return caught is error


async def the_error_that_is_being_handled():
    try:
        await risky(0)
    except Oops as error:
        try:
            await _raises(error)
        except Oops as caught:
            await num(1)
            return caught is error, caught


async def with_notes():
    try:
        await _notes(1)
    except Oops as error:
        await num(1)
        return error, error.__notes__


async def finally_replaces():
    try:
        await _cleans_up_and_fails(1)
    except KeyError as error:
        await num(1)
        return error


async def one_error_in_two_lists():
    errors = []
    for _ in range(2):
        try:
            await _raises(errors[0] if errors else Bad("first"))
        except Bad as error:
            errors.append(error)
    await num(1)
    return errors, errors[0] is errors[1]
