"""Assignment, in every form: the value first, then each target from left to right, with its own parts in order."""

from tests.fidelity.prelude import *


async def value_before_targets():
    xs = [0, 0]
    spot(xs)[at(0)] = await num(see(1))
    spot(xs)[at(await num(1) % 2)] = see(2)
    box = Box()
    spot(box).value = await num(see(3))
    (await crate(see(4))).value = see(5)
    return xs, box


async def several_targets():
    xs, box = [0, 0, 0], Box()
    a = xs[at(await num(0) % 3)] = spot(box).value = b = await num(see(1))
    return a, b, xs, box


async def target_uses_what_was_just_bound():
    xs = [0] * 5
    i = xs[i] = await num(1) % 5
    i, xs[i], i = 2, await num(7), 3
    return i, xs


async def unpacking():
    a, (b, *rest), c = await num(1), [see(2), *await items(3)], see(4)
    [d, *_] = 0, *await items(3)
    *head, tail = "xyz"
    (e,) = [await num(5)]
    return a, b, rest, c, d, head, tail, e


async def unpacking_to_places():
    xs, box, d = [0, 0, 0], Box(), {}
    xs[at(0)], spot(box).value, d[at(await word(1))], xs[await num(2) % 3] = see(1), await num(2), see(3), await num(4)
    spot(box).items[at(0) :], *xs[at(1) : at(2)] = [await items(2), see(6), await num(7)]
    return xs, box, d


async def swap():
    xs = [1, 2, 3]
    a, b = await num(1), await num(2)
    a, b = b, a
    xs[a % 3], xs[b % 3] = xs[b % 3], xs[a % 3]
    xs[0], xs[1] = await num(3), xs[0]
    return a, b, xs


async def too_few_values():
    a = b = "unset"
    try:
        a, b = await items(1)
    except ValueError as error:
        see(str(error))
    try:
        a, *b, c = [await num(1)]
    except ValueError as error:
        see(str(error))
    return a, b


async def too_many_values():
    xs = [0]
    try:
        xs[at(await num(0) * 0)], b = 1, 2, await num(3)
    except ValueError as error:
        see(str(error))
    return xs


async def half_done_unpacking():
    a = b = "unset"
    xs = []
    try:
        a, xs[at(await num(0))], b = see(1), await num(2), see(3)
    except IndexError as error:
        see(str(error))
    return a, b, xs


async def unpacking_what_is_no_iterable():
    a, b = await num(1)
    return a, b


async def annotated():
    a: int = await num(see(1))
    b: undefined_name = see(2)
    xs = [0]
    box = Box()
    xs[at(0)]: see("not evaluated") = await num(see(3))
    spot(box).value: int = await num(4)
    (c): int = see(5)
    return a, b, xs, box, c


async def annotation_alone_binds_nothing():
    a: int
    spot(Box()).value: int
    spot([await num(1)])[at(2)]: int
    return a


async def augmented_targets_are_evaluated_once():
    xs, box, shelf = [1, 2], Box(1), Shelf({3: 4})
    spot(xs)[at(await num(1) % 2)] += await num(see(2))
    spot(box).value -= await num(see(3))
    spot(shelf)[at(await num(3))] *= await num(see(4))
    spot(shelf).top += await num(5)
    (await crate(6)).value //= see(1) + await num(2)
    return xs, box, shelf


async def augmented_error_stores_nothing():
    shelf, a = Shelf(), "text"
    try:
        shelf[at(0)] += await risky(0)
    except Oops:
        see(shelf)
    try:
        a += await num(1)
    except TypeError as error:
        see(str(error))
    try:
        shelf[at(1)] += await word(2)
    except TypeError as error:
        see(str(error))
    return shelf, a


async def augmented_tuple_item():
    p = ([1], 2)
    try:
        p[at(0)] += [await num(3)]
    except TypeError as error:
        see(str(error))
    return p


async def deletion():
    xs, d, box, shelf = [1, 2, 3, 4], {"k": 1, "w2": 2}, Box(), Shelf({1: 1})
    del spot(xs)[at(await num(1) % 3)], d[await word(2)], spot(shelf)[at(await num(3))]
    del xs[at(0) : at(await num(1))]
    a = b = c = await num(4)
    del a, (b, [c])
    del box.value
    try:
        see(box.value)
        return xs, d, a
    except UnboundLocalError as error:
        return xs, d, str(error)


async def slices():
    xs = [1, 2, 3, 4, 5]
    xs[at(await num(1) % 2) : at(3)] = [await num(2), see(9)]
    xs[::2] = [await num(3), see(4), see(5)][: len(xs[::2])]
    xs[1:1] = await items(3)
    return xs


async def walrus_targets():
    if (n := await num(1)) > 0:
        see(n)
    xs = [y := await num(2), y**2, (z := y + n)]
    return xs, n, y, z, [last := x for x in xs], last


async def parameters(a, b=2, /, c=3, *rest, k, m=5, **options):
    a += await num(1)
    b, c = c, await num(b)
    rest += (await num(c),)
    options["k"] = k
    k = await num(m)
    return a, b, c, rest, k, m, options


async def mutable_default(xs=[]):
    ys = xs
    a = await num(1)
    return xs is ys, [*xs, a]


async def wrong_arguments(a):
    return a


CALLS = {
    "parameters": ((1, 2, 3, 4, 5), {"k": 6, "z": 7}),
    "wrong_arguments": ((1, 2), {}),
}
