"""The stored forms of cells, local functions, and methods that a workflow's variables hold.

A local function is stored as its number in this version of the workflow, its cells, and whatever was set on it. Cells
are objects of their own to the codec, so two functions that share a cell share it again when they come back, and a
function that refers to itself finds itself in its own cell.
"""

from collections.abc import Iterator, Sequence
from types import (
    BuiltinMethodType,
    CellType,
    CodeType,
    FunctionType,
    MethodDescriptorType,
    MethodType,
    MethodWrapperType,
    ModuleType,
    WrapperDescriptorType,
)
from typing import Any

from durableflow.errors import CorruptValue
from durableflow.machine.held import statically

NOT_FUNCTIONS = frozenset({"<listcomp>", "<setcomp>", "<dictcomp>", "<genexpr>"})


def local_codes(codes: Sequence[CodeType]) -> list[CodeType]:
    """The code objects of every local function and lambda, in source order: the same order on every Python version."""
    found = [code for top in codes for code in _inner(top)]
    return sorted(found, key=position)


def _inner(code: CodeType) -> Iterator[CodeType]:
    for constant in code.co_consts:
        if isinstance(constant, CodeType):
            if constant.co_name not in NOT_FUNCTIONS:
                yield constant
            yield from _inner(constant)


def position(code: CodeType) -> tuple[int, int]:
    """Where the body starts: unique to each function, unless the interpreter runs without column numbers."""
    places = []
    for line, last, column, end in code.co_positions():
        if line and column is not None and (line, column) != (last, end):  # the first instructions stand nowhere
            places.append((line, column))
    return min(places, default=(code.co_firstlineno, 0))


class CellExtension:
    """A variable that functions share."""

    tag = "cell"

    def takes(self, value: Any) -> bool:
        return type(value) is CellType

    def split(self, value: CellType) -> tuple[object, object]:
        try:
            return None, [value.cell_contents]
        except ValueError:
            return None, None

    def create(self, needed: Any) -> CellType:
        return CellType()

    def fill(self, value: CellType, rest: Any) -> None:
        value.cell_contents = rest[0]


class FunctionExtension:
    """A local function or lambda of one workflow version."""

    tag = "local"

    def __init__(self, codes: Sequence[CodeType], namespace: dict[str, Any]) -> None:
        self.codes = codes
        self.namespace = namespace
        self.numbers = {code: number for number, code in enumerate(codes)}

    def takes(self, value: Any) -> bool:
        return type(value) is FunctionType and value.__globals__ is self.namespace and value.__code__ in self.numbers

    def split(self, value: FunctionType) -> tuple[object, object]:
        code = value.__code__
        rest: dict[str, object] = {}
        if value.__defaults__:
            rest["defaults"] = value.__defaults__
        if value.__kwdefaults__:
            rest["kwdefaults"] = value.__kwdefaults__
        if value.__dict__:
            rest["attributes"] = value.__dict__
        if (value.__name__, value.__qualname__) != (code.co_name, code.co_qualname):
            rest["name"] = [value.__name__, value.__qualname__]
        if value.__doc__ != _docstring(code):
            rest["doc"] = value.__doc__
        return [self.numbers[code], list(value.__closure__ or ())], rest or None

    def create(self, needed: Any) -> FunctionType:
        number, cells = needed
        if not 0 <= number < len(self.codes) or len(cells) != len(self.codes[number].co_freevars):
            raise CorruptValue(f"local function {number} is not one of this version of the workflow")
        return FunctionType(self.codes[number], self.namespace, None, None, tuple(cells))

    def fill(self, value: FunctionType, rest: Any) -> None:
        value.__defaults__ = rest.get("defaults")
        value.__kwdefaults__ = rest.get("kwdefaults")
        value.__dict__.update(rest.get("attributes", {}))
        if "name" in rest:
            value.__name__, value.__qualname__ = rest["name"]
        if "doc" in rest:
            value.__doc__ = rest["doc"]


def _docstring(code: CodeType) -> str | None:
    return FunctionType(code, {}, None, None, tuple(CellType() for _ in code.co_freevars)).__doc__


class MethodExtension:
    """A bound method: its owner and its name, found again without running code of the user's."""

    tag = "method"

    def takes(self, value: Any) -> bool:
        if not isinstance(value, MethodType | BuiltinMethodType | MethodWrapperType):
            return False
        owner = value.__self__
        if owner is None or isinstance(owner, ModuleType):
            return False
        found = statically(owner, value.__name__)
        return type(found) is type(value) and bool(found == value)

    def split(self, value: Any) -> tuple[object, object]:
        return [value.__self__, value.__name__], None

    def create(self, needed: Any) -> object:
        owner, attribute = needed
        found = statically(owner, attribute)
        if found is None:
            raise CorruptValue(f"{type(owner).__qualname__} has no method {attribute!r} any more")
        return found

    def fill(self, value: Any, rest: Any) -> None:
        return


class DescriptorExtension:
    """A method of a builtin type that is not bound: ``str.upper``."""

    tag = "descriptor"

    def takes(self, value: Any) -> bool:
        if not isinstance(value, MethodDescriptorType | WrapperDescriptorType):
            return False
        return vars(value.__objclass__).get(value.__name__) is value

    def split(self, value: Any) -> tuple[object, object]:
        return [value.__objclass__, value.__name__], None

    def create(self, needed: Any) -> object:
        owner, attribute = needed
        try:
            return vars(owner)[attribute]
        except (KeyError, TypeError):
            raise CorruptValue(f"{owner!r} has no method {attribute!r} any more") from None

    def fill(self, value: Any, rest: Any) -> None:
        return
