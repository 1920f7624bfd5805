"""``async with``: how it is entered, left and bound, whatever leaves it, with awaits everywhere.

What is written without a ``try`` has its traceback compared too.
"""

from tests.fidelity.prelude import *


# ---- ways out


async def falls_out():
    async with Gate(1) as gate:
        a = await num(1)
        see(a)
    await num(2)
    return a, gate


async def without_an_await():
    async with Gate(1) as gate:
        see(gate)
    handling()
    return gate


async def without_an_await_in_an_if_and_a_loop():
    for i in range(4):
        if i == 1:
            continue
        async with Gate(i):
            if i == 2:
                continue
            if i == 3:
                break
            see(i)
    else:
        see("else")
    return i


async def empty():
    async with Gate(1):
        pass


async def returns_through():
    async with Gate(1):
        await num(1)
        return see(2)


async def returns_what_it_awaits():
    async with Gate(1):
        return await num(1)


async def returns_nothing():
    async with Gate(1):
        await num(1)
        return
    see("not reached")


async def return_value_is_taken_before_it_is_left():
    xs = [1]
    async with Gate(1, given=xs) as ys:
        await num(1)
        ys.append(2)
        return ys[:], xs, (ys is xs)


async def returns_through_two_with_a_finally_between():
    async with Gate(1):
        try:
            async with Gate(2):
                await num(1)
                return see(3)
        finally:
            await num(2)
            handling()
            see("between")


async def return_in_a_finally_around_replaces():
    try:
        async with Gate(1):
            await num(1)
            return see(1)
    finally:
        return await num(2)


async def return_in_a_finally_around_swallows():
    try:
        async with Gate(1):
            await risky(1)
    finally:
        handling()
        return await num(2)


async def breaks_and_continues():
    for i in range(5):
        async with Gate(i):
            if await num(i) == 2:
                continue
            if i == 3:
                break
            see(i)
        await num(10 + i)
    else:
        see("else")
    return i


async def loop_inside():
    async with Gate(1):
        for i in await items(3):
            if await num(i) == 0:
                break
            see(i)
        else:
            see("else")
        while await flag(1):
            break
    return i


async def breaks_out_of_two():
    n = 0
    while n < 4:
        n += 1
        async with Gate(n), Gate(-n):
            if n == 2:
                await num(n)
                continue
            async with Gate("inner"):
                await num(n)
                if n == 3:
                    break
    await num(9)
    return n


async def raises_through():
    async with Gate(1):
        await num(1)
        raise Oops("raised")


async def raises_through_without_an_await():
    async with Gate(1):
        raise Oops("raised")


async def await_fails_in_it():
    async with Gate(1):
        await num(1)
        await risky(6)
        see("not reached")


async def await_fails_after_it():
    async with Gate(1):
        await num(1)
    await risky(1)


async def await_fails_in_two():
    async with Gate(1):
        async with Gate(2):
            await risky(5)


async def call_fails_in_it():
    async with Gate(1):
        await num(1)
        boom(5)


async def stop_through():
    async with Gate(1):
        await num(1)
        raise Stop("not an Exception")


async def cannot_await():
    async with Gate(1):
        await num(1)
        await 3


# ---- what entering and leaving raise


async def entering_raises():
    async with Gate(1, "enter"):
        await num(1)


async def entering_the_second_raises():
    async with Gate(1), Gate(2, "enter"), Gate(3):
        await num(1)


async def entering_raises_and_is_caught():
    try:
        async with Gate(1, "enter"):
            await num(1)
    except Bad as error:
        await num(2)
        see(error)
    return "done"


async def expression_raises():
    async with Gate(1), Gate(boom(5)):
        await num(1)


async def await_in_the_expression_fails():
    async with Gate(1), Gate(await risky(1)):
        await num(1)


async def leaving_raises():
    async with Gate(1, "exit"):
        await num(1)
    see("not reached")


async def leaving_raises_without_an_await():
    async with Gate(1, "exit"):
        see(1)


async def leaving_raises_on_a_return():
    async with Gate(1, "exit"):
        await num(1)
        return see("not returned")


async def leaving_raises_on_a_break():
    for i in range(2):
        async with Gate(i, "exit"):
            await num(i)
            break


async def leaving_raises_on_a_continue():
    for i in range(3):
        try:
            async with Gate(i, "exit"):
                await num(i)
                continue
        except Bad as error:
            await num(-i)
            see(error)
    handling()


