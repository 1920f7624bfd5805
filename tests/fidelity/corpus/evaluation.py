"""An await in the middle of an expression: what stands before it is evaluated before, what stands after it after."""

from tests.fidelity.prelude import *


async def operands():
    return see(1) + await num(see(2)) + see(3) * await num(see(4)) - see(5)


async def operand_that_changes_while_waiting():
    a = 1
    total = a + (await num(0)) * 0 + (a := 5) + a
    xs = [1]
    both = xs + [await num(1)] + xs
    return total, both, a


async def reads_come_before_the_await():
    a = 1

    def change():
        nonlocal a
        a = 10
        return 0

    return [a, change(), await num(1), a], a + change() + await num(2)


async def augmented_reads_first():
    x = 1

    def later():
        nonlocal x
        x = 100
        return num(2)

    x += await later()
    see(x)
    xs = [1, 2]
    xs += [await num(3)]
    box = Box(1)
    box.value += await num(box.value)
    spot(box).items += [await num(see(4))]
    d = {"k": 1}
    d[at("k")] += await num(d["k"])
    return x, xs, box, d


async def augmented_in_place_keeps_the_object():
    xs = ys = [1]
    xs += [await num(2)]
    shelf = other = Shelf()
    shelf += await num(3)
    q = r = {1}
    q |= {await num(4)}
    return xs is ys, ys, shelf is other, q is r, other, r


async def call_arguments():
    xs = [1, 2]
    d = {"k": 3}
    return mix(see(0), *xs, await num(1), *await items(2), see(4), key=see(5), **d, last=await num(6))


async def callee_is_evaluated_first():
    fs = [mix]
    result = spot(fs)[at(0)](await num(1), see(2))
    f = mix

    def replace():
        nonlocal f
        f = None
        return 1

    return result, f(replace(), await num(3))


async def bound_method_is_looked_up_first():
    box = Box(1, [1])
    kept = box
    first = box.grown(await num(see(2)))
    xs = [1]
    xs.append(await num(3))
    ys = xs

    def swap():
        nonlocal xs
        xs = ["other"]
        return 7

    xs.insert(swap() * 0, await num(4))
    return first, kept, xs, ys, "-".join([await word(1), "b"]), {}.get(await word(2), await num(5))


async def missing_method_is_noticed_before_the_argument():
    box = Box()
    try:
        box.missing(await num(see(1)))
    except AttributeError as error:
        see(str(error))
    try:
        nothing_here(await num(see(2)))
    except NameError as error:
        see(str(error))
    return None(await num(see(3)))


async def star_of_something_that_is_no_iterable():
    try:
        mix(*see(3), await num(see(1)))
    except TypeError as error:
        see(str(error))
    try:
        mix(**{"a": 1}, **{"a": await num(see(2))})
    except TypeError as error:
        see(str(error))
    return mix(**{1: await num(3)})


async def generator_is_drained_where_it_stands():
    xs = [1, 2]
    return mix(*(see(x) for x in xs), await num(xs.append(3)), *(see(x) for x in xs))


async def displays():
    d = {see("a"): await num(see(1)), see("b"): see(2), **await table(3), await word(4): see(5)}
    q = {see(1), await num(2), see(3), *await items(3)}
    xs = [see(0), *await items(2), see(1), await num(3), *d]
    p = see(1), await num(2), *xs
    return d, q, xs, p


async def unhashable_key_is_noticed_in_turn():
    return {see("a"): 1, see([]): await num(see(2)), see("c"): 3}


async def unhashable_element():
    return {await num(1), see([]), await num(2)}


async def subscripts():
    xs = [[1, 2, 3], [4, 5, 6]]
    a = spot(xs)[await num(1)][at(await num(0)) % 2]
    b = xs[0][at(await num(0)) : at(await num(3)) : at(1)]
    c = (await items(see(3)))[at(0) :]
    return a, b, c, xs[see(1)][await num(9) % 3 :]


