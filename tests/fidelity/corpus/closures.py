"""A captured variable is one cell, shared by the workflow and by every local function, across awaits."""

from tests.fidelity.prelude import *


async def lambda_sees_later_assignments():
    a = 1
    f = lambda: a
    see(f())
    a = await num(1)
    see(f())
    a += 1
    await num(2)
    return f(), a


async def nonlocal_reaches_the_workflow():
    total = 0

    def add(n):
        nonlocal total
        total += n
        return total

    add(await num(1))
    await num(2)
    add(5)
    see(total)
    total = 100
    await num(3)
    return add(await num(4)), total


async def two_functions_share_one_cell():
    count = 0

    def up():
        nonlocal count
        count += 1

    def read():
        return count

    pairs = [up, read]
    await num(1)
    up()
    pairs[0]()
    await num(2)
    return read(), pairs[1](), count, pairs[0] is up


async def lambdas_of_a_loop_share_its_variable():
    fs = []
    for i in range(3):
        await num(i)
        fs.append(lambda: i)
    before = [f() for f in fs]
    i = await num(9)
    return before, [f() for f in fs]


async def defaults_freeze_the_value():
    fs = []
    for i in range(3):
        fs.append(lambda j=i, *, k=await num(i): (i, j, k))
    await num(5)
    return [f() for f in fs]


async def comprehension_has_cells_of_its_own():
    i = "outer"
    fs = [lambda: i for i in range(3)]
    gs = [(lambda j: lambda: (i, j))(j) for j in "ab"]
    await num(1)
    i = "changed"
    return [f() for f in fs], [g() for g in gs], i


async def factory():
    def make(start):
        def step(by=1):
            nonlocal start
            start += by
            return start

        return step, lambda: start

    step, read = make(await num(1))
    other, _ = make(10)
    step()
    await num(2)
    step(by=await num(3))
    other()
    return read(), step(), other(), read()


async def recursion():
    def factorial(n):
        return 1 if n <= 1 else n * factorial(n - 1)

    await num(1)
    return factorial(await num(2) + 4)


async def mutual_recursion():
    def even(n):
        return n == 0 or odd(n - 1)

    await num(1)

    def odd(n):
        return n != 0 and even(n - 1)

    await num(2)
    return even(10), odd(7), even(await num(3) + 4)


async def function_before_its_variable():
    def read():
        return later

    try:
        read()
    except NameError as error:
        see((type(error), str(error)))
    await num(1)
    try:
        read()
    except NameError as error:
        see((type(error), str(error)))
    later = await num(2)
    a = read()
    del later
    try:
        return a, read()
    except NameError as error:
        see((type(error), str(error)))
    try:
        return later
    except UnboundLocalError as error:
        return str(error)


async def redefinition():
    def f():
        return "first"

    kept = f
    await num(1)

    def f():
        return "second", kept()

    await num(2)
    return f(), kept(), f is kept


async def function_over_mutable_values():
    xs = []
    add = xs.append
    push = lambda x: xs.append(x)
    push(await num(1))
    add(await num(2))
    alias = xs
    await num(3)
    push(3)
    add(4)
    xs = ["new"]
    push(5)
    add(6)
    return xs, alias


async def function_in_containers():
    a = 1
    table = {"f": lambda: a, "g": [lambda: a + 1]}
    box = Box(table["f"])
    await num(1)
    a = 10
    await num(2)
    return table["f"](), table["g"][0](), box.value(), box.value is table["f"]


async def function_attributes_and_names():
    def f(a, b=2, *rest, c, d=4, **options):
        """A documentation."""
        return a, b, rest, c, d, options

    await num(1)
    return f.__name__, f.__qualname__, f.__doc__, f(1, c=3), f(1, 2, 3, c=4, e=5), f.__defaults__, f.__kwdefaults__


async def wrong_call_of_a_local_function():
    def f(a, *, b):
        return a, b

    await num(1)
    try:
        f()
    except TypeError as error:
        see(str(error))
    return f(1, 2)


async def generator_function():
    a = 1

    def numbers():
        yield a
        yield from (a + i for i in range(2))

    first = list(numbers())
    a = await num(1)
    return first, list(numbers()), sum(x for x in numbers())


async def parameters_are_captured(a, *rest, k=1, **options):
    f = lambda: (a, rest, k, options)
    a = await num(1)
    rest = (*rest, 9)
    k += 1
    options["z"] = await num(2)
    return f()


async def parameter_that_is_nonlocal(a, b):
    def bump():
        nonlocal a
        a += b
        return a

    bump()
    b = await num(1)
    bump()
    await num(a)
    return a, bump()


async def loop_variable_is_nonlocal():
    seen = []

    def skip():
        nonlocal i
        i += 10

    for i in [1, 2, 3]:
        await num(i)
        skip()
        seen.append(i)
    return seen, i


async def nonlocal_in_two_levels():
    a = 1

    def outer():
        b = 10

        def inner():
            nonlocal a, b
            a += 1
            b += 1
            return a, b

        return inner

    inner = outer()
    inner()
    await num(1)
    a = 100
    return inner(), inner(), a


async def exception_variable_is_captured():
    try:
        await risky(0)
    except Oops as error:
        f = lambda: error.args
        see(f())
        await num(1)
        see(f())
    try:
        return f()
    except NameError as error:
        return str(error)


async def walrus_of_a_comprehension_is_captured():
    f = lambda: last
    xs = [last := x for x in [1, 2, 3]]
    await num(1)
    return xs, f(), [last := last + x for x in xs], f()


async def class_free_function_with_globals():
    def look():
        return Color.RED, len([1]), see

    await num(1)
    return look()[:2]


async def same_lambda_of_two_turns():
    fs = []
    n = 0
    while n < 3:
        fs.append(lambda k, n=n: (n, k))
        n += 1
        await num(n)
    return [f(7) for f in fs]


async def dead_cell_is_still_shared():
    a = [1]

    def keep():
        return a

    def change(x):
        nonlocal a
        a = x

    del a
    change(await num(1))
    await num(2)
    return keep()


async def conditional_definition():
    if await flag(0):

        def f():
            return "yes"

    else:
        f = lambda: "no"
    await num(1)
    return f()


async def decorator_keeps_or_replaces():
    @wrap(1)
    def f():
        return 1

    @(lambda function: [function, "replaced"])
    def g():
        return f()

    await num(1)
    return f(), g[0](), g[1]


async def sorting_with_a_key():
    xs = await items(3)
    weight = {0: 3}
    xs.sort(key=lambda x: weight.get(x, -x))
    await num(1)
    return xs, sorted(xs, key=lambda x: weight.setdefault(x, x)), max(xs, key=lambda x: -x, default=None), weight


CALLS = {
    "parameters_are_captured": ((1, 2, 3), {"k": 4, "x": 5}),
    "parameter_that_is_nonlocal": ((1, 2), {}),
}
