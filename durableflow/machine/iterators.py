"""Iterators that can be put down at an await and taken up again.

What CPython's own iterators over builtin types are made of can be asked: `__reduce__` gives source and index of a list
iterator, the parts of a ``zip``, a ``map`` or an ``enumerate``, without draining anything. So a loop runs over the
original iterator, lazy as it is, and what comes back from storage is, wherever that can be, an original again.

- A list is walked by alias and index, so that the body may change it.
- A dict or a deque is walked by alias and position. Its iterator has to be made when the dict is complete, so a `Walk`
  stands in its place until then. If the size changed, the next step raises what CPython raises.
- A set comes back in another order, so what is left of the walk is stored, in its order, beside the set, whose size is
  still checked.
- ``itertools`` objects no longer say what they are made of; `itertools.count` shows its numbers in its ``repr``.

Every other iterator that would have to be stored (a generator, a file, a user's own class) is refused by name, and
never drained to make it fit. Nothing of the user's is called to take an iterator apart or to make one.
"""

import ast
import gc
import itertools
import operator
from collections import deque
from collections.abc import Iterator
from typing import Any

from durableflow.errors import CorruptValue, NotStorable

SEQUENCES: tuple[type, ...] = (list, tuple, str, bytes, bytearray, range)
_SAMPLES: tuple[Any, ...] = ([], (), "a", "\u00e9", b"", bytearray(), range(0), range(1 << 70))
SEQUENCE_WALKS = frozenset({type(walk) for sample in _SAMPLES for walk in (iter(sample), reversed(sample))})
_EMPTY: dict[Any, Any] = {}
DICT_WALKS = {
    type(iter(_EMPTY)): "keys",
    type(iter(_EMPTY.values())): "values",
    type(iter(_EMPTY.items())): "items",
    type(reversed(_EMPTY)): "reversed keys",
    type(reversed(_EMPTY.values())): "reversed values",
    type(reversed(_EMPTY.items())): "reversed items",
}
DEQUE_WALKS: dict[type, str] = {type(iter(deque())): "deque", type(reversed(deque())): "reversed deque"}
SET_WALK: type = type(iter(set()))
COMBINED = frozenset({enumerate, zip, map, filter})
CHANGED = {
    "dict": "dictionary changed size during iteration",
    "set": "Set changed size during iteration",
    "deque": "deque mutated during iteration",
}


class Walk(Iterator[Any]):
    """A stored iterator over a dict, set or deque, taken up again.

    Attributes:
        kind: ``keys``, ``values``, ``items`` or ``deque``, all of them also ``reversed ...``; ``set``; ``broken``.
        source: the dict, set or deque; for ``broken`` the message.
        native: the original that goes on.
        size: of a set, when the walk began.
    """

    __slots__ = ("kind", "native", "size", "source")

    def __init__(self) -> None:
        self.kind = "broken"
        self.source: Any = "an iterator that was not restored"
        self.native: Iterator[Any] = iter(())
        self.size = 0

    def open(self, kind: str, source: Any, at: Any) -> None:
        """Begin at position `at` of a source that is complete; for a set `at` holds what is left, and the size."""
        self.kind, self.source = kind, source
        if kind == "set":
            left, self.size = at
            self.native = iter(left)
        elif kind != "broken":
            self.native = _opened(kind, source)
            next(itertools.islice(self.native, at, at), None)

    def __iter__(self) -> "Walk":
        return self

    def __next__(self) -> Any:
        if self.kind == "broken":
            raise RuntimeError(self.source)
        if self.kind == "set" and self.size != len(self.source):
            self.kind, self.source = "broken", CHANGED["set"]
            raise RuntimeError(self.source)
        return next(self.native)

    def parts(self) -> list[Any]:
        """What to store."""
        if self.kind == "broken":
            return ["broken", self.source, 0]
        if self.kind == "set":
            return ["set", self.source, [_left(self.native), self.size]]
        return _walk_parts(self.native)


class Foreign(Iterator[Any]):
    """An iterator that a ``for`` with an await in its body runs over, and that cannot be stored.

    `label` is the source of the iterable.
    """

    __slots__ = ("iterator", "label")

    def __init__(self, iterator: Iterator[Any], label: str) -> None:
        self.iterator = iterator
        self.label = label

    def __next__(self) -> Any:
        return next(self.iterator)


def iterate(iterable: Any, label: str) -> Iterator[Any]:
    """``iter(iterable)`` for a ``for`` whose body holds an await; `label` names it in errors."""
    iterator = iter(iterable)
    return iterator if _is_storable(iterator) else Foreign(iterator, label)


