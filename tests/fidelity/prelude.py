"""What a generated or handwritten program imports.

Everything here is a module-level function or a dataclass, so that the codec can store it, and every effect goes to one
log: the order of the entries is what is compared.
"""

import sys
from collections import deque
from collections.abc import Callable, Generator, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from enum import Enum
from itertools import count
from typing import NoReturn, TypeVar

from tests.fidelity.canonical import canonical

__all__ = [
    "LIMIT", "Bad", "Box", "Color", "Custom", "Gate", "Guard", "Oops", "Shelf", "Stop", "at", "boom", "count", "crate",
    "deque", "echo", "flag", "handling", "items", "kinds", "mix", "nothing", "num", "padded", "pair", "risky", "room",
    "see", "spot", "table", "word", "wrap",
]  # fmt: skip

LIMIT = 4
LOG: list[object] = []
T = TypeVar("T")


@contextmanager
def recording() -> Iterator[list[object]]:
    """Give a fresh log for the duration, and put the old one back."""
    global LOG
    before, LOG = LOG, []
    try:
        yield LOG
    finally:
        LOG = before


def log(*entry: object) -> None:
    """Append one effect to the log of the running execution, with everything that it names as it is now."""
    LOG.append(tuple(map(canonical, entry)))


# ---- effects


def see(value: T) -> T:
    """Log ``value`` as it is now, and give it back."""
    log("see", value)
    return value


def at(index: T) -> T:
    """Log the evaluation of a subscript."""
    log("at", index)
    return index


def spot(owner: T) -> T:
    """Log the evaluation of the owner of an attribute or subscript."""
    log("spot", type(owner).__name__)
    return owner


def mix(*args: object, **kwargs: object) -> int:
    """Log a call with everything that it was given; an int of its arguments."""
    log("mix", args, kwargs)
    return sum(item for item in (*args, *kwargs.values()) if isinstance(item, int)) % 101


def room(taken: list[T], more: list[T]) -> list[T]:
    """Give as many of ``more`` as still fit, so that no loop grows a list for ever."""
    return list(more)[: max(0, 6 - len(taken))]


def padded(values: list[T]) -> list[T]:
    """Make sure that the list has two items, so that most subscripts find one."""
    while len(values) < 2:
        values.append(9)  # type: ignore[arg-type]
    return values


def handling() -> None:
    """Log the exception that the caller is handling, with its whole chain."""
    log("handling", sys.exception())


def boom(number: int) -> int:
    """Raise one of several errors, or give the number back, by its value."""
    log("boom", number)
    match number % 5:
        case 0:
            raise Oops("boom", number)
        case 1:
            raise Bad(number)
        case 2:
            raise KeyError(number)
    return number


def kinds(number: int) -> tuple[type[Exception], ...]:
    """Log the evaluation of an ``except`` clause's expression; the classes that it catches."""
    log("kinds", number)
    return ((Oops,), (KeyError, ValueError), (Bad,), (Exception,))[number % 4]


# ---- errors


class Oops(Exception):
    """A plain error."""


class Bad(Oops):
    """A more special one."""


class Stop(BaseException):
    """Not an Exception."""


class Custom(Exception):
    """An error whose constructor has another signature than its ``args``, and an effect."""

    def __init__(self, code: int, *, detail: str) -> None:
        super().__init__(f"{detail} ({code})")
        self.code = code
        self.detail = detail
        log("Custom", code, detail)


# ---- values


class Color(Enum):
    """An enum."""

    RED = 1
    BLUE = 2


@dataclass
class Box:
    """A mutable value."""

    value: object = 0
    items: list[object] = field(default_factory=list)

    def grown(self, by: int) -> int:
        """Log a method call."""
        log("grown", self.value, by)
        return by + len(self.items)


@dataclass
class Shelf:
    """A value whose every operation is an effect: reads, writes, truth, comparison, in-place addition."""

    slots: dict[int, int] = field(default_factory=dict)

    def __getitem__(self, key: object) -> int:
        log("get", key)
        return self.slots.get(key if isinstance(key, int) else 0, 0)

    def __setitem__(self, key: object, value: object) -> None:
        log("set", key, value)
        self.slots[key if isinstance(key, int) else 0] = value

    def __delitem__(self, key: object) -> None:
        log("del", key)
        self.slots.pop(key if isinstance(key, int) else 0, None)

    @property
    def top(self) -> int:
        """Log the read of an attribute."""
        log("get top")
        return self.slots.get(-1, 0)

    @top.setter
    def top(self, value: int) -> None:
        log("set top", value)
        self.slots[-1] = value

    def __bool__(self) -> bool:
        log("bool", len(self.slots))
        return len(self.slots) % 2 == 1

    def __lt__(self, other: object) -> object:
        log("lt", other)
        return self if isinstance(other, Shelf) else 3

    def __iadd__(self, other: object) -> "Shelf":
        log("iadd", other)
        self.slots[len(self.slots)] = 1
        return self

    def __contains__(self, item: object) -> bool:
        log("contains", item)
        return item in self.slots


