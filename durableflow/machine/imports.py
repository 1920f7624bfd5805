"""What a workflow imports in its own body: modules, and the functions and classes that it imports from them.

They are stored by name. A run may go on in a process that has not imported them yet: then they are imported, which a
payload cannot cause for anything else than what the workflow's source names itself.
"""

import ast
import importlib
import importlib.util
import sys
from collections.abc import Iterator, Mapping
from types import BuiltinFunctionType, FunctionType, ModuleType
from typing import Any

from durableflow.errors import CorruptValue

Names = frozenset[tuple[str, str | None]]
"""(module, None) for ``import module``; (module, name) for ``from module import name``."""


def imported_names(node: ast.AST, package: str | None) -> Names:
    """All that the import statements in `node` name; `package` is what relative imports start from."""
    return frozenset(_imported(node, package))


def _imported(node: ast.AST, package: str | None) -> Iterator[tuple[str, str | None]]:
    for child in ast.walk(node):
        if isinstance(child, ast.Import):
            yield from ((alias.name, None) for alias in child.names)
        elif isinstance(child, ast.ImportFrom):
            module = "." * child.level + (child.module or "")
            if child.level:
                if not package:
                    continue
                module = importlib.util.resolve_name(module, package)
            yield from ((module, alias.name) for alias in child.names)


class ModuleExtension:
    """A module, by its name."""

    tag = "module"

    def __init__(self, names: Names) -> None:
        self.names = names

    def takes(self, value: Any) -> bool:
        return type(value) is ModuleType and sys.modules.get(value.__name__) is value

    def split(self, value: ModuleType) -> tuple[object, object]:
        return value.__name__, None

    def create(self, needed: Any) -> ModuleType:
        for module, name in sorted(self.names, key=str):
            if name is None and (module == needed or module.startswith(f"{needed}.")):
                importlib.import_module(module)
        if needed in sys.modules:
            return sys.modules[needed]
        for module, name in sorted(self.names, key=str):
            found = _import_from(module, name) if name is not None else None
            if isinstance(found, ModuleType) and found.__name__ == needed:
                return found
        raise CorruptValue(f"module {needed!r} is not loaded here, and the workflow does not import it")

    def fill(self, value: ModuleType, rest: Any) -> None:
        return


class ImportedExtension:
    """A function or class that the workflow imports from a module."""

    tag = "imported"

    def __init__(self, names: Names) -> None:
        self.names = tuple(sorted((module, name) for module, name in names if name is not None))

    def takes(self, value: Any) -> bool:
        return (
            bool(self.names) and isinstance(value, FunctionType | BuiltinFunctionType | type) and bool(self._of(value))
        )

    def split(self, value: Any) -> tuple[object, object]:
        return self._of(value), None

    def _of(self, value: Any) -> list[str] | None:
        for module, name in self.names:
            loaded = sys.modules.get(module)
            if loaded is not None and vars(loaded).get(name) is value:
                return [module, name]
        return None

    def create(self, needed: Any) -> object:
        if not isinstance(needed, list) or tuple(needed) not in self.names:
            raise CorruptValue(f"{needed!r} is not something that the workflow imports")
        return _import_from(*needed)

    def fill(self, value: object, rest: Any) -> None:
        return


def _import_from(module: str, name: str) -> object:
    """``from module import name``."""
    loaded: Mapping[str, Any] = vars(importlib.import_module(module))
    if name in loaded:
        return loaded[name]
    try:
        return importlib.import_module(f"{module}.{name}")
    except ModuleNotFoundError:
        raise CorruptValue(f"module {module!r} has no {name!r} any more") from None
