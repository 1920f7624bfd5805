"""``try`` with all its parts and ways out, ``with``, and ``async with``."""

from tests.fidelity.grammar.author import Author, Place, awaits, form, indented
from tests.fidelity.grammar.statements import raising, way_out


@form("statement", 12)
def try_except(author: Author, place: Place) -> list[str]:
    lines = ["try:", *_tried(author, place), *_handlers(author, place)]
    if author.chance(3):
        lines += ["else:", *author.block(place, 2)]
    if author.chance(4):
        lines += _finally(author, place)
    return lines


@form("statement", 6)
def try_finally(author: Author, place: Place) -> list[str]:
    return ["try:", *_tried(author, place), *_finally(author, place)]


def _tried(author: Author, place: Place) -> list[str]:
    body = author.block(place)
    if author.chance(6):
        body += indented([_trouble(author, place)])
    return body


def _trouble(author: Author, place: Place) -> str:
    number = author.write("int", place.inside(depth=2))
    quiet = author.among(f"boom({number})", f"a = boom({number})", raising(author, place), way_out(author, place))
    if place.awaits and author.chance(5):
        return author.among(f"await risky({number})", f"b = see(1) + await risky({number})")
    return quiet


def _handlers(author: Author, place: Place) -> list[str]:
    lines: list[str] = []
    for _ in range(author.between(1, 2)):
        caught = author.among(
            "Oops", "(KeyError, ValueError)", "Exception", "Bad", "LookupError", "ArithmeticError",
            f"kinds({author.write('int', place.inside(depth=1))})",
        )  # fmt: skip
        name = author.among(" as e", "", " as err", " as a") if author.chance(7) else ""
        lines += [f"except {caught}{name}:", *_handler(author, place, "e" if name == " as e" else "")]
    if author.chance(2):
        lines += ["except:", *_handler(author, place, "")]
    return lines


def _handler(author: Author, place: Place, name: str) -> list[str]:
    lines = ["handling()"] if author.chance(5) else []
    if name and author.chance(5):
        lines.append(
            author.among(*("see(e)", "err = e", "e.add_note('noted')", "see(e.args)", "e = None", "del e", "zs = [e]"))
        )
    body = indented(lines) + author.block(place)
    if author.chance(4):
        body += indented([_second_trouble(author, place, name)])
    return body


def _second_trouble(author: Author, place: Place, name: str) -> str:
    error = author.write("error", place.inside(depth=1))
    again = [f"raise {error} from {name}", f"raise {name}", f"raise {name} from None"] if name else ["raise", "raise"]
    return author.among("raise", *again, f"raise {error}", f"raise {error} from None", way_out(author, place))


def _finally(author: Author, place: Place) -> list[str]:
    lines = ["handling()"] if author.chance(4) else []
    body = indented(lines) + author.block(place, 2)
    if author.chance(3):
        body += indented([way_out(author, place)])
    return ["finally:", *body]


@form("statement", 2)
def with_block(author: Author, place: Place) -> list[str]:
    quiet = place.quiet()
    managers = []
    for _ in range(author.between(1, 2)):
        target = f" as {author.write('target', quiet.inside(depth=1))}" if author.chance(6) else ""
        swallow = author.among("", ", True", f", {author.write('bool', quiet.inside(depth=1))}")
        name = author.write("int", quiet if managers else place)
        managers.append(f"Guard({name}{swallow}){target}")
    body = author.block(quiet, 2)
    if author.chance(4):
        body += indented([way_out(author, quiet)])
    return [f"with {', '.join(managers)}:", *body]


@form("statement", 3, fits=awaits)
def async_with_block(author: Author, place: Place) -> list[str]:
    body = author.block(place)
    if author.chance(5):
        body += indented([_trouble(author, place)])
    return [f"async with {', '.join(_gate(author, place) for _ in range(author.between(1, 2)))}:", *body]


def _gate(author: Author, place: Place) -> str:
    small = place.inside(depth=1)
    trouble = author.among("", "", ", 'cause'", ", 'again'", ", 'exit'", ", 'enter'")
    gate = f"Gate({author.write('int', small)}{trouble}"
    match author.among("unbound", "itself", "int", "tuple", "wrong"):
        case "itself":
            return f"{gate}) as {author.name('any')}"
        case "int":
            return f"{gate}, given={author.write('int', small)}) as {author.write('target', small)}"
        case "tuple":
            return f"{gate}, given=(2, 3, 4)) as ({author.write('target', small)}, *{author.name('list')})"
        case "wrong":
            return f"{gate}) as ({author.name('int')}, {author.name('int')})"
    return f"{gate})"


@form("statement", 2)
def try_star(author: Author, place: Place) -> list[str]:
    """No await inside, and no way out of a handler but by falling out or raising."""
    quiet = place.inside(awaits=False, nest=0, loop=False)
    number = author.write("int", quiet)
    trouble = author.among(
        f"raise ExceptionGroup('several', [Oops({number}), KeyError(1), Bad(2)])",
        f"raise ExceptionGroup('one', [Bad({number})])",
        f"boom({number})",
        "see(a)",
    )
    handled = author.among("handling()", "see(e)", "raise", f"raise KeyError({number})", f"a = {number}")
    return [
        "try:",
        f"    {trouble}",
        f"except* {author.among('Oops', 'Bad')} as e:",
        f"    {handled}",
        *_more_star(author),
    ]


def _more_star(author: Author) -> list[str]:
    lines = ["except* (KeyError, ValueError):", "    handling()"] if author.chance(5) else []
    return lines + (["finally:", "    handling()"] if author.chance(3) else [])