@dataclass
class Guard:
    """A context manager that logs how it is entered and left, and may swallow what is raised."""

    name: object
    swallow: bool = False

    def __enter__(self) -> object:
        log("enter", self.name)
        return self.name

    def __exit__(self, kind: object, error: BaseException | None, trace: object) -> bool:
        log("exit", self.name, error)
        return self.swallow


@dataclass
class Gate:
    """What ``async with`` is given, by CPython's protocol and by the machine's: it logs how it is entered and left.

    Attributes:
        trouble: "enter" and "exit" raise there; "cause" and "again" raise when it is left with an error: another one
            because of it, or the same.
        given: what ``as`` binds; None: the gate itself.
    """

    name: object
    trouble: str = ""
    given: object = None

    def __wf_enter__(self) -> object:
        log("enter", self.name)
        handling()
        if self.trouble == "enter":
            raise Bad("enter", self.name)
        return self if self.given is None else self.given

    def __wf_await__(self, awaited: T) -> T:
        return awaited

    def __wf_exit__(self, error: BaseException | None) -> None:
        log("exit", self.name, error)
        handling()
        if self.trouble == "exit":
            raise Bad("exit", self.name)
        if self.trouble == "cause" and error is not None:
            raise Oops("cause", self.name) from error
        if self.trouble == "again" and error is not None:
            raise error

    async def __aenter__(self) -> object:
        return self.__wf_enter__()

    async def __aexit__(self, kind: object, error: BaseException | None, trace: object) -> None:
        self.__wf_exit__(error)


@dataclass
class Decorator:
    """Changes nothing, and logs that it was applied."""

    number: int

    def __call__(self, function: T) -> T:
        log("wrapped", self.number, function.__name__)  # type: ignore[attr-defined]
        return function


def wrap(number: int) -> Decorator:
    """Log the evaluation of a decorator."""
    log("wrap", number)
    return Decorator(number)


# ---- awaitables


@dataclass
class Scripted:
    """What a program awaits: the driver logs it and gives the outcome that the script names."""

    kind: str
    payload: object = None

    def __await__(self) -> Generator["Scripted", "Outcome", object]:
        outcome = yield self
        if outcome.failure is not None:
            outcome.failure()  # raised in here, as by a coroutine that is awaited in place
        return outcome.value


@dataclass
class Outcome:
    """What an await gives: a value, or an error that ``failure`` raises with its own chain of causes and contexts."""

    value: object = None
    failure: Callable[[], NoReturn] | None = None

    def error(self) -> Exception:
        """The error as an object, as a step that failed elsewhere has left it."""
        assert self.failure is not None
        try:
            self.failure()
        except Exception as error:
            return error


def _call(kind: str, payload: object) -> Scripted:
    log("call", kind, payload)
    return Scripted(kind, payload)


def num(payload: object = 0) -> Scripted:
    """An int."""
    return _call("num", payload)


def flag(payload: object = 0) -> Scripted:
    """A bool."""
    return _call("flag", payload)


def word(payload: object = 0) -> Scripted:
    """A short str."""
    return _call("word", payload)


def items(payload: object = 0) -> Scripted:
    """A list of up to three ints."""
    return _call("items", payload)


def table(payload: object = 0) -> Scripted:
    """A dict of str to int."""
    return _call("table", payload)


def pair(payload: object = 0) -> Scripted:
    """A tuple of two ints."""
    return _call("pair", payload)


def crate(payload: object = 0) -> Scripted:
    """A Box."""
    return _call("crate", payload)


def echo(payload: object = None) -> Scripted:
    """A copy of the payload."""
    return _call("echo", payload)


def nothing(payload: object = 0) -> Scripted:
    """None."""
    return _call("nothing", payload)


def risky(payload: object = 0) -> Scripted:
    """Always an error, one of several by the payload."""
    return _call("risky", payload)
