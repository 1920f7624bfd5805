"""A whole program: its body, then parameters and first assignments of the names that it uses, and a script."""

import ast

from hypothesis import strategies as st

from tests.fidelity.grammar.author import NAMES, Author, Place, Theme, indented
from tests.fidelity.program import HEADER, Program
from tests.fidelity.script import ERROR_KINDS, Script

FIRST: dict[str, tuple[str, ...]] = {
    "int": ("1", "0", "3", "await num(5)"),
    "list": ("[1, 2, 3]", "[4, 0]", "[5, 6]", "await items(2)"),
    "str": ("'x'", "'uv'", "await word(3)"),
    "dict": ("{'x': 1, 'y': 2}", "{}", "await table(3)"),
    "set": ("{1, 2, 4}", "set()"),
    "tuple": ("(1, 2)", "await pair(1)"),
    "box": ("Box(1, [2])", "await crate(2)"),
    "shelf": ("Shelf()", "Shelf({0: 1})"),
    "any": ("[]",),
    "error": ("None", "Oops('first')"),
    "function": ("lambda j: j + 1", "lambda j: see(j)"),
    "functions": ("[lambda j: j, lambda j: see(j) + a]",),
    "call": ("num(9)",),
    "module": ("math",),
    "imported": ("floor",),
}
IMPORTS = {"math": ("import math", "import math as math"), "floor": ("from math import floor",)}
KINDS = {name: kind for kind, names in NAMES.items() for name in names}
IMMUTABLE = ("a", "b", "s")
PARAMETERS = {"a": 1, "b": 2, "xs": [3, 1, 2], "d": {"x": 1}, "s": "ab"}


@st.composite
def programs(draw: st.DrawFn, theme: Theme) -> Program:
    """Draw one program of a theme, with what it is called with and what its awaits give."""
    author = Author(draw, theme, size=draw(st.integers(4, 16)))
    place = Place()
    body: list[str] = []
    for _ in range(author.between(2, 7)):
        statement = author.statement(place)
        if author.chance(5):  # so that one error does not end so many programs
            statement = [
                "try:",
                *indented(statement),
                f"except Exception{author.among('', ' as e')}:",
                "    handling()",
            ]
        body += statement
        if author.chance(3):
            body.append(f"await num({author.name('int')})")
    body.append(_ending(author))
    args, kwargs, signature, prologue = _beginning(author, body)
    lines = [f"async def workflow({signature}):", *indented([*prologue, *body])]
    source = HEADER + "\n".join(lines) + "\n"
    return Program(source, _script(author), args, kwargs)


def _ending(author: Author) -> str:
    names = ("a", "b", "c", "xs", "ys", "d", "s", "q", "p", "box", "zs", "n")
    kept = [author.among(*names) for _ in range(author.between(1, 4))]
    return f"return {', '.join(kept)}, {author.write('int', Place(depth=1))}"


def _used(body: list[str]) -> tuple[set[str], set[str]]:
    tree = ast.parse("async def workflow():\n" + "\n".join(indented(body)))
    names: set[str] = set()
    shared: set[str] = set()
    for node in ast.walk(tree):
        match node:
            case ast.Name(id=name):
                names.add(name)
            case ast.Nonlocal(names=several):
                shared.update(several)
            case ast.comprehension(target=ast.Name(id=name)):
                # CPython 3.12.1 takes a global for a local when another comprehension binds its name.
                shared.add(name)
    return names | shared, shared


def _beginning(author: Author, body: list[str]) -> tuple[tuple[object, ...], dict[str, object], str, list[str]]:
    """Parameters for some of the names that the body uses, first assignments for most of the others."""
    used, shared = _used(body)
    parameters: list[str] = []
    prologue: list[str] = []
    for name in sorted(used & KINDS.keys()):
        if name in PARAMETERS and author.chance(2):
            parameters.append(name)
        elif name in shared or author.between(0, 29) < 29:
            first = IMPORTS.get(name) or [f"{name} = {value}" for value in FIRST[KINDS[name]]]
            prologue.append(author.among(*first))
    # Functions and awaits read other names: they come last.
    prologue.sort(key=lambda line: "lambda" in line)
    args, kwargs, signature = _signature(author, parameters)
    return args, kwargs, signature, prologue


def _signature(author: Author, names: list[str]) -> tuple[tuple[object, ...], dict[str, object], str]:
    style = author.among("plain", "default", "keyword", "star", "wrong") if names else "plain"
    values = [PARAMETERS[name] for name in names]
    match style:
        case "default" if names[-1] in IMMUTABLE:  # a changed default would be there in the next execution
            return tuple(values[:-1]), {}, ", ".join([*names[:-1], f"{names[-1]}={PARAMETERS[names[-1]]!r}"])
        case "keyword":
            return tuple(values[:-1]), {names[-1]: values[-1]}, ", ".join([*names[:-1], "*", names[-1]])
        case "star":
            return (*values, 8, 9), {"more": 1}, ", ".join([*names, "*rest", "**options"])
        case "wrong" if author.chance(2):
            return (), {}, ", ".join(names)
    return tuple(values), {}, ", ".join(names)


def _script(author: Author) -> Script:
    values = tuple(author.between(0, 9) for _ in range(author.between(1, 5)))
    failures: dict[int, int] = {}
    if author.chance(author.theme.failing):
        for _ in range(author.between(1, 2)):
            failures[author.between(0, 8)] = author.between(0, ERROR_KINDS - 1)
    return Script(values, failures)
