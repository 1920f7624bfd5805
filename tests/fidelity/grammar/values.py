"""Expressions that give a truth value, a str, a container, an object, or an exception."""

from tests.fidelity.grammar.author import Author, Place, awaits, form, workflow_level

# ---- truth


@form("truth", 3, leaf=True)
def truth_of_int(author: Author, place: Place) -> str:
    return author.write("int", place)


@form("truth", 5)
def truth_of_bool(author: Author, place: Place) -> str:
    return author.write("bool", place)


@form("truth", 1)
def truth_of_shelf(author: Author, place: Place) -> str:
    return author.write("shelf", place)


@form("truth", 1)
def truth_of_list(author: Author, place: Place) -> str:
    return author.write("list", place)


@form("bool", 2, leaf=True)
def constant(author: Author, place: Place) -> str:
    return author.among("True", "False")


@form("bool", 3, leaf=True, fits=awaits)
def awaited_flag(author: Author, place: Place) -> str:
    return f"(await flag({author.between(0, 3)}))"


@form("bool", 4)
def comparison(author: Author, place: Place) -> str:
    sign = author.among("<", "<=", "==", "!=", ">")
    return f"({author.write('int', place)} {sign} {author.write('int', place)})"


@form("bool", 3)
def chained(author: Author, place: Place) -> str:
    links = [author.write("int", place)]
    for _ in range(author.between(2, 3)):
        links += [author.among("<", "<=", "!=", ">="), author.write("int", place)]
    return f"({' '.join(links)})"


@form("bool", 1)
def chained_objects(author: Author, place: Place) -> str:
    middle, last = author.write("int", place), author.write("int", place)
    return f"bool({author.write('shelf', place)} < {middle} < {last})"


@form("bool", 2)
def negation(author: Author, place: Place) -> str:
    return f"(not {author.write('truth', place)})"


@form("bool", 2)
def junction(author: Author, place: Place) -> str:
    return f"({author.write('bool', place)} {author.among('and', 'or')} {author.write('bool', place)})"


@form("bool", 1)
def membership(author: Author, place: Place) -> str:
    owner = author.write(author.among("list", "set", "tuple", "shelf"), place)
    return f"({author.write('int', place)} {author.among('in', 'not in')} {owner})"


@form("bool", 1, fits=workflow_level)
def identity(author: Author, place: Place) -> str:
    left, right = author.among("xs is ys", "box.items is xs", "zs is xs", "err is None", "f is g").split(" is ")
    return f"({left} {author.among('is', 'is not')} {right})"


@form("bool", 1, fits=workflow_level)
def instance(author: Author, place: Place) -> str:
    return f"isinstance(err, {author.among('Oops', 'Bad', '(KeyError, Bad)')})"


# ---- str


@form("str", 3, leaf=True)
def text(author: Author, place: Place) -> str:
    return author.among("'x'", "'y'", "''", "'w1'", "'\u20ac'")


@form("str", 4, leaf=True)
def text_variable(author: Author, place: Place) -> str:
    return author.name("str")


@form("str", 3, leaf=True, fits=awaits)
def awaited_word(author: Author, place: Place) -> str:
    return f"(await word({author.between(0, 9)}))"


@form("str", 4, fits=lambda place: not place.formatted)
def formatted(author: Author, place: Place) -> str:
    inner = place.inside(formatted=True)
    parts = []
    for _ in range(author.between(1, 3)):
        value = author.write(author.among("int", "int", "str"), inner)
        conversion = author.among("", "", "!r", "!s")
        width = f":>{{ {author.write('int', inner.inside(depth=0))} % 4 + 1 }}" if author.chance(2) else ""
        parts.append("{ " + value + conversion + width + "}")
    quoted = '"""' + author.among("", "<") + author.among("", "-", " ").join(parts) + '"""'
    return f"f{quoted}[:20]"


@form("str", 2)
def concatenated(author: Author, place: Place) -> str:
    return f"({author.write('str', place)} + {author.write('str', place)})[:9]"


@form("str", 1)
def shouted(author: Author, place: Place) -> str:
    return f"{author.write('str', place)}.{author.among('upper()', 'strip()', 'title()')}"


@form("str", 1)
def percent(author: Author, place: Place) -> str:
    return f"('%s/%d' % ({author.write('str', place)}, {author.write('int', place)}))[:9]"


@form("str", 1)
def joined(author: Author, place: Place) -> str:
    return f"','.join(map(str, {author.write('list', place)}))"


# ---- list


@form("list", 6, leaf=True)
def list_variable(author: Author, place: Place) -> str:
    return author.name("list")


@form("list", 2, leaf=True, fits=awaits)
def awaited_list(author: Author, place: Place) -> str:
    return f"(await items({author.between(0, 9)}))"


@form("list", 4)
def display(author: Author, place: Place) -> str:
    parts = [author.write("int", place) for _ in range(author.between(0, 3))]
    if author.chance(3):
        parts.insert(author.between(0, len(parts)), "*" + author.write(author.among("list", "tuple", "set"), place))
    return f"[{', '.join(parts)}]"


@form("list", 1)
def appended(author: Author, place: Place) -> str:
    return f"({author.write('list', place)} + {author.write('list', place)})[:5]"


