"""Comprehensions, shadowed names, and the same name in several scopes."""

from tests.fidelity.prelude import *

x = "global x"
helper_list = [1, 2, 3]


async def comprehension_variable_is_its_own():
    x = await num(1)
    xs = [x for x in range(3)]
    ys = {x: y for x in range(2) for y in range(2)}
    return x, xs, ys, list(x for x in "ab"), {x for x in "cd"}


async def comprehension_reads_the_workflow():
    a, xs = await num(1), await items(3)
    f = lambda v: v + a
    out = [f(v) * a for v in xs if v != a]
    a = await num(2)
    return out, [[v + w + a for w in xs] for v in xs], [v for v in [a, *xs] if (w := v) or True], w


async def generator_is_lazy():
    xs = [1, 2]
    gen = (see(v) for v in xs)
    first = next(gen)
    rest = list(gen)
    await num(1)
    return first, rest


async def global_beside_a_comprehension():
    ys = [x for _ in range(2)]
    await num(1)
    return ys, x, [helper_list[i] for i in range(2)], any(x == "global x" for _ in [1])


async def nested_functions_shadow():
    a = await num(1)

    def f(a):
        def g():
            return a

        a += 1
        return g

    g = f(10)
    await num(2)
    return g(), a, (lambda a: a)(5), [a for a in (lambda: [a, a])()], a


async def comprehension_raises():
    try:
        return [boom(v) for v in [3, 4, await num(0) * 0, 9]]
    except Oops as error:
        await num(1)
        return error.args


async def comprehension_in_a_handler():
    try:
        await risky(0)
    except Oops as error:
        found = [(error.args, handling()) for _ in range(2)]
        await num(1)
        return found, [error.args for _ in range(1)]


async def comprehension_with_unbound_name():
    try:
        see([later for _ in range(1)])
    except NameError as error:
        see((type(error), str(error)))
    await num(1)
    try:
        see([later for _ in range(1)])
    except NameError as error:
        see((type(error), str(error)))
    later = 1
    return later


async def double_underscore_names():
    __private = await num(1)
    _ = await num(2)
    f = lambda: (__private, _)
    await num(3)
    return f()


async def names_of_the_machine():
    state = checkpoint = value = sent = self = cell = outcome = variables = advance = await num(1)
    frame, result, resume, slot, region, handler = "abcdef"
    await num(2)
    return state, checkpoint, value, sent, self, cell, outcome, variables, advance, frame, result, resume, slot, region, handler


async def unicode_names():
    größe = await num(1)
    ﬁne = await num(2)
    f = lambda: größe + fine
    await num(3)
    return f(), größe, fine


async def imports_inside():
    import math as m
    from os.path import join

    a = m.floor(2.5), join("a", "b")
    return a, await num(1)


async def docstring_and_strings():
    """A documentation with {braces} and 'quotes'."""
    text = '''triple
        indented   
    "quoted"
'''
    await num(1)
    return text, "a" "b", r"\n", b"x", f"{text!r}", 'it''s', "\N{EURO SIGN}\x41\
continued"


async def one_line(): return see(1) + await num(2)


async def several_on_a_line():
    a = await num(1); b = await num(2); see((a, b))
    if a: await num(3); see("yes")
    else: see("no")
    for i in (1, 2): await num(i)
    return a, b


async def long_expression_over_lines():
    return mix(
        see(1),
        await num(
            see(2),
        ),
        *[
            see(3),
            await num(4),
        ],
        key=await num(5)
        if see(6)
        else see(7),
    )


async def conditional_import_of_a_name():
    if await flag(1):
        value = 1
    else:
        value = 2
    del value
    value = [value for value in range(2)]
    await num(2)
    return value


async def type_annotations_everywhere(a: int, *rest: "Box", k: list[int] | None = None) -> tuple[int, ...]:
    b: dict[str, int] = {}
    c: "undefined" = await num(1)
    b["c"]: int = c
    return a, rest, k, b


async def pass_and_ellipsis():
    pass
    ...
    "a string"
    1 + 1
    await num(1)
    None


async def liveness_through_a_loop():
    a = b = c = 0
    for i in range(3):
        a, b, c = b, c, await num(i)
        if i == 1:
            d = a
    return a, b, c, d


async def liveness_into_a_handler():
    a = 1
    try:
        a = 2
        await num(1)
        a = 3
        await risky(0)
        a = 4
    except Oops:
        await num(2)
        return a


async def liveness_into_a_finally():
    done = []
    step = "none"
    try:
        step = "one"
        done.append(await num(1))
        step = "two"
        done.append(await num(2))
    finally:
        await num(3)
        see((step, done))
    return step

async def local_class():
    a = await num(1)

    class Local:
        kept = a
        both = [v for v in (a, a)]

        def method(self):
            return a, self.kept

    found = Local().method(), Local.both, Local.__name__, Local.__qualname__
    await num(2)
    return found


async def modules_live_on():
    import math
    import os.path as path
    from math import floor as down

    a = await num(1)
    return math.floor(a + 0.5), path.basename("a/b"), down(2.5), math is __import__("math")


async def starred_here_and_there():
    xs = await items(3)
    for x in *xs, await num(1):
        see(x)
    d = {(1, *xs): 1}
    p = 0, *xs, *await items(2), await num(3)
    return *p, d, *xs


CALLS = {"type_annotations_everywhere": ((1, 2), {"k": [3]})}