async def leaving_raises_after_an_error():
    async with Gate(1, "exit"):
        await num(1)
        raise Oops("raised")


async def leaving_raises_after_an_await_failed():
    async with Gate(1, "exit"):
        await risky(6)


async def leaving_raises_from_the_error():
    async with Gate(1, "cause"):
        await risky(1)


async def leaving_raises_the_same_error():
    async with Gate(1, "again"):
        await num(1)
        raise Oops("raised")


async def leaving_raises_the_same_error_that_an_await_raised():
    async with Gate(1, "again"), Gate(2, "again"):
        await risky(6)


async def leaving_two_raises():
    async with Gate(1, "exit"), Gate(2, "exit"):
        await num(1)


async def leaving_two_raises_after_an_error():
    async with Gate(1, "cause"):
        async with Gate(2, "exit"):
            await risky(2)


async def what_leaving_raises_is_caught_with_its_context():
    try:
        async with Gate(1, "exit"):
            await risky(2)
    except Bad as error:
        handling()
        await num(1)
        see((error.__context__, error.__cause__))
        return type(error.__context__).__name__


async def error_from_the_body_is_caught_inside():
    async with Gate(1, "cause"):
        try:
            await risky(2)
        except KeyError:
            await num(1)
        handling()
        await num(2)
    return "done"


async def error_from_the_body_is_caught_outside():
    seen = []
    try:
        async with Gate(1) as gate:
            seen.append(await num(1))
            await risky(2)
            seen.append("not reached")
    except KeyError as error:
        seen.append(await num(2))
        see(error)
    else:
        see("else")
    finally:
        seen.append(await num(3))
    return seen, gate


# ---- inside of clauses


async def in_an_except_clause():
    try:
        await risky(2)
    except KeyError:
        async with Gate(1):
            handling()
            await num(1)
            handling()
        handling()
        await num(2)
        raise


async def in_an_except_clause_left_by_a_return():
    try:
        raise KeyError("handled")
    except KeyError as error:
        async with Gate(1) as gate:
            await num(1)
            return gate, error


async def in_an_except_clause_raising():
    try:
        await risky(2)
    except KeyError as error:
        async with Gate(1, "cause"):
            await num(1)
            raise Oops("while handling") from error


async def in_an_except_clause_leaving_raises():
    try:
        await risky(2)
    except KeyError:
        async with Gate(1, "exit"):
            await num(1)


async def bare_raise_inside():
    try:
        await risky(2)
    except KeyError:
        async with Gate(1):
            await num(1)
            raise


async def bare_raise_inside_raised_again():
    try:
        await risky(6)
    except Bad:
        async with Gate(1, "again"):
            await num(1)
            raise


async def bare_raise_with_nothing_to_raise():
    async with Gate(1):
        await num(1)
        raise


async def in_a_finally_clause():
    try:
        await risky(2)
    finally:
        async with Gate(1):
            handling()
            await num(1)
        handling()


async def in_a_finally_clause_without_an_error():
    try:
        await num(1)
    finally:
        async with Gate(1):
            await num(2)
            handling()
    return "done"


async def in_a_finally_clause_on_a_return():
    try:
        return await num(1)
    finally:
        async with Gate(1, "exit"):
            await num(2)


async def in_a_finally_clause_swallowing():
    for i in range(2):
        try:
            await risky(i)
        finally:
            async with Gate(i):
                await num(i)
                continue
    handling()
    return i


async def finally_clause_inside():
    async with Gate(1):
        try:
            await risky(2)
        finally:
            handling()
            await num(1)


async def in_an_else_clause():
    try:
        a = await num(1)
    except Oops:
        see("not reached")
    else:
        async with Gate(a):
            await risky(1)


async def handler_inside_raises_another():
    async with Gate(1):
        try:
            await risky(2)
        except KeyError as error:
            await num(1)
            raise Oops("another")


async def handled_error_is_not_the_blocks():
    try:
        async with Gate(1):
            try:
                await risky(2)
            except KeyError:
                async with Gate(2):
                    await num(1)
                handling()
            await num(2)
            handling()
    except Exception as error:
        see(error)
    handling()


# ---- what ``as`` binds


async def binds_a_tuple():
    async with Gate(1, given=(1, [2, 3])) as (a, [b, *c]):
        await num(1)
    return a, b, c


async def binds_an_attribute():
    box = Box()
    async with Gate(1, given=5) as spot(box).value:
        await num(1)
        see(box)
    return box


