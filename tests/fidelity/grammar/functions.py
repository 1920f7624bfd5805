"""Local functions and lambdas: closures over the workflow's variables, ``nonlocal``, defaults, recursion.

``f`` calls no local function but itself, ``g`` may call ``f``, those in ``fs`` may call both: so every call ends.
"""

from tests.fidelity.grammar.author import INTS, Author, Place, form, indented, workflow_level


def _body_place(place: Place, name: str, own: tuple[str, ...]) -> Place:
    callable_names = {"f": (), "g": ("f",)}.get(name, ("f", "g"))
    return Place(awaits=False, walrus=False, local=True, callable=callable_names, names=own, depth=2)


@form("statement", 3, fits=workflow_level, leaf=True)
def local_lambda(author: Author, place: Place) -> str:
    name = author.name("function")
    default = f", m={author.write('int', place)}" if author.chance(4) else ""
    inner = _body_place(place, name, ("j", "m") if default else ("j",))
    return f"{name} = lambda j{default}: {author.write('int', inner)}"


@form("statement", 3, fits=workflow_level)
def local_function(author: Author, place: Place) -> list[str]:
    name = author.name("function")
    own = ["p1"]
    parameters = ["p1"]
    if author.chance(4):
        parameters.append(f"m={author.write('int', place)}")
        own.append("m")
    if author.chance(2):
        parameters.append("*rest")
    if author.chance(4):
        parameters += [] if "*rest" in parameters else ["*"]
        parameters.append(f"k={author.write('int', place)}")
        own.append("k")
    decorator = [f"@wrap({author.write('int', place)})"] if author.chance(2) else []
    inner = _body_place(place, name, tuple(own))
    body = _function_body(author, inner)
    if author.chance(2):
        body.insert(0, "'A documentation.'")
    after = [f"{name}.tag = {author.write('int', place)}"] if author.chance(2) else []
    return [*decorator, f"def {name}({', '.join(parameters)}):", *indented(body), *after]


@form("statement", 2, fits=workflow_level)
def recursive_function(author: Author, place: Place) -> list[str]:
    name = author.name("function")
    inner = _body_place(place, name, ("p1",))
    return [
        f"def {name}(p1):",
        "    if p1 <= 0:",
        f"        return {author.write('int', inner)}",
        f"    return see(p1) + {name}(p1 - 1)",
    ]


@form("statement", 2, fits=workflow_level, leaf=True)
def function_list(author: Author, place: Place) -> str:
    inner = _body_place(place, "fs", ("i", "j"))
    body = author.write("int", inner)
    return author.among(
        f"fs = [lambda j: {body} for i in [1, 2]]",
        f"fs = [(lambda j, i=i: {body}) for i in (*xs, 1, 2)]",
        f"fs = [lambda j, i=a: {body}, f]",
        "fs = [f, g]",
        "fs = [f, mix]",
    )


@form("statement", 1, fits=workflow_level, leaf=True)
def loop_of_functions(author: Author, place: Place) -> list[str]:
    """Lambdas made in a loop share the loop's variable."""
    pause = ["    await num(a)"] if place.awaits and author.chance(6) else []
    return ["fs = []", "for a in (1, 2, 3):", *pause, "    fs.append(lambda j: a + j)"]


@form("statement", 1, fits=workflow_level)
def counter_functions(author: Author, place: Place) -> list[str]:
    """Two functions over one cell of an enclosing local function."""
    return [
        "def make(total):",
        "    def more(j):",
        "        nonlocal total",
        "        total += j",
        "        return total",
        "    return [more, lambda j: total]",
        f"fs = make({author.write('int', place)})",
    ]


def _function_body(author: Author, place: Place) -> list[str]:
    lines: list[str] = []
    shared: list[str] = []
    if author.chance(5):
        shared = sorted({author.among(*INTS) for _ in range(author.between(1, 2))})
        lines.append(f"nonlocal {', '.join(shared)}")
    for _ in range(author.between(0, 3)):
        lines += _function_statement(author, place, shared)
    return [*lines, f"return {author.write('int', place)}"]


def _function_statement(author: Author, place: Place, shared: list[str]) -> list[str]:
    number, truth = author.write("int", place), author.write("truth", place)
    simple = [
        f"{author.among(*shared)} = {number}" if shared else f"see({number})",
        f"{author.among(*shared)} += 1" if shared else "handling()",
        f"r = {number}; see(r)",
        f"see({number})",
        "xs.append(1) if len(xs) < 5 else None",
        f"box.value = {number}",
        "handling()",
        f"boom({number})",
    ]
    style = author.among("simple", "simple", "if", "for", "try")
    line = author.among(*simple)
    match style:
        case "if":
            return [f"if {truth}:", f"    {line}", f"    return {author.write('int', place)}"]
        case "for":
            return ["for r in range(2):", f"    {line}"]
        case "try":
            return ["try:", f"    {line}", "except Exception as error:", "    see(error)"]
    return [line]


def _pause(author: Author, place: Place) -> list[str]:
    return [f"await num({author.write('int', place)})"] if place.awaits and author.chance(6) else []


@form("statement", 2, fits=workflow_level)
def shared_cell(author: Author, place: Place) -> list[str]:
    """A function and the workflow change one variable in turns, with whatever comes between."""
    name, variable = author.name("function"), author.among(*INTS)
    between = place.inside(nest=place.nest - 1)
    lines = [
        f"def {name}(p1):",
        f"    nonlocal {variable}",
        f"    {variable} {author.among('+=', '^=', '=')} p1 + 1",
        f"    return {variable}",
    ]
    for _ in range(author.between(1, 3)):
        lines += _pause(author, place) or author.statement(between)
        change = author.write("int", place)
        lines += author.among(
            f"see(({name}(2), {variable}))",
            f"{variable} = {change}",
            f"see({variable} + {name}({change} % 4) + {variable})",
            f"{variable} += {name}({change} % 4)",
            f"del {variable}",
        ).splitlines()
    return [*lines, f"see(({name}(1), {variable}))"]


@form("statement", 1, fits=workflow_level)
def captured_container(author: Author, place: Place) -> list[str]:
    """Functions in containers, over a variable that is bound anew."""
    variable = author.among(*INTS)
    lines = [
        f"fs = [lambda j: {variable} + j, lambda j, k={author.write('int', place)}: (k, {variable})[j % 2]]",
        *(_pause(author, place) or author.statement(place.inside(nest=place.nest - 1))),
        f"{variable} = {author.write('int', place)}",
    ]
    return [*lines, f"see([j({author.between(0, 3)}) for j in fs])"]
