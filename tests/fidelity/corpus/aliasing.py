"""One object under several names stays one object, whatever is stored and loaded between."""

from collections import defaultdict, deque

from tests.fidelity.prelude import *


async def two_names():
    a = [1]
    b = a
    await num(1)
    b.append(await num(2))
    return a, a is b


async def inside_of_containers():
    inner = [1]
    outer = [inner, inner, {"k": inner}, (inner,), Box(inner)]
    await num(1)
    inner.append(2)
    outer[0].append(3)
    await num(2)
    return outer, outer[1] is inner, outer[2]["k"] is inner, outer[3][0] is inner, outer[4].value is inner


async def cycles():
    xs = [1]
    xs.append(xs)
    d = {}
    d["d"] = d
    box = Box()
    box.value = [box]
    await num(1)
    xs[1].append(2)
    return xs, d, box, xs[1] is xs, d["d"]["d"] is d, box.value[0] is box


async def tuple_in_a_cycle():
    xs = []
    p = (xs, 1)
    xs.append(p)
    await num(1)
    return p, xs, xs[0] is p


async def equal_but_not_the_same():
    a, b = [1], [1]
    await num(1)
    a.append(2)
    return a, b, a is b


async def argument_and_variable(xs, d):
    ys = xs
    d["xs"] = xs
    await num(1)
    ys.append(await num(2))
    return xs, d, d["xs"] is ys


async def arguments_that_share(a, b):
    a.append(1)
    await num(1)
    b.append(2)
    return a, b, a is b


async def outcome_is_the_workflow_s_own():
    xs = await items(3)
    ys = xs
    await num(1)
    xs.append(9)
    box = await crate(1)
    kept = box.items
    await num(2)
    kept.append(3)
    return ys, box, box.items is kept


async def payload_is_a_copy():
    xs = [1]
    ys = await echo(xs)
    ys.append(2)
    return xs, ys


async def temporary_and_variable():
    xs = [1]
    pair_ = (xs, await num(xs.append(2)), xs)
    return pair_, pair_[0] is pair_[2], pair_[0] is xs


async def mutation_of_a_temporary():
    box = Box(1, [1])
    return mix(box.items.append(2) or 1, await num(len(box.items)), len(box.items)), box


async def exception_and_its_arguments():
    xs = [1]
    try:
        raise Oops(xs)
    except Oops as error:
        kept = error
        await num(1)
        xs.append(2)
        error.args[0].append(3)
    await num(2)
    return xs, kept.args, kept.args[0] is xs


async def closures_and_variables():
    xs = [1]
    f = lambda: xs
    g = lambda ys=xs: ys
    await num(1)
    f().append(2)
    g().append(3)
    await num(2)
    xs.append(4)
    return xs, f() is xs, g() is xs


async def iterator_and_variable():
    xs = [1, 2]
    for i, x in enumerate(xs):
        if i == 0:
            await num(1)
            xs.append(3)
        see(x)
    return xs


async def containers_of_other_kinds():
    d = defaultdict(list)
    q = deque([1], maxlen=3)
    alias = d["a"]
    await num(1)
    alias.append(1)
    d["b"].append(await num(2))
    q.extend([2, 3, 4])
    return dict(d), q, q.maxlen, d["a"] is alias, d.default_factory


async def singletons():
    a, b, c, d = None, ..., NotImplemented, Color.RED
    await num(1)
    return a is None, b is ..., c is NotImplemented, d is Color.RED, Color.BLUE is not d


async def scalars():
    a, b, c, d, e = 1e20, -0.0, 10**40, 1 + 2j, b"\x00\xff"
    f, g, h = "\x00\ud800", float("inf"), True
    p, q, r = (), frozenset({1, 2}), {(1, 2): {3.5: None}, None: 1, True: 2}
    await num(1)
    return a, str(b), c, d, e, f, g, h, p, q, r, {type(x) for x in (a, b, c, d, e, f, g, h)} == {float, int, complex, bytes, str, bool}


async def classes_and_functions_as_values():
    kinds_of = [Oops, int, Box]
    function, method, builtin = mix, "a".upper, len
    await num(1)
    return kinds_of[0](1), function(1), method(), builtin([1]), kinds_of


async def nested_deeply():
    xs = leaf = []
    for _ in range(60):
        leaf.append([])
        leaf = leaf[0]
    await num(1)
    leaf.append("end")
    depth = 0
    while isinstance(xs, list):
        xs = xs[0]
        depth += 1
    return depth, xs


async def many_turns_of_a_growing_list():
    xs = []
    for i in range(40):
        xs.append({"turn": i, "value": await num(i)})
    return xs


async def large_values():
    text = "x" * 5000
    big = {"a": [text, text], "b": list(range(2000))}
    alias = big["b"]
    await num(1)
    alias.append("end")
    await num(2)
    return len(big["b"]), big["b"] is alias, big["a"][0] == text


SHARED = [1]

CALLS = {
    "argument_and_variable": (([1], {"k": 1}), {}),
    "arguments_that_share": ((SHARED, SHARED), {}),
}
