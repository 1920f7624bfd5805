"""What every awaitable of this package has in common: it describes work, does nothing, and cannot be forgotten.

A forgotten ``await`` gives the author a description where a result was meant. Whatever is done with it then (a truth
test, a loop, formatting, an attribute of the result) raises NotAwaited. What is dropped unused fails the run when that
happens in a workflow, where :class:`Scope` keeps count of what was made, and warns as a coroutine does elsewhere.
"""

import sys
import warnings
from collections.abc import Generator
from contextvars import ContextVar
from types import CodeType, FrameType
from typing import TYPE_CHECKING, Any, Generic, NoReturn, TypeVar

from durableflow.errors import NotAwaited, OutsideWorkflow
from durableflow.language.inline import inline

if TYPE_CHECKING:
    from durableflow.language.launching import Launcher
    from durableflow.language.registry import Registry

T_co = TypeVar("T_co", covariant=True)

_HERE = __name__.rpartition(".")[0]


class Scope:
    """One stretch of workflow code that is being run. registry: where it looks names up; launcher: collects what the
    next checkpoint launches; made: what it has made so far, with its place in the code; sealed: while a value is stored
    that may hold none (a step's input, a result)."""

    __slots__ = ("launcher", "made", "registry", "sealed")

    def __init__(self, registry: "Registry", launcher: "Launcher") -> None:
        self.registry = registry
        self.launcher = launcher
        self.made: list[tuple[Lazy[Any], CodeType | None, int]] = []
        self.sealed = False

    def dropped(self) -> "tuple[Lazy[Any], str] | None":
        """The first one that was made, and neither awaited nor kept in a variable; with its place as "file:line"."""
        for lazy, code, line in self.made:
            if not lazy._used:
                return lazy, f"{code.co_filename if code else ''}:{line}"
        return None

    def dismiss(self) -> None:
        """The turn is over: nothing more is asked of what it made."""
        for lazy, _, _ in self.made:
            lazy._used = True


scope: ContextVar[Scope | None] = ContextVar("durableflow_scope", default=None)


class Placeholder:
    """Stands for a value that is not there yet: whatever is done with it as if it were the value raises NotAwaited."""

    __slots__ = ("__weakref__", "_used")

    _used: bool

    def _described(self) -> str:
        """How the author would write it, for messages."""
        raise NotImplementedError

    def _hint(self) -> str:
        """What to write instead, for messages."""
        return f"await it first: `await {self._described()}`"

    if not TYPE_CHECKING:  # a type checker reports these by itself, as long as they are not declared

        def __getattr__(self, name: str) -> NoReturn:
            if name.startswith("_"):  # protocols ask for these, authors do not
                raise AttributeError(f"{type(self).__name__!r} object has no attribute {name!r}")
            raise _forgotten(self, f"has no {name!r}: that is its result's")

        def __eq__(self, other: object) -> bool:
            if self is other:
                return True
            if isinstance(other, Placeholder):
                return NotImplemented
            raise _forgotten(self, "cannot be compared with a value")

        __hash__ = object.__hash__


class Lazy(Placeholder, Generic[T_co]):
    """The base of what a workflow awaits: Call, Gather, Race, Sleep, Receive and the like."""

    __slots__ = ()

    def __init__(self) -> None:
        self._used = False
        here = scope.get()
        if here is not None:
            here.made.append((self, *_place(sys._getframe(1))))

    def _outside(self) -> str:
        """Why it cannot be awaited where no workflow is running, and what to write instead."""
        raise NotImplementedError

    async def _evaluate(self) -> T_co:
        """Do the work here and now, for ``Workflow.run``."""
        raise NotImplementedError

    def __await__(self) -> Generator[Any, Any, T_co]:
        # The machine never comes here: it hands over what was awaited as it is.
        self._used = True
        if not inline.get():
            raise OutsideWorkflow(self._outside())
        return (yield from self._evaluate().__await__())

    def __repr__(self) -> str:
        return f"<{type(self).__name__} {self._described()}, not awaited>"

    def __del__(self) -> None:
        if not getattr(self, "_used", True):
            warnings.warn(f"call {self._described()} was never awaited or started", RuntimeWarning, stacklevel=2)


def _forgotten(lazy: Placeholder, what: str) -> NotAwaited:
    lazy._used = True  # this error tells
    return NotAwaited(f"{lazy._described()} {what}; {lazy._hint()}")


def _place(frame: FrameType | None) -> tuple[CodeType | None, int]:
    """Where the author's code is: the first frame that is not of this package."""
    while frame is not None and frame.f_globals.get("__package__") == _HERE:
        frame = frame.f_back
    return (None, 0) if frame is None else (frame.f_code, frame.f_lineno)


def _refuse(name: str, what: str) -> None:
    def refuse(self: Placeholder, *_: object) -> NoReturn:
        raise _forgotten(self, what)

    refuse.__name__ = name
    refuse.__qualname__ = f"Placeholder.{name}"
    setattr(Placeholder, name, refuse)


_ARITHMETIC = ["add", "sub", "mul", "matmul", "truediv", "floordiv", "mod", "divmod", "pow"]
_BITWISE = ["lshift", "rshift", "and", "xor", "or"]

_REFUSED = {
    "has no truth value": ["bool"],
    "cannot be iterated over": ["iter"],
    "cannot be formatted": ["str", "format"],
    "has no length": ["len"],
    "has no items": ["getitem", "contains"],
    "cannot be called": ["call"],
    "is not a number": [
        *(f"{side}{name}" for name in _ARITHMETIC + _BITWISE for side in ("", "r")),
        *("neg", "pos", "abs", "invert", "int", "float", "complex", "index", "round"),
    ],
    "cannot be compared with a value": ["lt", "le", "gt", "ge"],
}

for _what, _names in _REFUSED.items():
    for _name in _names:
        _refuse(f"__{_name}__", _what)
