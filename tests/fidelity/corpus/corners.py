"""Corners of the compiler that the other subjects do not reach."""

from os import path as os_path

from tests.fidelity.prelude import *


class Pairs:
    """A mapping that is no dict, and logs how it is read."""

    def keys(self):
        see("keys")
        return ["m", "n"]

    def __getitem__(self, key):
        return see(key)


def pairs():
    return Pairs()


async def slices_beside_an_await():
    xs = [1, 2, 3, 4, 5]
    shelf = Shelf()
    xs[at(0) : at(2)] += [await num(see(1))]
    xs[: at(await num(1))] += xs[at(await num(0)) : at(2) : see(1)]
    shelf[at(1), see("t")] += await num(2)
    shelf[at(await num(1)), 2:3] = await num(3)
    del xs[at(0) : at(await num(1)) : at(2)]
    return xs, shelf, xs[at(1) : await num(3)] + [await num(4)], "abcdef"[see(1) :][: await num(2)]


async def slice_of_three_in_a_tuple():
    shelf = Shelf()
    shelf[at(0) : see(1), at(2)] += await num(1)
    shelf[see(1) : await num(2), see(3)] += await num(4)
    return shelf


async def a_lone_star_before_an_awaited_keyword():
    xs = [1, 2]
    return mix(*see(xs), key=await num(1)), mix(*map(see, xs), key=await num(xs.append(3))), mix(*xs, **await table(2))


async def star_that_is_unpacked_by_the_call_itself():
    it = map(see, [1, 2])
    return mix(*it, key=await num(1)), list(it)


async def star_of_no_iterable_before_a_keyword():
    try:
        mix(*see(3), key=await num(see(1)))
    except TypeError as error:
        see(type(error))
    return mix(1, *see(3), key=await num(see(2)))


async def mappings_in_a_call():
    d = {"a": 1}
    return (
        mix(**d, key=await num(1)),
        mix(b=see(1), **d, c=await num(2), **{"e": see(3)}),
        mix(**pairs(), **d, key=await num(3)),
        mix(x=1, **pairs(), y=await num(4), **pairs()) if await flag(0) else 0,
    )


async def a_keyword_given_twice():
    try:
        mix(a=1, **{"a": see(2)}, key=await num(see(1)))
    except TypeError as error:
        see(str(error))
    try:
        mix(**{"a": 1}, **{"b": 2, "a": see(3)}, key=await num(see(2)))
    except TypeError as error:
        see(str(error))
    return mix(key=1, **{"key": await num(see(4))})


async def a_mapping_that_is_none():
    try:
        mix(**see(3), key=await num(see(1)))
    except TypeError as error:
        see(str(error))
    try:
        pow(**see(3), mod=await num(see(1)))
    except TypeError as error:
        see(str(error))
    return mix(**{"a": 1}, **await num(2))


async def keywords_that_are_no_strings():
    try:
        mix(**{1: 2}, key=await num(see(1)))
    except TypeError as error:
        see(str(error))
    return 1


async def function_with_a_documentation_and_attributes():
    def f(p, *, k=2):
        """First words."""
        return p, k

    f.calls = [1]
    f.alias = f.calls
    f.__doc__ = "other words"
    f.__name__ = "renamed"
    g = lambda: f.calls
    await num(1)
    f.calls.append(2)
    await num(2)
    return f.__doc__, f.__name__, f.__qualname__, f.alias is f.calls, g(), f(1), f(1, k=await num(3)), f.__kwdefaults__


async def function_whose_defaults_are_changed():
    def f(p=1, *, k=2):
        return p, k

    f.__defaults__ = ([5],)
    f.__kwdefaults__["k"] = 6
    await num(1)
    f.__defaults__[0].append(7)
    await num(2)
    return f(), f.__defaults__


async def unbound_methods():
    method, upper = Box.grown, str.upper
    box = Box(1, [1, 2])
    await num(1)
    return method(box, 3), upper("a"), dict.get({"k": 1}, "k"), list.append is [].append


async def bound_methods():
    xs, box, s = [1], Box(1), "a,b"
    add, grow, split = xs.append, box.grown, s.split
    keep = [add, add]
    await num(1)
    add(2)
    keep[0](3)
    return xs, grow(1), split(","), keep[0] == keep[1]


async def a_class_with_a_base_that_is_awaited():
    kinds_of = {1: dict, 2: list}

    class Local(kinds_of[await num(1) % 2 + 1], metaclass=[type, await num(2)][0]):
        both = [kinds_of, 1]

        @property
        def size(self):
            return len(self)

    found = Local([(1, 2)]).size, Local.__mro__[1]
    await num(3)
    return found


async def a_class_with_a_decorator():
    @(lambda cls: (cls.__name__, cls.value))
    class Local:
        value = (inner := 3) + 1

    await num(1)
    return Local


async def a_class_body_sees_no_variable_of_its_own_methods():
    a = await num(1)

    class Local:
        b = a
        c = [a for _ in [1]]
        a = b + 1

        def get(self):
            return a

    a = 10
    return Local.a, Local.b, Local.c, Local().get()


async def dict_comprehension_over_closures():
    a = 1
    d = {k: (lambda: (k, a)) for k in "ab"}
    await num(1)
    a = 2
    return [f() for f in d.values()], {(lambda: x)(): y for x, y in {"k": a}.items()}


