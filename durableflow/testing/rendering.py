"""Values as Python source, for exported tests: an expression where one gives the same value, else the stored form."""

import dataclasses
import enum
import importlib
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from datetime import UTC, date, datetime, time, timedelta
from decimal import Decimal
from typing import Any
from uuid import UUID

from pydantic import BaseModel

from durableflow import codec

WIDTH = 110

RESERVED = ("After", "Attempts", "HANGS", "LOST", "RunFailed", "Simulation", "failed", "pytest", "run", "sim", "stored")
"""Names that the test uses for something else."""

_PLAIN = (type(None), bool, int, str, bytes)
_BY_REPR = {datetime: "datetime", date: "datetime", time: "datetime", timedelta: "datetime"}


class _NoForm(Exception):
    """There is no expression for a value."""


@dataclass(frozen=True, slots=True)
class Group:
    """An expression that may be broken into lines: what opens it, its parts, what closes it."""

    opening: str
    parts: list["str | Group"]
    closing: str


Expression = str | Group


def text_of(expression: Expression, indent: int = 0, room: int = WIDTH) -> str:
    """An expression as source, broken into lines where it would be wider than ``room``."""
    line = _line(expression)
    if isinstance(expression, str) or len(line) <= room - indent or not expression.parts:
        return line
    inner = indent + 4
    lines = [f"{' ' * inner}{text_of(part, inner)}," for part in expression.parts]
    return "\n".join([expression.opening, *lines, " " * indent + expression.closing])


def _line(expression: Expression) -> str:
    if isinstance(expression, str):
        return expression
    parts = [_line(part) for part in expression.parts]
    comma = "," if expression.opening == "(" and len(parts) == 1 else ""  # a tuple of one
    return f"{expression.opening}{', '.join(parts)}{comma}{expression.closing}"


@dataclass
class Renderer:
    """Makes expressions, and remembers what has to be imported for them. modules: name in the test to the module."""

    modules: dict[str, str] = field(default_factory=dict)
    uses_stored: bool = False

    def value(self, value: Any, text: str, values: Mapping[str, str]) -> Expression:
        """The expression of a stored value. text, values: its stored form."""
        try:
            expression = self._of(value)
            again = eval(_line(expression), self._namespace())
            if _is_same(again, value):
                return expression
        except Exception:
            pass
        self.uses_stored = True
        needed = {hash_: values[hash_] for hash_ in _needed(text, values)}
        return Group("stored(", [repr(text), repr(needed)] if needed else [repr(text)], ")")

    def name(self, module: str, qualname: str) -> str:
        """How a global of a module is called in the test."""
        if module == "builtins":
            return qualname
        if "<locals>" in qualname or module == "__main__":
            raise _NoForm
        short = module.rpartition(".")[2]
        short = f"{short}_module" if short in RESERVED else short
        if self.modules.setdefault(short, module) != module:
            short = module.replace(".", "_")
            self.modules[short] = module
        return f"{short}.{qualname}"

    def imports(self) -> list[str]:
        """The import statements."""
        found = []
        for name, module in self.modules.items():
            parent, _, last = module.rpartition(".")
            if name == module:
                found.append(f"import {module}")
            elif name == last and parent:
                found.append(f"from {parent} import {last}")
            else:
                found.append(f"import {module} as {name}")
        return found

    def _namespace(self) -> dict[str, Any]:
        return {name: importlib.import_module(module) for name, module in self.modules.items()}

    def _of(self, value: Any) -> Expression:
        kind = type(value)
        if kind in _PLAIN:
            return repr(value)
        if kind is float:
            return repr(value) if value - value == 0 else f"float({str(value)!r})"
        if kind in _BY_REPR:
            return self._by_repr(value)
        if kind in (Decimal, UUID):
            return f"{self.name(kind.__module__, kind.__name__)}({str(value)!r})"
        if isinstance(value, enum.Enum):
            return f"{self.name(kind.__module__, kind.__qualname__)}.{value.name}"
        if isinstance(value, type):
            return self.name(value.__module__, value.__qualname__)
        return self._collection(value, kind) or self._object(value, kind)

    def _by_repr(self, value: Any) -> str:
        self.name("datetime", "")
        if type(value) is datetime and value.tzinfo is UTC:
            return f"datetime.datetime.fromisoformat({str(value)!r})"
        zone = getattr(value, "tzinfo", None)
        if zone is not None and type(zone).__module__ != "datetime":
            self.name(type(zone).__module__, "")
        return repr(value)

    def _collection(self, value: Any, kind: type[Any]) -> Expression | None:
        if kind is list:
            return Group("[", self._each(value), "]")
        if kind is tuple:
            return Group("(", self._each(value), ")")
        if kind in (set, frozenset):
            members = Group("{", self._each(sorted(value, key=repr)), "}") if value else "set()"
            return Group("frozenset(", [members], ")") if kind is frozenset else members
        if kind is dict:
            items = [f"{_line(self._of(key))}: {_line(self._of(item))}" for key, item in value.items()]
            return Group("{", list(items), "}")
        return None

    def _object(self, value: Any, kind: type[Any]) -> Expression:
        name = self.name(kind.__module__, kind.__qualname__)
        if isinstance(value, BaseException):
            return Group(f"{name}(", self._each(value.args), ")")
        if dataclasses.is_dataclass(value):
            names: Iterable[str] = (each.name for each in dataclasses.fields(value) if each.init)
        elif isinstance(value, BaseModel):
            names = (each for each in type(value).model_fields if each in value.model_fields_set)
        elif isinstance(value, tuple) and hasattr(value, "_fields"):
            names = value._fields
        else:
            raise _NoForm
        return Group(f"{name}(", [_assigned(each, self._of(getattr(value, each))) for each in names], ")")

    def _each(self, values: Iterable[Any]) -> list[Expression]:
        return [self._of(value) for value in values]


def _assigned(name: str, value: Expression) -> Expression:
    return f"{name}={value}" if isinstance(value, str) else Group(f"{name}={value.opening}", value.parts, value.closing)


def _is_same(again: Any, value: Any) -> bool:
    if isinstance(value, BaseException) and type(again) is type(value):
        # What it was raised from is of no interest to a workflow.
        return codec.digest([list(again.args), again.__dict__]) == codec.digest([list(value.args), value.__dict__])
    return codec.digest(again) == codec.digest(value)


def _needed(text: str, values: Mapping[str, str]) -> list[str]:
    found: dict[str, None] = {}
    todo = list(codec.references(text))
    while todo:
        hash_ = todo.pop()
        if hash_ not in found and hash_ in values:
            found[hash_] = None
            todo += codec.references(values[hash_])
    return list(found)
