"""How a program is drawn: forms, the place where one is written, and the author who chooses.

A *form* writes one construct (an int expression, a statement); a *place* says what is allowed there (an await? a
``break``?) and how deep it is; a *theme* says what to write more often. Every choice is one Hypothesis draw among the
forms that fit, the simple ones first, so that a failure shrinks towards a small program.
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, replace
from functools import cache

from hypothesis import strategies as st

Draw = Callable[[st.SearchStrategy], object]

INTS = ("a", "b", "c", "n")
LISTS = ("xs", "ys")
STRS = ("s", "t")
NAMES: Mapping[str, tuple[str, ...]] = {
    "int": INTS,
    "list": LISTS,
    "str": STRS,
    "dict": ("d",),
    "set": ("q",),
    "tuple": ("p",),
    "box": ("box",),
    "shelf": ("shelf",),
    "any": ("zs",),
    "error": ("err",),
    "function": ("f", "g"),
    "functions": ("fs",),
    "call": ("w",),
    "module": ("math",),
    "imported": ("floor",),
}


@dataclass(frozen=True)
class Theme:
    """What a family of programs is about: the weight of a form is multiplied by its factor here."""

    name: str
    factors: Mapping[str, float] = field(default_factory=dict)
    failing: int = 3  # of ten scripts, so many have awaits that fail

    def __hash__(self) -> int:
        return hash(self.name)


@dataclass(frozen=True)
class Place:
    """Where a form is written.

    Attributes:
        awaits: An await may stand here.
        walrus: An assignment expression may stand here, and binds a variable of the workflow.
        loop: ``break`` and ``continue`` may stand here.
        local: Inside a local function or lambda: only its own names and free variables.
        formatted: Inside an f-string (which before 3.12 cannot hold another one with the same quotes).
        callable: Which local functions may be called (a function calls only those before it, so that all end).
        names: Further int names to read: parameters, comprehension variables.
        depth: How much deeper an expression may get.
        nest: How many more blocks may be nested.
    """

    awaits: bool = True
    walrus: bool = True
    loop: bool = False
    local: bool = False
    formatted: bool = False
    callable: tuple[str, ...] = ("f", "g")
    names: tuple[str, ...] = ()
    depth: int = 3
    nest: int = 3

    def deeper(self) -> "Place":
        """The place of a subexpression."""
        return replace(self, depth=self.depth - 1)

    def inside(self, **changes: object) -> "Place":
        """The place of a nested block or scope."""
        return replace(self, **changes)  # type: ignore[arg-type]

    def quiet(self) -> "Place":
        """The same place, without awaits."""
        return replace(self, awaits=False)


@dataclass(frozen=True)
class Form:
    """One construct of a kind: ``write(author, place)`` gives an expression, or the lines of a statement."""

    kind: str
    name: str
    weight: float
    leaf: bool
    fits: Callable[[Place], bool]
    write: Callable[["Author", Place], str | list[str]]


FORMS: dict[str, list[Form]] = {}


def form(
    kind: str, weight: float = 2, *, leaf: bool = False, fits: Callable[[Place], bool] = lambda place: True
) -> Callable[[Callable[["Author", Place], str | list[str]]], Callable[["Author", Place], str | list[str]]]:
    """Register a function as a form of ``kind`` under its own name."""

    def register(write: Callable[["Author", Place], str | list[str]]):
        FORMS.setdefault(kind, []).append(Form(kind, write.__name__, weight, leaf, fits, write))
        return write

    return register


def awaits(place: Place) -> bool:
    """Fits where an await may stand."""
    return place.awaits


def workflow_level(place: Place) -> bool:
    """Fits in the workflow's own scope."""
    return not place.local


@cache
def _options(kind: str, theme: Theme, place: Place, simple: bool) -> st.SearchStrategy[Form]:
    options = [
        form
        for form in FORMS[kind]
        for _ in range(round(form.weight * theme.factors.get(form.name, 1)))
        if form.fits(place) and (form.leaf or not simple)
    ]
    return st.sampled_from(options)


@cache
def _among(options: tuple[object, ...]) -> st.SearchStrategy[object]:
    return st.sampled_from(options)


@cache
def _between(least: int, most: int) -> st.SearchStrategy[int]:
    return st.integers(least, most)


class Author:
    """Draws one program; knows what is left of its size and hands out names."""

    def __init__(self, draw: Draw, theme: Theme, size: int) -> None:
        self.draw = draw
        self.theme = theme
        self.left = size  # statements
        self.counters = 0

    def write(self, kind: str, place: Place) -> str:
        """An expression of this kind."""
        simple = place.depth <= 0
        chosen = self.draw(_options(kind, self.theme, self._key(place), simple))
        assert isinstance(chosen, Form)
        text = chosen.write(self, place.deeper())
        assert isinstance(text, str)
        return text

    def statement(self, place: Place) -> list[str]:
        """The lines of one statement."""
        self.left -= 1
        simple = place.nest <= 0 or self.left <= 0
        chosen = self.draw(_options("statement", self.theme, self._key(place), simple))
        assert isinstance(chosen, Form)
        lines = chosen.write(self, place.inside(depth=3))
        return [lines] if isinstance(lines, str) else list(lines)

    def block(self, place: Place, most: int = 3) -> list[str]:
        """The indented lines of a nested block."""
        lines: list[str] = []
        for _ in range(self.between(1, most if self.left > 0 else 1)):
            lines += self.statement(place.inside(nest=place.nest - 1))
        return indented(lines)

    def among(self, *options: str) -> str:
        """One of the options."""
        return str(self.draw(_among(options)))

    def between(self, least: int, most: int) -> int:
        """An int in the closed interval."""
        return int(self.draw(_between(least, most)))  # type: ignore[call-overload]

    def chance(self, of_ten: int) -> bool:
        """True so many times of ten (False is the simpler one)."""
        return self.between(0, 9) >= 10 - of_ten

    def name(self, kind: str) -> str:
        """A variable of this kind."""
        return self.among(*NAMES[kind])

    def counter(self) -> str:
        """A name for a loop counter that nothing else assigns."""
        self.counters += 1
        return f"k{self.counters}"

    def _key(self, place: Place) -> Place:
        # Only what `fits` looks at, so that the cache of strategies stays small.
        return Place(place.awaits, place.walrus, place.loop, place.local, place.formatted, place.callable, (), 0, 0)


def indented(lines: list[str]) -> list[str]:
    """One level deeper."""
    return ["    " + line for line in lines]
