"""Expressions that give an int."""

from tests.fidelity.grammar.author import Author, Place, awaits, form


@form("int", 4, leaf=True)
def literal(author: Author, place: Place) -> str:
    return str(author.between(0, 9))


@form("int", 8, leaf=True)
def variable(author: Author, place: Place) -> str:
    return author.among(*place.names, *place.names, "a", "b", "c", "n")


@form("int", 5, leaf=True, fits=awaits)
def awaited(author: Author, place: Place) -> str:
    return f"(await num({author.write('int', place)}))" if place.depth > 0 else f"(await num({author.between(0, 9)}))"


@form("int", 3)
def seen(author: Author, place: Place) -> str:
    return f"see({author.write('int', place)})"


@form("int", 5)
def arithmetic(author: Author, place: Place) -> str:
    sign = author.among("+", "-", "&", "|", "^")
    return f"({author.write('int', place)} {sign} {author.write('int', place)})"


@form("int", 2)
def product(author: Author, place: Place) -> str:
    return f"({author.write('int', place)} * {author.write('int', place)} % 101)"


@form("int", 1)
def division(author: Author, place: Place) -> str:
    divisor = author.write("int", place)
    divisor = divisor if author.chance(3) else f"({divisor} % 5 + 1)"
    return f"({author.write('int', place)} {author.among('//', '%')} {divisor})"


@form("int", 2)
def unary(author: Author, place: Place) -> str:
    return f"({author.among('-', '~', '+')}{author.write('int', place)})"


@form("int", 3)
def ternary(author: Author, place: Place) -> str:
    return f"({author.write('int', place)} if {author.write('truth', place)} else {author.write('int', place)})"


@form("int", 3)
def either(author: Author, place: Place) -> str:
    links = [author.write("int", place) for _ in range(author.between(2, 3))]
    return "(" + f" {author.among('and', 'or')} ".join(links) + ")"


@form("int", 1)
def mixed_either(author: Author, place: Place) -> str:
    first, second, third = (author.write("int", place) for _ in range(3))
    return f"({first} or {second} and {third})"


@form("int", 4)
def call(author: Author, place: Place) -> str:
    parts = [author.write("int", place)]
    if author.chance(4):
        parts.append("*" + author.write("list", place))
    if author.chance(3):
        parts.append(author.write("int", place))
    if author.chance(3):
        parts.append(f"key={author.write('int', place)}")
    if author.chance(2):
        parts.append("**" + author.write("dict", place))
    return f"mix({', '.join(parts)})"


@form("int", 1.5)
def call_of_stars(author: Author, place: Place) -> str:
    parts = ["*" + author.write(author.among("list", "set", "tuple"), place)]
    for number in range(author.between(1, 3)):
        value = author.write("int", place)
        again = author.among(f"k{number}={value}", f"k{number}={value}", "**" + author.write("dict", place))
        # No name that a dict of ours has: for a keyword given twice, CPython 3.11 raises a bare KeyError instead
        # of the TypeError where another exception is being handled.
        parts.append(again if number else author.among(again, f"k0={value}", "*" + author.write("list", place)))
    parts.sort(key=lambda part: part[:1] != "*" or part[:2] == "**")
    return f"mix({', '.join(parts)})"


@form("int", 1)
def call_of_module(author: Author, place: Place) -> str:
    return f"{author.among('math.floor', 'floor', 'math.trunc')}({author.write('int', place)} + 0.5)"


@form("int", 2)
def item(author: Author, place: Place) -> str:
    values, index = author.write("list", place), author.write("int", place)
    return author.among(f"(*{values}, 7)[{index} % 1]", f"padded({values})[{index} % 2]", f"{values}[{index} % 3]")


@form("int", 1)
def lookup(author: Author, place: Place) -> str:
    owner, key = author.write("dict", place), author.write("str", place)
    default = author.write("int", place)
    return author.among(*[f"{owner}.get({key}, {default})"] * 3, f"{owner}[{key}]")


@form("int", 2, fits=lambda place: place.walrus)
def walrus(author: Author, place: Place) -> str:
    return f"({author.name('int')} := {author.write('int', place)})"


@form("int", 2)
def measure(author: Author, place: Place) -> str:
    kind = author.among("list", "str", "dict", "set")
    return f"len({author.write(kind, place)})"


@form("int", 1)
def total(author: Author, place: Place) -> str:
    return f"sum({author.write(author.among('list', 'set', 'tuple'), place)})"


@form("int", 2)
def attribute(author: Author, place: Place) -> str:
    return f"{author.write('box', place)}.value"


@form("int", 2)
def method(author: Author, place: Place) -> str:
    return f"{author.write('box', place)}.grown({author.write('int', place)})"


@form("int", 1)
def shelved(author: Author, place: Place) -> str:
    owner = author.write("shelf", place)
    return author.among(f"{owner}[at({author.write('int', place)})]", f"{owner}.top")


@form("int", 3, fits=lambda place: bool(place.callable))
def local_call(author: Author, place: Place) -> str:
    return f"{author.among(*place.callable)}({author.write('int', place)} % 4)"


@form("int", 1, fits=lambda place: not place.local)
def stored_call(author: Author, place: Place) -> str:
    return f"fs[{author.write('int', place)} % 2]({author.write('int', place)} % 4)"


@form("int", 1)
def immediate(author: Author, place: Place) -> str:
    body = author.write("int", place.inside(awaits=False, walrus=False, local=True, names=(*place.names, "j")))
    default = f"={author.write('int', place)}" if author.chance(3) else ""
    return f"(lambda j{default}: {body})({author.write('int', place)})"


@form("int", 2)
def comprehended(author: Author, place: Place) -> str:
    inner = place.inside(awaits=False, names=(*place.names, "i"))
    element, source = author.write("int", inner), author.write("list", place.inside(walrus=False))
    condition = f" if {author.write('truth', inner)}" if author.chance(3) else ""
    return f"sum({element} for i in {source}{condition})"


@form("int", 2)
def of_builtin(author: Author, place: Place) -> str:
    first, second = author.write("int", place), author.write("int", place)
    return author.among(
        f"max({first}, {second})", f"min({first}, *{author.write('list', place)})", f"pow({first}, 2, 7)"
    )


@form("int", 1, leaf=True)
def of_global(author: Author, place: Place) -> str:
    return author.among("Color.RED.value", "LIMIT")


@form("int", 1)
def of_truth(author: Author, place: Place) -> str:
    return f"int({author.write('bool', place)})"


@form("int", 1, fits=awaits)
def awaited_variable(author: Author, place: Place) -> str:
    return "(await w)"


@form("int", 1, fits=awaits)
def awaited_echo(author: Author, place: Place) -> str:
    return f"(await echo({author.write('int', place)}))"


@form("int", 0.6)
def exploding(author: Author, place: Place) -> str:
    return f"boom({author.write('int', place)})"


@form("int", 0.6)
def first(author: Author, place: Place) -> str:
    return f"next(iter({author.write('list', place)}))"


@form("int", 0.6, fits=awaits)
def failing(author: Author, place: Place) -> str:
    return f"(await risky({author.write('int', place)}))"


@form("int", 1)
def chosen(author: Author, place: Place) -> str:
    body = author.write("int", place.inside(awaits=False, walrus=False, local=True, names=(*place.names, "j")))
    return f"max({author.write('list', place)}, key=lambda j: {body}, default={author.write('int', place)})"