async def attributes_and_chains():
    box = (await crate(await num(1))).value + spot(await crate(2)).grown(await num(3))
    return box, (await word(1)).upper().lower()


async def formatted():
    a = await num(1)
    width = 6
    return (
        f"{see(a)}-{await num(2)}-{see(3)}",
        f"{await word(4):>{await num(5) + see(width)}}|{await num(6)!r:<{width}}|",
        f"{await num(7) = }",
        f"{{literal}} {await word(8)!s}",
        f"{await num(9):03d}" f"{see('x')!a}" "tail",
    )


async def format_happens_in_turn():
    shelf = Box([1])
    return f"{shelf.value}{await nothing(shelf.value.append(2))}{shelf.value}"


async def format_error_in_turn():
    return f"{see(1):d}{see('x'):d}{await num(see(2))}"


async def unary_and_comparison():
    return -await num(1), not await flag(0), ~(await num(2)) < see(3), (await num(4)) in [see(5), await num(6)]


async def nested_awaits():
    return await num(await num(await num(see(1)) + see(2)) + see(3))


async def awaitable_of_a_conditional():
    return await (num(see(1)) if await flag(1) else word(see(2)))


async def walrus_in_turn():
    return (a := await num(1)) + a, [b := see(2), await num(b), (b := b + 1), b]


async def call_that_is_held_in_a_variable():
    first, second = num(1), word(2)
    third = await num(3)
    return await second, await first, third


async def the_same_call_awaited_twice():
    call = num(1)
    return await call, await call


async def await_of_what_cannot_be_awaited():
    try:
        await see(3)
    except TypeError as error:
        see(str(error))
    return await None


async def lambda_and_default_are_evaluated_here():
    f = lambda p=await num(see(1)), *, k=await num(see(2)): (p, k)
    return f(), f(3, k=await num(4))


async def decorators_defaults_and_annotations_in_turn():
    @wrap(await num(see(1)))
    @wrap(see(2))
    def f(p: see("annotation") = await num(see(3)), *, k=await num(see(4))) -> see("result"):
        return p, k

    return f()


async def comprehension_over_something_awaited():
    xs = await items(3)
    return [see(x) for x in xs if x], {x: y for x in xs for y in xs}, {x % 2 for x in xs}


async def division_by_zero_is_raised_where_it_stands():
    return see(1) // (await num(1) * 0) + await num(see(2))


async def matrix_of_operators():
    a, b = await num(7), await num(3)
    return a + b, a - b, a * b, a / (b + 1), a // (b + 1), a % (b + 1), a**2, a << b, a >> b, a & b, a | b, a ^ b


async def statement_of_a_tuple():
    see(1), await num(see(2)), see(3)
    return ...


async def iterable_of_a_comprehension_is_evaluated_here():
    return (
        [see(x) for x in await items(3)],
        {x: x for x in [see(1), await num(2)]},
        sum(x for x in (await items(2) or [await num(4)])),
        mix(*(x for x in await items(3)), await num(5)),
        [[y for y in [x]] for x in await items(2)],
    )


async def first_manager_of_a_with_may_be_awaited():
    with Guard(await num(see(1))) as a, Guard(see(a)) as b:
        see((a, b))
    with Guard(await flag(1), True):
        raise Oops(1)
    return a, b


async def iterators_between_two_awaits_of_an_expression():
    xs = [1, 2, 3]
    e = (enumerate(xs), await num(1))[0]
    first = next(e)
    return [zip(xs, "abc"), await num(2), map(see, xs)][0].__next__(), first, list(e), next((reversed(xs), await num(3))[0])


counter = 0


def set_counter(value):
    global counter
    counter = value
    return 0


async def global_is_read_before_the_await():
    set_counter(1)
    total = counter + await num(set_counter(10)) * 0 + counter
    return total, counter, LIMIT * await num(2), max(await num(3), await num(4), key=lambda v: -v)


async def module_is_read_before_the_await():
    import math
    import os.path as path

    a = math.floor(await num(1) + 0.5)
    return a, path.join("a", await word(2)), math.pi > await num(3)
