"""Statements that bind, change or delete: every form of target, with effects and awaits inside."""

from tests.fidelity.grammar.author import Author, Place, awaits, form

TYPED = ("int", "int", "list", "str", "dict", "set", "tuple", "box")


# ---- targets of an int


@form("target", 8, leaf=True)
def name_target(author: Author, place: Place) -> str:
    return author.name("int")


@form("target", 2)
def item_target(author: Author, place: Place) -> str:
    owner = author.write("list", place)
    owner = owner if author.chance(2) else f"padded({owner})"
    return f"{owner}[at({author.write('int', place)} % 2)]"


@form("target", 2, leaf=True)
def attribute_target(author: Author, place: Place) -> str:
    return f"{author.write('box', place)}.value"


@form("target", 2)
def shelf_target(author: Author, place: Place) -> str:
    return f"{author.write('shelf', place)}[at({author.write('int', place)})]"


@form("target", 1, leaf=True)
def property_target(author: Author, place: Place) -> str:
    return f"{author.write('shelf', place)}.top"


@form("target", 2, fits=awaits)
def awaited_target(author: Author, place: Place) -> str:
    inner = place.inside(depth=1)
    return author.among(
        f"padded(xs)[(await num({author.write('int', inner)})) % 2]",
        f"(await crate({author.write('int', inner)})).value",
        f"shelf[at(await num({author.write('int', inner)}))]",
        "d[await word(1)]",
    )


# ---- assignment


@form("statement", 8, leaf=True)
def assign(author: Author, place: Place) -> str:
    kind = author.among(*TYPED)
    return f"{author.name(kind)} = {author.write(kind, place)}"


@form("statement", 6, leaf=True)
def assign_target(author: Author, place: Place) -> str:
    return f"{author.write('target', place)} = {author.write('int', place)}"


@form("statement", 2, leaf=True)
def assign_many(author: Author, place: Place) -> str:
    targets = [author.write("target", place) for _ in range(author.between(2, 3))]
    return f"{' = '.join(targets)} = {author.write('int', place)}"


@form("statement", 3, leaf=True)
def unpack(author: Author, place: Place) -> str:
    first, second, third = (author.write("target", place) for _ in range(3))
    number, values = author.write("int", place), author.write("list", place)
    return author.among(
        f"{first}, {second} = {author.write('tuple', place)}",
        f"{first}, {second} = {number}, {author.write('int', place)}",
        f"[{first}, {second}] = padded({values})[:2]",
        f"{first}, *{author.name('list')} = padded({values})",
        f"{first}, {second} = {values}",
        f"*{author.name('list')}, {first} = {number}, *{values}",
        f"{first}, ({second}, {third}) = {number}, {author.write('tuple', place)}",
        f"({first}, [{second}, *{author.name('list')}]), {third} = ({number}, padded({values})), {number}",
    )


@form("statement", 1, leaf=True)
def swap(author: Author, place: Place) -> str:
    return author.among("a, b = b, a", "xs, ys = ys, xs", "padded(xs)[0], xs[a % 2] = xs[a % 2], xs[0]")


@form("statement", 2, leaf=True)
def annotated(author: Author, place: Place) -> str:
    value = author.write("int", place)
    return author.among(
        f"{author.name('int')}: int = {value}",
        f"{author.name('int')}: int",
        f"{author.name('int')}: unknown = {value}",
        f"{author.write('box', place)}.value: int = {value}",
        f"{author.write('shelf', place)}[at({author.write('int', place)})]: int = {value}",
        f"{author.write('shelf', place)}[at({value})]: int",
        f"{author.write('box', place)}.missing: int",
    )


@form("statement", 5, leaf=True)
def augment(author: Author, place: Place) -> str:
    sign, number = author.among("+=", "-=", "^=", "|=", "%=", "//="), author.write("int", place)
    number = f"{number} % 5 + 1" if sign in ("%=", "//=") and author.chance(7) else number
    return f"{author.write('target', place)} {sign} {number}"


@form("statement", 3, leaf=True)
def augment_value(author: Author, place: Place) -> str:
    name = author.name("list")
    return author.among(
        f"{name} += room({name}, {author.write('list', place)})",
        f"s += ({author.write('str', place)})[:2]",
        f"q |= {author.write('set', place)}",
        f"d |= {author.write('dict', place)}",
        f"shelf += {author.write('int', place)}",
        f"{author.write('box', place)}.items += room(box.items, {author.write('list', place)})[:1]",
    )


# ---- aliases and mutation


@form("statement", 3, leaf=True)
def alias(author: Author, place: Place) -> str:
    return author.among(
        "ys = xs", "xs = ys", "box.items = xs", "xs = box.items", "zs = [xs, xs, ys]", "zs = [box, xs]",
        "box.value = xs", "g = f", "d['x'] = a", "xs = d.setdefault('z', 0) and xs or ys", "p = (a, b)", "fs[0] = g",
    )  # fmt: skip


@form("statement", 5, leaf=True)
def mutate(author: Author, place: Place) -> list[str]:
    """Grow a list, within bounds: a loop may walk it."""
    number, name, more = author.write("int", place), author.name("list"), author.write("list", place)
    owner, change = author.among(
        f"{name}\n{name}.append({number})",
        f"{name}\n{name}.insert(0, {number})",
        f"{name}\n{name}[1:2] = room({name}, {more})",
        f"{name}\n{name}[at({number}) : at({author.write('int', place)})] = room({name}, {more})",
        f"{name}\n{name}[at({number}) :] += room({name}, {more})",
        f"box.items\nbox.items.append({number})",
        "zs\nzs.append(xs)",
        "zs\nzs.append(zs)",
    ).split("\n")
    return [f"if len({owner}) < 6:", f"    {change}"]


@form("statement", 3, leaf=True)
def mutate_freely(author: Author, place: Place) -> str:
    number, key, name = author.write("int", place), author.write("str", place), author.name("list")
    return author.among(
        f"padded({name}).pop()",
        f"{name}.clear()",
        f"{name}.sort(key=lambda j: -j)",
        f"{name}.reverse()",
        f"d[{key}] = {number}",
        f"d.setdefault({key}, {number})",
        f"d.update({{{key}: {number}}})",
        f"d.pop({key}, {number})",
        f"q.add({number} % 7)",
        f"q.add({number} % 3)",
        f"{author.write('box', place)}.value = {number}",
    )


# ---- del


@form("statement", 1)
def forget(author: Author, place: Place) -> list[str]:
    name = author.name("int")
    lines = [author.among(f"del {name}", f"del ({name})", f"del ({name}, c)" if name != "c" else "del c")]
    if author.chance(3):
        lines += author.statement(place.inside(nest=0))
    if author.chance(7):
        lines.append(f"{name} = {author.write('int', place)}")
    return lines


@form("statement", 2, leaf=True)
def forget_item(author: Author, place: Place) -> str:
    number = author.write("int", place)
    return author.among(
        f"del {author.write('list', place)}[at({number}):]",
        f"del {author.write('list', place)}[at({number}) : {author.write('int', place)} : 2]",
        f"del {author.write('shelf', place)}[at({number}), {author.write('int', place)}]",
        f"del {author.write('shelf', place)}[at({number})]",
        f"del padded({author.write('list', place)})[at({number}) % 2]",
        f"del {{**d, 'x': 1}}[{author.among('at(1) and ', '')}'x']",
        "del d[s]",
        "del box.items[:1], shelf[at(0)]",
    )