@form("list", 2)
def mapped(author: Author, place: Place) -> str:
    inner = place.inside(awaits=False, names=(*place.names, "i"))
    source = author.write("list", place.inside(walrus=False))
    condition = f" if {author.write('truth', inner)}" if author.chance(3) else ""
    return f"[{author.write('int', inner)} for i in {source}{condition}]"


@form("list", 1)
def nested_mapped(author: Author, place: Place) -> str:
    outer = place.inside(awaits=False, names=(*place.names, "i"))
    inner = outer.inside(names=(*outer.names, "j"))
    first, second = (author.write("list", where.inside(walrus=False)) for where in (place, outer))
    return f"[{author.write('int', inner)} for i in {first}[:2] for j in {second}[:2]]"


@form("list", 1, fits=workflow_level)
def shadowing(author: Author, place: Place) -> str:
    """A comprehension whose variable has the name of a variable of the workflow."""
    name = author.among("a", "b", "n")
    element = author.write("int", place.inside(awaits=False, walrus=False, names=(name, name)))
    return f"[{element} for {name} in {author.write('list', place.inside(walrus=False, awaits=False))}]"


@form("list", 1)
def sliced(author: Author, place: Place) -> str:
    low, high = author.write("int", place), author.write("int", place)
    return f"{author.write('list', place)}[{author.among('', low)}:{author.among('', high)}]"


@form("list", 1)
def ordered(author: Author, place: Place) -> str:
    return f"sorted({author.write(author.among('list', 'set', 'tuple'), place)})"


@form("list", 1)
def listed_range(author: Author, place: Place) -> str:
    return f"list(range({author.write('int', place)} % 4))"


@form("list", 1)
def listed_values(author: Author, place: Place) -> str:
    return f"list({author.write('dict', place)}.values())"


# ---- dict, set, tuple, objects


@form("dict", 4, leaf=True)
def dict_variable(author: Author, place: Place) -> str:
    return "d"


@form("dict", 1, leaf=True, fits=awaits)
def awaited_dict(author: Author, place: Place) -> str:
    return f"(await table({author.between(0, 9)}))"


@form("dict", 3)
def dict_display(author: Author, place: Place) -> str:
    parts = [f"{author.write('str', place)}: {author.write('int', place)}" for _ in range(author.between(0, 2))]
    if author.chance(3):
        parts.insert(author.between(0, len(parts)), "**" + author.write("dict", place))
    return "{" + ", ".join(parts) + "}"


@form("dict", 1)
def dict_mapped(author: Author, place: Place) -> str:
    inner = place.inside(awaits=False, names=(*place.names, "i"))
    source = author.write("list", place.inside(walrus=False))
    return "{" + f"str(i): {author.write('int', inner)} for i in {source}[:3]" + "}"


@form("set", 4, leaf=True)
def set_variable(author: Author, place: Place) -> str:
    return "q"


@form("set", 2)
def set_display(author: Author, place: Place) -> str:
    return "{" + ", ".join(f"{author.write('int', place)} % 7" for _ in range(author.between(1, 3))) + "}"


@form("set", 1)
def set_mapped(author: Author, place: Place) -> str:
    inner = place.inside(awaits=False, names=(*place.names, "i"))
    source = author.write("list", place.inside(walrus=False))
    return "{" + f"{author.write('int', inner)} % 7 for i in {source}" + "}"


@form("tuple", 3, leaf=True)
def tuple_variable(author: Author, place: Place) -> str:
    return "p"


@form("tuple", 2, leaf=True, fits=awaits)
def awaited_pair(author: Author, place: Place) -> str:
    return f"(await pair({author.between(0, 9)}))"


@form("tuple", 3)
def tuple_display(author: Author, place: Place) -> str:
    return f"({author.write('int', place)}, {author.write('int', place)})"


@form("box", 5, leaf=True)
def box_variable(author: Author, place: Place) -> str:
    return "box"


@form("box", 1, leaf=True, fits=awaits)
def awaited_box(author: Author, place: Place) -> str:
    return f"(await crate({author.between(0, 9)}))"


@form("box", 2)
def spotted_box(author: Author, place: Place) -> str:
    return f"spot({author.write('box', place)})"


@form("box", 1)
def new_box(author: Author, place: Place) -> str:
    return f"Box({author.write('int', place)}, {author.write('list', place)})"


@form("shelf", 4, leaf=True)
def shelf_variable(author: Author, place: Place) -> str:
    return "shelf"


@form("shelf", 2)
def spotted_shelf(author: Author, place: Place) -> str:
    return f"spot({author.write('shelf', place)})"


# ---- exceptions and what can be raised


@form("error", 3, leaf=True)
def error_class(author: Author, place: Place) -> str:
    return author.among("Oops", "Bad", "KeyError", "ValueError", "StopIteration")


@form("error", 4)
def new_error(author: Author, place: Place) -> str:
    return f"{author.among('Oops', 'Bad', 'KeyError')}({author.write('int', place)})"


@form("error", 1)
def custom_error(author: Author, place: Place) -> str:
    return f"Custom({author.write('int', place)}, detail={author.write('str', place)})"


@form("error", 2, leaf=True, fits=workflow_level)
def error_variable(author: Author, place: Place) -> str:
    return author.among("err", "e")