async def binds_a_subscript():
    shelf = Shelf()
    async with Gate(1, given=5) as spot(shelf)[at(2)]:
        await num(1)
    return shelf


async def binds_where_an_await_says():
    shelf = Shelf()
    async with Gate(1, given=5) as spot(shelf)[at(await num(2))]:
        await num(1)
    return shelf


async def binds_several_where_awaits_say():
    shelf, d = Shelf(), {}
    async with Gate(1, given=(5, 6, 7, 8)) as (a, shelf[at(a)], *d[await word(1)]):
        await num(1)
    return a, shelf, d


async def binding_fails():
    async with Gate(1) as (a, b):
        await num(1)


async def binding_fails_where_an_await_fails():
    d = {}
    async with Gate(1, given=5) as d[await risky(1)]:
        await num(1)


async def binding_fails_in_the_second():
    async with Gate(1), Gate(2, given=(1, 2, 3)) as (a, b), Gate(3):
        await num(1)


async def binds_itself_and_is_changed():
    async with Gate([1]) as gate:
        await num(1)
        gate.name.append(2)
        same = gate
        await num(2)
        gate = None
        await num(3)
        same.name.append(3)
    return same


async def binds_the_same_name_twice():
    async with Gate(1) as gate:
        async with Gate(2) as gate:
            await num(1)
        see(gate)
        await num(2)
    return gate


async def bound_name_is_deleted():
    async with Gate(1) as gate:
        await num(1)
        del gate
        await num(2)
    return gate


async def bound_name_is_captured():
    async with Gate(1, given=1) as a:
        def more():
            nonlocal a
            a += 1
            return a

        more()
        await num(1)
        see(more() + a)
    return a


async def is_unbound_where_entering_raised():
    try:
        async with Gate(1, "enter") as gate:
            await num(1)
    except Bad:
        pass
    await num(2)
    return gate


# ---- several items, and their expressions


async def several_items():
    async with Gate(1) as a, Gate(2, given=a) as b, Gate(3):
        await num(1)
        see((a is b, a))
    return a, b


async def several_items_in_parentheses():
    async with (
        Gate(1) as a,
        Gate(await num(2)) as b,
    ):
        await num(1)
        raise Oops("raised")


async def awaits_in_the_expressions():
    async with Gate(await num(1) + await num(2)) as a, Gate((a, await num(3))) as b:
        await num(4)
    return a, b


async def walrus_in_the_expression():
    async with (gate := Gate(1)):
        await num(gate.name)
    return gate


async def lazy_expression():
    async with Gate(1, given=7) as a, (Gate(2) if await flag(1) else Gate(3)) as b:
        await num(a)
    return b


async def gate_is_made_before():
    gate = Gate(await num(1))
    for i in range(2):
        async with gate:
            gate.name += 1
            await num(i)
    return gate


async def same_gate_twice():
    gate = Gate([0])
    async with gate, gate as again:
        gate.name.append(await num(1))
        see(gate is again)
    return gate.name


async def gate_is_forgotten_and_bound_anew():
    gate = Gate(1)
    async with gate:
        gate = Gate(2)
        await num(1)
        async with gate:
            gate = None
            await num(2)
    return gate


async def operands_wait_inside():
    async with Gate(1):
        return see(1) + await num(1) * see(2) + await num(2), [see(3), await num(3)]


async def conditions_inside_and_outside():
    if await flag(1):
        async with Gate(1):
            if await flag(2):
                see("yes")
            elif await flag(3):
                return see("elif")
            else:
                see("no")
    else:
        async with Gate(2):
            see("never")
    return "end"


async def match_inside_and_around():
    match await pair(1):
        case (a, b) if a < b:
            async with Gate(a):
                match await num(b):
                    case 0:
                        return see("zero")
                    case other:
                        see(other)
        case _:
            async with Gate("other"):
                see("other")
    return a, b


async def plain_with_inside():
    async with Gate(1):
        with Guard(1):
            see("inside")
        await num(1)
        with Guard(2, True):
            boom(5)
        await num(2)


async def deep():
    async with Gate(1):
        for i in range(2):
            async with Gate((1, i)):
                try:
                    async with Gate((2, i), "cause"):
                        if i:
                            await risky(2)
                        await num(i)
                except Oops as error:
                    async with Gate((3, i)):
                        await num(3)
                        see(error)
                        continue
                finally:
                    async with Gate((4, i)):
                        await num(4)
        else:
            async with Gate(5):
                await num(5)
    return i
