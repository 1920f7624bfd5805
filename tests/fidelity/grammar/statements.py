"""Statements that do something once: effects, conditions, assertions, ways out, ``match``."""

from tests.fidelity.grammar.author import Author, Place, awaits, form, indented


@form("statement", 6, leaf=True)
def look(author: Author, place: Place) -> str:
    return f"see({author.write(author.among('int', 'int', 'list', 'str', 'dict', 'bool'), place)})"


@form("statement", 5, leaf=True, fits=awaits)
def wait(author: Author, place: Place) -> str:
    return f"await num({author.write('int', place)})"


@form("statement", 2, leaf=True, fits=awaits)
def wait_and_bind(author: Author, place: Place) -> str:
    kind, call = author.among("int num", "list items", "dict table", "str word", "tuple pair", "box crate").split()
    return f"{author.name(kind)} = await {call}({author.write('int', place)})"


@form("statement", 1, fits=awaits, leaf=True)
def hold_call(author: Author, place: Place) -> str:
    return f"w = num({author.write('int', place)})"


@form("statement", 1, leaf=True)
def observe_handling(author: Author, place: Place) -> str:
    return "handling()"


@form("statement", 1, leaf=True)
def inspect_any(author: Author, place: Place) -> str:
    return author.among("see(zs)", "see((xs, ys, box))", "see(err)", "see((f, g, fs))")


@form("statement", 1, leaf=True)
def assertion(author: Author, place: Place) -> str:
    message = f", {author.write('str', place)}" if author.chance(6) else ""
    return f"assert {author.write('truth', place)}{message}"


@form("statement", 0.5, leaf=True)
def nothing_at_all(author: Author, place: Place) -> str:
    return author.among("pass", "...", "'a string'")


@form("statement", 8)
def condition(author: Author, place: Place) -> list[str]:
    lines = [f"if {author.write('truth', place)}:", *author.block(place)]
    for _ in range(author.between(0, 2) if author.chance(3) else 0):
        lines += [f"elif {author.write('truth', place)}:", *author.block(place, 2)]
    if author.chance(4):
        lines += ["else:", *author.block(place, 2)]
    return lines


# ---- ways out


def way_out(author: Author, place: Place) -> str:
    """A statement that leaves: the loop, the function, or by an exception."""
    if place.loop and author.chance(6):
        return author.among("break", "continue")
    if author.chance(5):
        return f"return {author.write('int', place)}" if author.chance(8) else "return"
    return raising(author, place)


def raising(author: Author, place: Place) -> str:
    """A ``raise`` of any form."""
    if author.chance(2):
        return "raise"
    cause = ""
    if author.chance(4):
        cause = " from " + author.among("None", "err", author.write("error", place), author.write("error", place))
    return f"raise {author.write('error', place)}{cause}"


@form("statement", 9, leaf=True, fits=lambda place: place.loop)
def leave_loop_perhaps(author: Author, place: Place) -> list[str]:
    return [f"if {author.write('truth', place)}:", f"    {author.among('break', 'continue')}"]


@form("statement", 1, leaf=True, fits=lambda place: place.loop)
def leave_loop(author: Author, place: Place) -> str:
    return author.among("continue", "break")


@form("statement", 4, leaf=True)
def leave_perhaps(author: Author, place: Place) -> list[str]:
    return [f"if {author.write('truth', place)}:", f"    {way_out(author, place)}"]


@form("statement", 0.7, leaf=True)
def leave(author: Author, place: Place) -> str:
    return way_out(author, place)


# ---- match


def _patterns(author: Author, place: Place, kind: str) -> str:
    name = author.name("int")
    match kind:
        case "int":
            return author.among("0 | 1", f"{name}", "int(n)" if name != "n" else "-1", "2", f"(1 | 2) as {name}")
        case "list":
            return author.among(f"[{name}, *ys]", "[]", f"[{name}, _]" if name != "_" else "[_]", "[*_, 3]", "[1, *xs]")
        case "tuple":
            return author.among(f"({name}, 2)", f"({name}, _)", "(1, _) | (_, 2)")
        case "dict":
            return author.among(f"{{'x': {name}}}", f"{{'x': {name}, **d}}", "{}", "{'y': 1 | 2 as c}")
        case "box":
            return author.among(f"Box(value={name})", f"Box({name}, [*xs])", "Box(value=0 | 1)", f"Box(items=[{name}])")
    return author.among("'x' | 'y'", "str() as s", "'w1'", "Color.RED.name")


@form("statement", 3)
def matching(author: Author, place: Place) -> list[str]:
    kind = author.among("int", "list", "tuple", "dict", "box", "str")
    lines = [f"match {author.write(kind, place)}:"]
    for _ in range(author.between(1, 3)):
        lines.append(f"    case {_patterns(author, place, kind)}{_guard(author, place)}:")
        lines += indented(author.block(place, 2))
    if author.chance(5):
        lines += [f"    case {author.among('_', 'zs')}:", *indented(author.block(place, 2))]
    return _reachable(lines)


def _guard(author: Author, place: Place) -> str:
    # A capture without a guard catches everything, and CPython refuses what follows it.
    return f" if {author.write('truth', place)}"


def _reachable(lines: list[str]) -> list[str]:
    return lines