class IteratorExtension:
    """The stored form of iterators."""

    tag = "iterator"

    def takes(self, value: Any) -> bool:
        return type(value) is Foreign or _is_known(type(value))

    def split(self, value: Any) -> tuple[object, object]:
        kind = type(value)
        if kind is Foreign:
            raise NotStorable(
                f"the `for` over `{value.label}` cannot wait at an await: its iterator "
                f"({type(value.iterator).__qualname__}) cannot be stored. Loop over a list, tuple, dict, set, range, "
                "str or bytes, or over enumerate, zip, map, filter, reversed of those: "
                f"for example over list({value.label})."
            )
        if kind in SEQUENCE_WALKS:
            direction, source, index = _sequence_parts(value)
            if not isinstance(source, SEQUENCES):
                raise NotStorable(
                    f"an iterator over {type(source).__qualname__} cannot be stored: make a list of it first"
                )
            return [direction, source], None if index is None else [index]
        if kind in COMBINED:
            return [kind.__name__, *_combined_parts(value)], None
        if kind is itertools.count:
            return ["count", *_count_arguments(value)], None
        return None, _walk_parts(value)

    def create(self, needed: Any) -> object:
        match needed:
            case None:
                return Walk()
            case ["iter", source]:
                return _base(source).__iter__(source)
            case ["reversed", source]:
                return list.__reversed__(source) if isinstance(source, list) else reversed(source)
            case ["enumerate", iterator, number]:
                return enumerate(iterator, number)
            case ["zip", strict, *iterators]:
                return zip(*iterators, strict=strict)
            case ["map", function, *iterators]:
                return map(function, *iterators)
            case ["filter", function, iterator]:
                return filter(function, iterator)
            case ["count", start, step]:
                return itertools.count(start, step)
        raise CorruptValue(f"{needed!r} is not the stored form of an iterator")

    def fill(self, value: Any, rest: Any) -> None:
        if type(value) is Walk:
            value.open(*rest)
        else:
            _seek(value, rest[0])


def _is_known(kind: type) -> bool:
    if kind in SEQUENCE_WALKS or kind in COMBINED or kind in DICT_WALKS or kind in DEQUE_WALKS:
        return True
    return kind in (SET_WALK, Walk, itertools.count)


def _is_storable(iterator: Any) -> bool:
    kind = type(iterator)
    if kind in COMBINED:
        return all(_is_storable(part) for part in _combined_parts(iterator) if isinstance(part, Iterator))
    if kind in SEQUENCE_WALKS:
        return isinstance(_sequence_parts(iterator)[1], SEQUENCES)
    return _is_known(kind)


def _base(source: Any) -> Any:
    """The builtin type whose iterator it is, so that no ``__iter__`` of the user's is called."""
    found = next((base for base in SEQUENCES if isinstance(source, base)), None)
    if found is None:
        raise CorruptValue(f"an iterator over {type(source).__qualname__} has no stored form")
    return found


def _seek(walk: Any, index: int) -> None:
    """Put an iterator over a sequence to where it was, be it behind the end.

    CPython would put it to the end that the sequence has now. But a list that shrank under a loop may grow again after
    the await, and must not be walked from there; so it is long enough for a moment.
    """
    source = next((each for each in gc.get_referents(walk) if isinstance(each, list | bytearray)), None)
    missing = 0 if source is None else index + 1 - len(source)
    if missing <= 0:
        walk.__setstate__(index)
        return
    base = _base(source)
    base.extend(source, bytes(missing))
    walk.__setstate__(index)
    base.__delitem__(source, slice(-missing, None))


def _sequence_parts(iterator: Any) -> tuple[str, Any, int | None]:
    """Direction, source and index."""
    maker, arguments, *state = iterator.__reduce__()
    return "reversed" if maker is reversed else "iter", arguments[0], state[0] if state else None


def _combined_parts(iterator: Any) -> list[Any]:
    """What follows the name in the stored form."""
    _, arguments, *state = iterator.__reduce__()
    return [bool(state and state[0]), *arguments] if type(iterator) is zip else list(arguments)


def _walk_parts(iterator: Any) -> list[Any]:
    """Kind, source and position of an iterator over a dict, set or deque; what is exhausted stays so."""
    kind = type(iterator)
    if kind is Walk:
        return iterator.parts()  # type: ignore[no-any-return]
    source = next(
        (each for each in gc.get_referents(iterator) if isinstance(each, dict | set | frozenset | deque)), None
    )
    if source is None:
        return ["deque", deque(), 0]
    if kind is SET_WALK:
        try:
            return ["set", source, [_left(iterator), len(source)]]
        except RuntimeError:
            return ["broken", CHANGED["set"], 0]
    left = operator.length_hint(iterator)
    if kind in DEQUE_WALKS:
        at = iterator.__reduce__()[1][1]
        return [DEQUE_WALKS[kind], source, at] if at + left == len(source) else ["broken", CHANGED["deque"], 0]
    if left == 0:
        try:
            iterator.__reduce__()  # copies what is left, which is nothing, or raises
        except RuntimeError:
            return ["broken", CHANGED["dict"], 0]
    return [DICT_WALKS[kind], source, len(source) - left]


def _opened(kind: str, source: Any) -> Iterator[Any]:
    match kind:
        case "deque":
            return deque.__iter__(source)
        case "reversed deque":
            return deque.__reversed__(source)
        case "keys":
            return dict.__iter__(source)
        case "reversed keys":
            return dict.__reversed__(source)
        case "values" | "reversed values":
            view: Any = dict.values(source)
        case "items" | "reversed items":
            view = dict.items(source)
        case _:
            raise CorruptValue(f"an iterator of the unknown kind {kind!r}")
    return reversed(view) if kind.startswith("reversed") else iter(view)


def _left(iterator: Any) -> list[Any]:
    """What an iterator over a set, or over the list that stands for one, has left; it is not moved."""
    _, arguments, *state = iterator.__reduce__()
    return list(arguments[0])[state[0] if state else 0 :]


def _count_arguments(counter: Any) -> tuple[Any, Any]:
    text = repr(counter)
    try:
        found = ast.literal_eval(text[len("count") :])
    except (ValueError, SyntaxError):
        raise NotStorable(f"{text} cannot be stored across an await: only counts of plain numbers can") from None
    return found if isinstance(found, tuple) else (found, 1)
