"""A value as plain nested tuples that two executions can be compared by.

Types are exact, sets lose their order, and every mutable object gets a number at its first sight, so that sharing and
cycles are part of the comparison.
"""

import dataclasses
import functools
import types
from collections import deque
from collections.abc import Iterator
from enum import Enum


def canonical(value: object) -> object:
    """Return ``value`` as nested tuples of plain values that compare equal only for equal structures."""
    return _canonical(value, {})


def _canonical(value: object, seen: dict[int, int]) -> object:
    if value is None or type(value) in (bool, int, float, complex, str, bytes):
        return (type(value).__name__, repr(value))
    if isinstance(value, Enum):
        return ("enum", str(value))
    if isinstance(value, type | types.BuiltinFunctionType):
        return ("global", value.__qualname__)
    if isinstance(value, Iterator):
        return ("iterator",)  # the machine has its own, that can be stored
    if isinstance(value, tuple | frozenset):
        return _immutable(value, seen)
    if id(value) in seen:
        return ("again", seen[id(value)])
    number = seen[id(value)] = len(seen)
    return (type(value).__qualname__, number, *_parts(value, seen))


def _immutable(value: tuple[object, ...] | frozenset[object], seen: dict[int, int]) -> object:
    """One that occurs twice is as good as two equal ones; only in a cycle must it be told."""
    if id(value) in seen:
        return ("inside", type(value).__qualname__)
    seen[id(value)] = -1
    found = (type(value).__qualname__, *_parts(value, seen))
    del seen[id(value)]
    return found


def _parts(value: object, seen: dict[int, int]) -> list[object]:
    recur = functools.partial(_canonical, seen=seen)
    match value:
        case list() | tuple() | deque():
            return [recur(item) for item in value]
        case dict():
            return [(recur(key), recur(item)) for key, item in value.items()]
        case set() | frozenset():
            return sorted((recur(item) for item in value), key=repr)
        case BaseException():
            return _exception_parts(value, recur)
        case types.FunctionType():
            return [value.__name__, value.__qualname__, recur(value.__defaults__), recur(value.__kwdefaults__)]
        case types.MethodType():
            return [value.__name__, recur(value.__self__)]
        case _ if dataclasses.is_dataclass(value):
            return [(field.name, recur(getattr(value, field.name, "(unset)"))) for field in dataclasses.fields(value)]
    return []  # an opaque object: its type says enough


def _exception_parts(error: BaseException, recur: functools.partial[object]) -> list[object]:
    parts: list[object] = [
        recur(error.args),
        str(error),
        [(name, recur(item)) for name, item in vars(error).items() if name != "__notes__"],
        tuple(getattr(error, "__notes__", ())),
        ("cause", recur(error.__cause__)),
        ("context", recur(error.__context__)),
        ("suppress", error.__suppress_context__),
    ]
    if isinstance(error, BaseExceptionGroup):
        parts.append(("group", error.message, [recur(inner) for inner in error.exceptions]))
    return parts
