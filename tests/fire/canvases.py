"""The canvases, as data: what they are made of, what they come to, and where a fault strikes them."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from celery import chain, chord, group

from tests.fire.app import count, total

CHILDREN = 4
"""Pool children that the stage has, of two workers."""


@dataclass(frozen=True)
class Canvas:
    """name: of the row in the table. make: gives the signature, from the journal's directory. names: of its tasks.
    early, late: tasks that a fault stops at, of which so many are at work at the moment that it strikes."""

    name: str
    make: Callable[[str], Any]
    value: Any
    names: frozenset[str]
    early: frozenset[str]
    late: frozenset[str]
    at_work: int


def _names(letter: str, numbers: range) -> frozenset[str]:
    return frozenset(f"{letter}{number}" for number in numbers)


def _chain(book: str) -> Any:
    return chain(count.s(0, book, "c0"), *(count.s(book, f"c{n}") for n in range(1, 20)))


def _chord(book: str) -> Any:
    return chord([count.s(n, book, f"h{n}") for n in range(50)], total.s(book, "body"))


def _nested(book: str) -> Any:
    """A chord whose header is chords, each of a chain and of tasks."""
    inner = []
    for n in range(0, 48, 6):
        links = chain(count.s(n, book, f"n{n}"), count.s(book, f"n{n + 1}"))
        tasks = [count.s(m, book, f"n{m}") for m in range(n + 2, n + 6)]
        inner.append(chord([links, *tasks], total.s(book, f"inner{n}")))
    return chord(inner, total.s(book, "body"))


def _group(book: str) -> Any:
    return group(count.s(n, book, f"g{n}") for n in range(1000))


CANVASES = {
    canvas.name: canvas
    for canvas in (
        Canvas("chain of 20", _chain, 20, _names("c", range(20)), frozenset({"c3"}), frozenset({"c7"}), at_work=1),
        Canvas(
            "chord of 50",
            _chord,
            sum(range(1, 51)),
            _names("h", range(50)) | {"body"},
            _names("h", range(4, 8)),
            _names("h", range(20, 50)),
            at_work=CHILDREN,
        ),
        Canvas(
            "chords in a chord",
            _nested,
            sum(sum((n + 2, *range(n + 3, n + 7))) for n in range(0, 48, 6)),
            _names("n", range(48)) | _names("inner", range(0, 48, 6)) | {"body"},
            _names("n", range(2, 6)),
            _names("n", range(12, 48)),
            at_work=CHILDREN,
        ),
        Canvas(
            "group of 1,000",
            _group,
            [n + 1 for n in range(1000)],
            _names("g", range(1000)),
            _names("g", range(100, 104)),
            _names("g", range(500, 1000)),
            at_work=CHILDREN,
        ),
    )
}
