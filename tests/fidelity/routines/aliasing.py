"""What a routine shares with its caller is still shared after both were stored."""

from tests.fidelity.prelude import *


async def _append(xs, x):
    xs.append(x)
    await num(x)
    xs.append(await num(x + 1))
    return xs


async def _keep(box):
    box.items.append(box)
    await num(1)
    box.value = len(box.items)


async def _swap(pair):
    left, right = pair
    await num(1)
    left.append(right)
    await num(2)
    right.append(3)


async def _rebinds(xs):
    xs = xs + [1]
    await num(1)
    xs.append(2)
    return xs


async def _walk(iterator):
    found = []
    for x in iterator:
        found.append(x)
        await num(x)
        if len(found) == 2:
            break
    return found


async def _deep(xs, depth):
    xs.append(depth)
    if depth:
        await _deep(xs, depth - 1)
    await num(depth)
    xs.append(-depth)


async def _default(x, xs=None):
    xs = [] if xs is None else xs
    xs.append(await num(x))
    return xs


async def _frees(d):
    for key in list(d):
        await num(1)
        del d[key]


async def the_callers_list_grows():
    xs = [0]
    ys = await _append(xs, 1)
    see((xs, ys is xs))
    await num(1)
    ys.append(9)
    return xs, ys is xs


async def an_object_that_holds_itself():
    box = Box()
    await _keep(box)
    await num(1)
    return box.items[0] is box, box.value


async def two_lists_in_a_tuple():
    a, b = [], []
    await _swap((a, b))
    await num(1)
    b.append(4)
    return a, b, a[0] is b


async def rebinding_is_the_routines_own():
    xs = [0]
    ys = await _rebinds(xs)
    await num(1)
    return xs, ys, xs is ys


async def an_iterator_is_walked_by_both():
    walk = iter([1, 2, 3, 4, 5, 6])
    a = await _walk(walk)
    see(next(walk))
    await num(1)
    b = await _walk(walk)
    return a, b, list(walk)


async def a_map_over_a_list_that_grows():
    xs = [1, 2]
    walk = map(str, xs)
    await _append(xs, 5)
    return await _walk(walk), list(walk), xs


async def through_many_frames():
    xs = []
    await _deep(xs, 4)
    return xs


async def a_list_of_results():
    a = await _default(1)
    b = await _default(2, a)
    c = await _default(3)
    return a, b, c, a is b


async def a_dict_that_shrinks():
    d = {"a": 1, "b": 2, "c": 3}
    view = d.items()
    see(list(view))
    await _frees(d)
    return d


async def one_value_twice():
    xs = [1]
    await _swap((xs, xs))
    return len(xs), xs[1] is xs
