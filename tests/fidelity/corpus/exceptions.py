"""Exceptions: what is being handled, what is raised again, and the chain of causes and contexts, across awaits."""

import sys
import traceback

from tests.fidelity.prelude import *


async def handled_exception_is_visible():
    handling()
    try:
        await risky(0)
    except Oops:
        handling()
        await num(1)
        handling()
    handling()
    await num(2)
    handling()
    return sys.exc_info()[1]


async def bare_raise():
    try:
        try:
            await risky(0)
        except Oops:
            await num(1)
            raise
    except Oops as error:
        see(error)
        await num(2)
    return "caught"


async def bare_raise_in_a_called_function():
    def again():
        raise

    try:
        try:
            await risky(1)
        except Bad:
            await num(1)
            again()
    except Bad as error:
        return see(error).args


async def bare_raise_without_an_exception():
    await num(1)
    raise


async def bare_raise_after_the_handler():
    try:
        await risky(0)
    except Oops:
        await num(1)
    raise


async def context_of_a_second_error():
    try:
        try:
            await risky(0)
        except Oops:
            await num(1)
            raise Bad("second")
    except Bad as error:
        see(error)
        await num(2)
        see(error)
        return error.__context__.args, error.__cause__


async def context_of_an_awaited_error():
    try:
        await risky(0)
    except Oops:
        try:
            await risky(1)
        except Bad as error:
            see(error)
            await num(1)
            try:
                await risky(2)
            except KeyError as third:
                see(third)
    return 1


async def context_escapes():
    try:
        await risky(0)
    except Oops:
        await num(1)
        await risky(5)


async def context_that_the_error_brings_along():
    try:
        await risky(6)
    except Bad as error:
        see(error)
        await num(1)
        raise


async def context_that_it_brings_is_replaced_in_a_handler():
    try:
        await risky(0)
    except Oops:
        await risky(6)


async def cause():
    try:
        try:
            await risky(3)
        except ValueError as error:
            await num(1)
            raise Oops("outer") from error
    except Oops as error:
        await num(2)
        see(error)
        raise Bad("outermost") from error


async def cause_none():
    try:
        await risky(3)
    except ValueError:
        await num(1)
        raise Oops("alone") from None


async def cause_is_awaited():
    try:
        await risky(3)
    except ValueError as error:
        raise Oops(await num(see(1))) from (error if await flag(1) else None)


async def raise_of_a_class():
    try:
        await num(1)
        raise Oops
    except Oops as error:
        await num(2)
        see(error)
    raise KeyError from ValueError


async def raise_of_what_is_no_exception():
    try:
        raise await num(1)
    except TypeError as error:
        see(str(error))
    try:
        raise Oops(1) from await num(2)
    except TypeError as error:
        see(str(error))
    raise None


async def raised_again_by_name():
    kept = None
    try:
        await risky(0)
    except Oops as error:
        kept = error
    await num(1)
    try:
        raise kept
    except Oops as error:
        see(error is kept)
        see(error)
    await num(2)
    raise kept


async def raised_again_inside_of_another_handler():
    try:
        await risky(0)
    except Oops as first:
        kept = first
    try:
        await risky(1)
    except Bad:
        await num(1)
        raise kept


async def own_context_makes_no_cycle():
    try:
        await risky(0)
    except Oops as error:
        await num(1)
        try:
            raise error
        except Oops as again:
            see(again)
            await num(2)
        see(error)
        raise


async def cycle_is_cut():
    try:
        await risky(0)
    except Oops as first:
        try:
            await risky(1)
        except Bad as second:
            see(second)
            await num(1)
            try:
                raise first
            except Oops:
                see(first)
                await num(2)
                see(second)
            raise


async def nested_handlers_unwind():
    try:
        await risky(0)
    except Oops:
        handling()
        try:
            await risky(2)
        except KeyError:
            handling()
            await num(1)
            handling()
        handling()
        await num(2)
        handling()
    handling()
    return await num(3)


async def handler_in_a_loop():
    for i in range(3):
        try:
            await risky(i)
        except KeyError:
            handling()
            continue
        except Oops as error:
            see((i, error.args))
            await num(i)
            if i:
                break
        handling()
    handling()
    return i


async def else_clause():
    for i in range(2):
        try:
            a = await (num(1) if i else risky(0))
        except Oops:
            see("handler")
        else:
            see("else")
            await num(2)
            handling()
        see(i)
    return a


async def error_in_else_is_not_caught_here():
    try:
        await num(1)
    except Oops:
        see("no")
    else:
        await risky(0)


async def order_of_handlers():
    for i in range(9):
        try:
            await risky(i)
        except Bad:
            see("Bad")
        except Oops:
            see("Oops")
        except (KeyError, ValueError) as error:
            see(type(error))
        except OSError as error:
            see((error.errno, error.strerror, error.filename, str(error)))
        except Exception as error:
            see((type(error), error.code, error.detail))


async def handler_class_is_evaluated_in_turn():
    try:
        await risky(2)
    except kinds(0):
        see("no")
    except kinds(await num(see(1)) * 0 + 1) as error:
        await num(2)
        see(error)
    except kinds(2):
        see("no")
    return 1


async def handler_class_fails():
    try:
        await risky(2)
    except (see(Oops), await num(1)):
        see("no")