async def augmented_name_that_may_be_unbound():
    n = 1
    if await flag(0):
        del n
    n += await num(1)
    del n
    try:
        n += 1
    except UnboundLocalError as error:
        see(str(error))
    n = await num(2)
    return n


async def delete_of_nested_targets():
    a, b, c, xs = 1, 2, 3, [1, 2, 3]
    del (a, [b, (c, xs[at(await num(0))])], xs[at(0)])
    return xs


async def annotations_with_awaits_in_their_targets():
    box = Box()
    spot(await crate(1)).value: int
    spot(box).value: int = await num(2)
    (await crate(3)).items[at(await num(0)) * 0]: int = see(4)
    [see(5)][await num(0) * 0]: "quoted"
    return box


async def starred_targets_of_every_kind():
    xs, box, d = [0, 0], Box(), {}
    a, *box.items, d[await word(1)] = 1, 2, 3, 4
    *xs[at(await num(1)) :], b = await items(3)
    [*d["k"], (c, *rest)] = 1, 2, (await num(5), 6, 7)
    return a, b, c, rest, xs, box, d


async def broken_walks_stay_broken():
    d, q = {"a": 1, "b": 2}, {1, 2, 3}
    walk_d, walk_q, walk_e = iter(d), iter(q), iter(deque([1, 2]))
    see((next(walk_d), next(walk_q), next(walk_e)))
    await num(1)
    d["c"] = 3
    q.add(4)
    for walk in (walk_d, walk_q):
        try:
            next(walk)
        except RuntimeError as error:
            see(str(error))
    await num(2)
    for walk in (walk_d, walk_q):
        try:
            next(walk)
        except RuntimeError as error:
            see(str(error))
    return list(walk_e)


async def exhausted_walks_stay_exhausted():
    xs, d, q = [1], {"a": 1}, {1}
    walks = [iter(xs), iter(d), iter(q), reversed(xs), enumerate(xs), zip(xs), map(see, xs), filter(None, xs), iter("a")]
    for walk in walks:
        see(list(walk))
    await num(1)
    xs.append(2)
    return [list(walk) for walk in walks]


async def walks_in_the_middle():
    xs, d, q = [1, 2, 3], {"a": 1, "b": 2}, {5}
    walks = [
        iter(xs), iter(d), iter(d.values()), reversed(d), reversed(d.items()), iter(q), reversed(xs), enumerate(xs, 5), zip(xs, d),
        map(see, xs), filter(None, xs), iter("ab"), iter(b"ab"), iter((1, 2)), iter(range(3)), iter(range(10**20, 10**20 + 3)),
        reversed("abc"), reversed((1, 2)), reversed(range(3)), iter(deque([1, 2])), reversed(deque([1, 2])), count(3), count(1, 2),
        enumerate(xs, 10**20), zip(count(), xs), iter("\u20ac\U0001f600"),
    ]
    see([next(walk) for walk in walks])
    await num(1)
    xs.append(4)
    found = []
    for walk in walks:
        found.append([value for value, _ in zip(walk, range(5))])
        await num(0)
    return found


async def zips_and_maps_that_share_an_iterator():
    it = map(see, [1, 2, 3, 4])
    for a, b in zip(it, it):
        await num(a + b)
        other = iter([it])
    return list(it), next(other) is it


async def while_with_a_break_in_native_code():
    n = 0
    while True:
        while True:
            n += 1
            if n % 2:
                break
            if n > 5:
                return n
        for _ in [1, 2]:
            if n == 3:
                continue
            break
        else:
            see("else")
        await num(n)


async def global_function_by_dotted_name():
    return os_path.join(see("a"), await word(1)), os_path.sep.join(["x", await word(2)]), Color.RED.value + await num(3)


async def except_clause_of_a_held_class():
    kind = Oops
    try:
        await risky(0)
    except (kind, await num(1) and KeyError) as error:
        return see(error)


async def try_in_try_in_handler_in_finally():
    try:
        try:
            raise KeyError(await num(1))
        finally:
            try:
                await risky(0)
            except Oops as e:
                see(e)
                try:
                    raise Bad(await num(2)) from e
                except Bad as e:
                    see(e)
                    handling()
                    await num(3)
                handling()
            handling()
    except KeyError as e:
        see(e)
        await num(4)
        handling()
        raise


async def conditional_expression_statement():
    (await num(1)) if await flag(1) else see(2)
    await flag(0) and see(3) or await num(4)
    (see(5), [await num(6)][0] if see(0) else {await num(7): 1})
    return not await flag(1) or -(await num(8))


async def lambda_in_a_default_of_a_lambda():
    f = lambda a=(lambda b=await num(1): b): a() + (lambda c: c)(2)
    g = lambda *args, k=f, **kw: (args, k(), kw)
    await num(2)
    return g(1, 2, z=await num(3))


async def string_of_every_kind():
    a = await num(1)
    return (
        f"{a!r:>{await num(4)}}{a:{'0'}{await num(5)}d}",
        f"{a if await flag(1) else see(2)!s:^5}",
        f"{ {'k': await num(6)}['k'] }" "tail" f'{a}',
        rf"\{await num(7)}\n",
        f"{a,}{(await num(8), a)!r}",
        "%s %s" % (see(a), await num(9)),
        "{} {}".format(see(a), await num(10)),
    )
