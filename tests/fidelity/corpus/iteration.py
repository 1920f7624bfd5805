"""Iterators that live across awaits: positions, laziness, and what happens when the thing walked changes."""

from collections import deque
from itertools import count

from tests.fidelity.prelude import *


async def list_that_grows():
    xs = [1, 2]
    for x in xs:
        if len(xs) < 6:
            xs.append(x * 10)
        await num(x)
    return xs


async def list_that_shrinks():
    xs = [1, 2, 3, 4, 5]
    for x in xs:
        await num(x)
        xs.remove(x)
    return xs


async def list_with_an_insert_in_front():
    xs = [1, 2]
    seen = []
    for x in xs:
        seen.append(x)
        await num(x)
        if len(xs) < 5:
            xs.insert(0, 9)
    return xs, seen


async def list_whose_name_is_bound_anew():
    xs = [1, 2, 3]
    seen = []
    for x in xs:
        xs = [7, 8]
        seen.append(x)
        await num(x)
    return xs, seen


async def list_walked_by_alias():
    xs = [1]
    ys = xs
    for x in xs:
        if len(ys) < 4:
            ys.append(x + 1)
        await num(x)
    return xs


async def exhausted_list_iterator_stays_exhausted():
    xs = [1]
    seen = []
    for x in xs:
        seen.append(x)
        await num(x)
    xs.append(2)
    return seen


async def reversed_list():
    xs = [1, 2, 3]
    seen = []
    for x in reversed(xs):
        seen.append(x)
        await num(x)
        if len(xs) > 1:
            xs.pop(0)
    return seen, xs


async def dict_that_grows():
    d = {"a": 1, "b": 2}
    for key in d:
        await num(d[key])
        d[key + "x"] = 1


async def dict_that_shrinks():
    d = {"a": 1, "b": 2}
    for key in d:
        await num(1)
        d.pop(key)


async def dict_that_grows_in_its_last_turn():
    d = {"a": 1}
    for key in d:
        await num(1)
        d["b"] = 2
    return key


async def dict_that_changes_size_and_back():
    d = {"a": 1, "b": 2}
    seen = []
    for key in d:
        seen.append(key)
        await num(1)
        d["b"] = d.pop("b", 0) + 1
    return seen, d


async def dict_values_change():
    d = {"a": 1, "b": 2, "c": 3}
    seen = []
    for key, value in d.items():
        seen.append((key, value))
        await num(value)
        d["c"] = 30
    for value in d.values():
        seen.append(value)
        await num(value)
    for key in d.keys():
        seen.append(key)
        await num(1)
    for key in reversed(d):
        seen.append(key)
        await num(2)
    for item in reversed(d.items()):
        seen.append(item)
        await num(3)
    return seen


async def dict_emptied():
    d = {"a": 1}
    for _ in d.items():
        await num(1)
        d.clear()


async def set_order_is_frozen():
    q = {3, 1, 2}
    seen = []
    for x in q:
        seen.append(x)
        await num(x)
    return seen == list(q), sorted(seen)


async def set_of_strings():
    q = set(["one", "two", "three", "four"])   # a literal is a constant, whose order is the compiler's
    left = set(q)
    for x in q:
        left.remove(x)
        await num(1)
    return left


async def set_that_changes():
    q = {1, 2, 3}
    try:
        for x in q:
            await num(x)
            q.add(6)
    except RuntimeError as error:
        return str(error)


async def ranges():
    seen = []
    for i in range(3):
        seen.append(i)
        i = await num(9)
    for i in range(10**30, 10**30 + 3 * 10**29, 10**29):
        seen.append(await num(1) + i)
    for i in range(3, -3, -2):
        seen.append(i)
        await num(i)
    for i in range(0):
        await num(i)
    return seen, i


async def text_and_bytes():
    seen = []
    for c in "a\u20acb":
        seen.append(c)
        await num(1)
    for c in b"xy":
        seen.append(await num(c))
    for c in (1, "t", None):
        seen.append(c)
        await num(2)
    return seen


async def enumerated():
    xs = ["a", "b"]
    seen = []
    for i, x in enumerate(xs):
        seen.append((i, x))
        await num(i)
        if len(xs) < 4:
            xs.append(x)
    for i, x in enumerate(await items(3), start=await num(5)):
        seen.append((i, x))
        await num(i)
    return seen


async def zipped():
    xs, ys = [1, 2, 3], "ab"
    seen = []
    for x, y in zip(xs, ys):
        seen.append((x, y))
        await num(x)
    for x in zip():
        seen.append(x)
    for x in zip(xs, range(9), enumerate(ys)):
        seen.append(x)
        await num(x[0])
    try:
        for x, y in zip(xs, ys, strict=True):
            await num(x)
    except ValueError as error:
        see(str(error))
    return seen


async def zip_takes_from_the_first_one_too_much():
    first, second = map(see, [1, 2, 3]), map(see, [7])
    for x in zip(first, second):
        await num(x[0])
    return list(first), list(second)


async def mapped_lazily():
    for x in map(see, [1, 2, 3]):
        await num(x)
        if x == 2:
            break
    seen = []
    for x in map(lambda a, b: see(a + b), [1, 2, 3], [10, 20]):
        seen.append(x)
        await num(x)
    return seen


async def filtered_lazily():
    seen = []
    for x in filter(see, [0, 1, 0, 2]):
        seen.append(x)
        await num(x)
    for x in filter(None, [0, 3, "", "a"]):
        seen.append(x)
        await num(1)
    for x in filter(lambda v: v > (seen.append("asked") or 1), [1, 2, 3]):
        seen.append(x)
        await num(x)
    return seen