async def handler_that_is_no_class():
    try:
        await risky(0)
    except "text":
        see("no")


async def error_travels_through_levels():
    try:
        try:
            try:
                await risky(0)
            except KeyError:
                see("no")
            finally:
                await num(1)
                handling()
        except ValueError:
            see("no")
    except Oops as error:
        see(error)
    return 1


async def notes_and_attributes():
    try:
        await risky(7)
    except Oops as error:
        error.add_note("second")
        error.more = {"a": [1]}
        kept = error.more
        await num(1)
        kept["b"] = error.args
        see((error.__notes__, error.more, error.extra))
        raise


async def custom_constructor_is_not_called_again():
    try:
        await risky(4)
    except Custom as error:
        see((error.code, error.detail, str(error)))
        await num(1)
        see((error.code, error.detail, str(error)))
        raise Custom(1, detail="again") from error


async def exception_as_a_value():
    error = Oops("value", [1])
    alias = error
    await num(1)
    alias.args[1].append(2)
    return error, alias is error


async def error_of_arithmetic():
    try:
        1 // (await num(0) * 0)
    except ZeroDivisionError as error:
        await num(1)
        see(error)
        raise RuntimeError("wrapped") from error


async def stop_iteration_becomes_a_runtime_error():
    await num(1)
    return next(iter([]))


async def stop_iteration_that_is_caught():
    try:
        next(iter([]))
    except StopIteration as error:
        await num(1)
        see(error)
    raise StopIteration(await num(2))


async def stop_iteration_in_a_handler():
    try:
        await risky(0)
    except Oops:
        await num(1)
        raise StopIteration(3)


async def stop_async_iteration():
    await num(1)
    raise StopAsyncIteration(1)


async def base_exception_leaves():
    try:
        await num(1)
        raise Stop("now")
    except Exception:
        see("no")
    finally:
        see("finally")


async def base_exception_is_caught():
    try:
        raise Stop("now")
    except BaseException as error:
        await num(1)
        see(error)
        handling()
    try:
        await risky(0)
    except:
        await num(2)
        handling()
    return 1


async def system_exit_through_a_finally():
    try:
        sys.exit(await num(1))
    finally:
        see("finally")


async def assertion():
    assert await num(1), see("not evaluated")
    try:
        assert not await num(2), await word(see(3))
    except AssertionError as error:
        see(error)
    try:
        assert await num(3) * 0
    except AssertionError as error:
        see(error)
    assert (await flag(0)) and True, (await num(4), see(5))


async def exception_group():
    try:
        raise ExceptionGroup("several", [Oops(1), KeyError(await num(2))])
    except ExceptionGroup as group:
        await num(3)
        see(group)
        see(group.subgroup(Oops).exceptions)
        raise


async def suppressed_by_a_context_manager():
    try:
        await risky(0)
    except Oops:
        with Guard("inner", True):
            raise Bad(1)
        handling()
        await num(1)
        with Guard("outer"):
            raise


async def logging_shows_the_handled_exception():
    try:
        await risky(3)
    except ValueError:
        await num(1)
        see(traceback.format_exc().splitlines()[-1])
        see(sys.exc_info()[0])


async def handled_exception_in_local_functions():
    def look():
        handling()
        try:
            raise KeyError("local")
        except KeyError as error:
            see(error)
        handling()

    try:
        await risky(0)
    except Oops:
        await num(1)
        look()
        await num(2)
        [handling() for _ in [1]]
        (lambda: handling())()
    look()


async def one_name_in_two_handlers():
    try:
        await risky(0)
    except Oops as e:
        await num(1)
        try:
            await risky(1)
        except Bad as e:
            await num(2)
            see(e)
        try:
            see(e)
        except UnboundLocalError as error:
            see(str(error))
        handling()
    return 1


async def with_traceback_and_no_traceback():
    try:
        await risky(0)
    except Oops as error:
        await num(1)
        try:
            raise error.with_traceback(None)
        except Oops as again:
            return see(again is error)


async def while_true_with_retry():
    tries = 0
    while True:
        tries += 1
        try:
            value = await (risky(tries) if tries < 4 else num(tries))
        except Exception as error:
            see((tries, type(error)))
            last = error
            await num(tries)
            continue
        break
    return tries, value, last


async def saga():
    done = []
    try:
        for i in range(3):
            done.append(await num(i))
        await risky(0)
    except Oops:
        while done:
            await echo(done.pop())
        raise
    else:
        return "committed"
    finally:
        see(done)
        await num(9)


async def except_star():
    await num(1)
    try:
        raise ExceptionGroup("several", [Oops(1), KeyError(2), Bad(3), ValueError(4)])
    except* Oops as group:
        see(group)
        handling()
    except* KeyError:
        handling()
    except* ValueError as group:
        see(group.exceptions)
    await num(2)
    handling()
    try:
        boom(0)
    except* Oops as group:
        kept = group
    await num(3)
    return kept


async def except_star_lets_the_rest_go_on():
    try:
        try:
            raise ExceptionGroup("several", [Oops(1), KeyError(2)])
        except* Oops:
            raise Bad("from the handler")
    except ExceptionGroup as group:
        await num(1)
        see(group)
        raise
