"""Loops. Each one ends: a ``while`` counts with a variable of its own, a ``for`` walks something that cannot grow."""

from tests.fidelity.grammar.author import Author, Place, awaits, form, indented


@form("statement", 8)
def while_loop(author: Author, place: Place) -> list[str]:
    counter = author.counter()
    inner = place.inside(loop=True, nest=place.nest - 1)
    most = author.between(1, 3)
    condition = author.write("truth", place)
    style = author.among("count", "walrus", "forever")
    if style == "walrus":
        lines = [f"{counter} = 0", f"while ({counter} := {counter} + 1) <= {most} and {condition}:"]
        lines += author.block(inner)
    elif style == "count":
        lines = [f"{counter} = 0", f"while {counter} < {most} and {condition}:", f"    {counter} += 1"]
        lines += author.block(inner)
    else:
        lines = [f"{counter} = 0", "while True:", f"    {counter} += 1", f"    if {counter} > {most}:", "        break"]
        lines += author.block(inner)
    return lines + _otherwise(author, place)


def _otherwise(author: Author, place: Place) -> list[str]:
    return ["else:", *author.block(place, 2)] if author.chance(3) else []


# ---- what a for loop walks: (target, iterable)


@form("walk", 6, leaf=True)
def walk_list(author: Author, place: Place) -> str:
    return f"{author.write('target', place)} in {author.name('list')}"


@form("walk", 3)
def walk_ints(author: Author, place: Place) -> str:
    number, values = author.write("int", place), author.write("list", place)
    source = author.among(
        f"range({number} % 4)", "range(3, 0, -1)", "range(10**20, 10**20 + 2)", values, f"(*{values}, {number})",
        f"see({number}), *{values}", f"b'ab'[:{number} % 3]", author.write("tuple", place), f"reversed({values})",
    )  # fmt: skip
    return f"{author.write('target', place)} in {source}"


@form("walk", 3)
def walk_collection(author: Author, place: Place) -> str:
    values, table = author.write("list", place), author.write("dict", place)
    source = author.among(
        "q", author.write("set", place), f"{table}.values()", f"deque({values})", "reversed(deque(xs))"
    )
    return f"{author.write('target', place)} in {source}"


@form("walk", 3)
def walk_lazily(author: Author, place: Place) -> str:
    values = author.write("list", place)
    key = f"lambda j: {author.write('int', place.inside(awaits=False, walrus=False, names=('j',)))}"
    source = author.among(
        f"map({key}, {values})", f"filter({key}, {values})", f"filter(None, {values})", f"map(see, {values})",
        f"map(mix, {values}, {author.write('list', place)})", f"map(boom, {values})",
    )  # fmt: skip
    return f"{author.write('target', place)} in {source}"


@form("walk", 2)
def walk_strs(author: Author, place: Place) -> str:
    return author.name("str") + " in " + author.among(
        author.write("dict", place), f"{author.write('dict', place)}.keys()",
        f"reversed({author.write('dict', place)})", author.write("str", place), "d",
    )  # fmt: skip


@form("walk", 4)
def walk_pairs(author: Author, place: Place) -> str:
    first, second = author.write("target", place), author.write("target", place)
    values, other = author.write("list", place), author.write("list", place)
    return author.among(
        f"{first}, {second} in enumerate({values})",
        f"({first}, {second}) in enumerate({values}, {author.write('int', place)})",
        f"{first}, {second} in zip({values}, {other})",
        f"{first}, {second} in zip({values}, {other}, strict=True)",
        f"{first}, {second} in zip(count({author.write('int', place)}), {values})",
        f"s, {second} in {author.write('dict', place)}.items()",
        f"{first}, *ys in enumerate(xs)",
        f"p in zip({values}, reversed({other}))",
        f"{first}, ({second}, c) in enumerate(zip({values}, map(lambda j: j + 1, {other})))",
    )


@form("statement", 12)
def for_loop(author: Author, place: Place) -> list[str]:
    inner = place.inside(loop=True, nest=place.nest - 1)
    return [f"for {author.write('walk', place)}:", *author.block(inner), *_otherwise(author, place)]


@form("statement", 1)
def quiet_for_loop(author: Author, place: Place) -> list[str]:
    """No await inside: then any iterator will do."""
    inner = place.inside(loop=True, nest=place.nest - 1, awaits=False)
    target, values = author.write("target", place.quiet()), author.write("list", place.quiet().inside(walrus=False))
    source = author.among(f"(i + 1 for i in {values})", f"iter({values})", f"sorted({values}, key=lambda j: -j)")
    return [f"for {target} in {source}:", *author.block(inner), *_otherwise(author, place)]


@form("statement", 1, fits=awaits)
def changing_loop(author: Author, place: Place) -> list[str]:
    """The body changes what the loop walks."""
    change, header = author.among(
        "xs.append(a) if len(xs) < 5 else None | for a in xs",
        "xs.pop() if xs else None | for a in xs",
        "xs.insert(0, 7) if len(xs) < 5 else None | for a in xs",
        "xs.pop() if xs else None | for a in reversed(xs)",
        "xs.append(1) if len(xs) < 5 else None | for b, a in enumerate(xs)",
        "d.update(z=a) | for s in d",
        "d.pop(s, 0) | for s in d",
        "d[s].bit_length() and d.update({s: 5}) | for s, a in d.items()",
        "d.clear() | for a in d.values()",
        "q.add(6) | for a in q",
    ).split(" | ")
    pause = [f"await num({author.write('int', place)})"] if author.chance(8) else []
    return [f"{header}:", *indented([*pause, change, *author.statement(place.inside(loop=True, nest=0))])]


@form("statement", 1, fits=awaits)
def endless_loop(author: Author, place: Place) -> list[str]:
    counter = author.counter()
    body = author.block(place.inside(loop=True, nest=place.nest - 1))
    return [
        f"for {counter} in count({author.write('int', place)}):",
        f"    if {counter} % 4 == 3:",
        "        break",
        *body,
    ]


@form("statement", 1)
def held_iterator(author: Author, place: Place) -> list[str]:
    """An iterator in a variable, advanced by hand and then walked on."""
    values = author.write("list", place)
    source = author.among(
        f"enumerate({values})", f"zip({values}, [1, 2, 3])", f"map(see, {values})", f"filter(None, {values})",
        f"reversed({values})", f"range({author.write('int', place)} % 4).__iter__()", "count(2)",
    )  # fmt: skip
    lines = [f"it = {source}", "see(next(it, None))", *author.statement(place.inside(nest=0)), "see(next(it, None))"]
    if "count" not in source and author.chance(6):
        lines += ["for p in it:", *author.block(place.inside(loop=True, nest=place.nest - 1), 2)]
    return lines