async def error_in_a_mapped_function():
    try:
        for x in map(boom, [3, 4, 0, 9]):
            await num(x)
    except Oops as error:
        see(error)
        await num(1)
    it = map(boom, [3, 0, 4])
    next(it)
    await num(2)
    try:
        next(it)
    except Oops:
        await num(3)
    return next(it)


async def counted():
    seen = []
    for i in count(await num(3), 2):
        seen.append(i)
        if len(seen) > 3:
            break
        await num(i)
    for i, x in zip(count(), "ab"):
        seen.append((i, x))
        await num(i)
    return seen


async def nested_iterators():
    xs = [1, 2, 3]
    seen = []
    for i, (x, (y, z)) in enumerate(zip(xs, enumerate(map(lambda v: v * 2, reversed(xs)), 5))):
        seen.append((i, x, y, z))
        await num(i)
        xs.append(9) if len(xs) < 5 else None
    return seen


async def iterator_in_a_variable():
    it = enumerate(["a", "b", "c"])
    see(next(it))
    await num(1)
    see(next(it))
    await num(2)
    for pair_ in it:
        see(pair_)
        await num(3)
    return next(it, "end")


async def two_names_of_one_iterator():
    it = zip([1, 2, 3, 4], "abcd")
    other = it
    next(it)
    await num(1)
    next(other)
    await num(2)
    return list(it), list(other), it is other


async def loop_over_an_iterator_that_the_body_advances():
    it = map(see, [1, 2, 3, 4, 5])
    for x in it:
        await num(x)
        see(next(it, "end"))
    return x


async def two_loops_over_one_iterator():
    it = filter(None, [1, 2, 3])
    for x in it:
        await num(x)
        break
    for y in it:
        await num(y)
    return x, y


async def nested_loops_over_one_list():
    xs = [1, 2, 3]
    seen = []
    for x in xs:
        for y in xs:
            seen.append((x, y))
            if await num(y) > 5:
                break
            xs.append(4) if len(xs) < 4 else None
    return seen


async def target_is_a_place():
    xs, box, d = [0, 0], Box(), {}
    for xs[at(await num(0) % 2)] in [1, 2]:
        await num(xs[0])
    for spot(box).value, *box.items in [(1, 2), (3, 4, 5)]:
        await num(box.value)
    for d["k"] in "ab":
        await num(1)
    return xs, box, d


async def target_does_not_fit():
    seen = []
    try:
        for a, b in [(1, 2), (3,)]:
            seen.append((a, b))
            await num(a)
    except ValueError as error:
        see(str(error))
    return seen, a, b


async def not_iterable():
    try:
        for x in await num(1):
            see(x)
    except TypeError as error:
        see(str(error))
    return await nothing(2)


async def iterable_is_evaluated_once():
    for x in see([1, 2]):
        await num(x)
    for x in await items(see(3)):
        await num(x)
    for x in [see(1), await num(2), *await items(1)]:
        see(x)
    return x


async def any_iterator_between_awaits():
    total = 0
    for x in (y * 2 for y in [1, 2, 3]):
        total += x
    await num(total)
    for line in iter(lambda: len(str(total)) and 0, 0):
        see(line)
    with Guard(1):
        for x in iter([1, 2]):
            total += x
    return total, sum(x for x in iter([await num(2)]))


async def deque_is_walked():
    q = deque([1, 2, 3])
    seen = []
    for x in list(q):
        seen.append(x)
        await num(x)
    q.append(4)
    return seen, q, [x for x in q]


async def loop_variable_after_the_loop():
    for i, x in enumerate("ab"):
        await num(i)
    for i in []:
        pass
    return i, x


async def break_leaves_the_rest():
    it = enumerate("abc")
    for i, _ in it:
        if await num(i) or i == 1:
            break
    await num(1)
    return list(it)


async def sorted_and_copies():
    xs = await items(3)
    for x in sorted(xs, reverse=True):
        xs.append(x)
        await num(x)
    for x in xs[:]:
        xs.remove(x)
        await num(x)
    for x in list({1: 2}):
        await num(x)
    return xs


async def loop_in_a_handler():
    for i in range(2):
        try:
            await risky(i)
        except Oops:
            for j in range(2):
                try:
                    await risky(2)
                except KeyError:
                    handling()
                    await num(j)
                handling()
        handling()
    return i, j


async def million_is_lazy():
    for i in range(10**12):
        if await num(i) or i > 2:
            break
    for i in enumerate(range(10**12)):
        if i[0] > 1:
            break
        await num(1)
    return i


async def unpacked_iterator():
    it = enumerate([1, 2, 3])
    first = next(it)
    await num(1)
    a, *rest = it
    return first, a, rest, list(it), mix(*map(see, [1, await num(2)]))


async def while_with_next():
    it = zip("abc")
    seen = []
    while (x := next(it, None)) is not None:
        seen.append(x)
        await num(len(seen))
    return seen


async def map_over_a_local_function():
    base = 10

    def add(x):
        nonlocal base
        base += 1
        return base + x

    seen = []
    for x in map(add, [1, 2, 3]):
        seen.append(x)
        base += await num(1)
    return seen, base


async def deque_waits():
    q = deque([1, 2, 3])
    seen = []
    for x in q:
        seen.append(x)
        await num(x)
    for x in reversed(q):
        seen.append(x)
        await num(x)
    try:
        for x in q:
            await num(x)
            q.append(4)
    except RuntimeError as error:
        return seen, str(error)
