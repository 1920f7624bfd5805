"""What was read from a global or a module before an await and is used after it: ``client.post(await f())``,
``print(await f())``, ``LIMIT * await f()``.

CPython holds such a value on its stack. Here it has to be stored, and most globals cannot be: they are clients,
loggers, modules. So the value travels with its name: a plain immutable value as itself, anything else by its name,
which is looked up again after a restore. Only names that the workflow's own source holds are ever looked up.
"""

import builtins
import inspect
import sys
from collections.abc import Mapping
from types import ModuleType
from typing import Any

from durableflow.errors import CorruptValue, NotStorable

PLAIN = frozenset({int, float, complex, str, bytes, bool, type(None)})


class Held:
    """A value with the dotted name that it was read by, and the module that this starts from: None for a global, and
    then `namespace` has the globals."""

    __slots__ = ("module", "namespace", "path", "value")

    def __init__(self, value: Any, path: str, module: ModuleType | None, namespace: Mapping[str, Any]) -> None:
        self.value = value
        self.path = path
        self.module = module
        self.namespace = namespace


def hold(value: Any, path: str, root: Any = None) -> Any:
    """What to keep of `value`, which was just read by the name `path`, from a global or from the local variable
    `root`."""
    if type(value) in PLAIN:
        return value
    reader = sys._getframe(1).f_globals  # routines of several modules may hold names at the same time
    if root is None:
        return Held(value, path, None, reader)
    return Held(value, path, root, reader) if type(root) is ModuleType else value


def release(kept: Any) -> Any:
    """The value of what `hold` gave."""
    return kept.value if type(kept) is Held else kept


class HeldExtension:
    """Stores a held value by its name, looked up in the workflow's globals or in a module.

    Args:
        namespace: the globals.
        paths: the names that may be looked up.
    """

    tag = "held"

    def __init__(self, namespace: Mapping[str, Any], paths: frozenset[str]) -> None:
        self.namespace = namespace
        self.paths = paths

    def takes(self, value: Any) -> bool:
        return type(value) is Held

    def reads(self, value: Held) -> bool:
        """Whether the name can be looked up here, and means what it meant where it was read."""
        return value.path in self.paths and (value.module is not None or value.namespace is self.namespace)

    def split(self, value: Held) -> tuple[object, object]:
        return [value.module, value.path], None

    def create(self, needed: Any) -> Held:
        module, path = needed
        if path not in self.paths:
            raise CorruptValue(f"{path!r} is not a name that the workflow reads")
        root, *attributes = path.split(".")
        try:
            found = self._root(root) if module is None else module
            for attribute in attributes:
                found = getattr(found, attribute)
        except AttributeError:
            raise NotStorable(f"{path} was there before the await, and is not there now") from None
        return Held(found, path, module, self.namespace)

    def _root(self, name: str) -> Any:
        return self.namespace[name] if name in self.namespace else getattr(builtins, name)

    def fill(self, value: Held, rest: Any) -> None:
        return


def statically(owner: Any, attribute: str) -> Any:
    """``owner.attribute`` for a method, found and bound without running any code of the user's; None if it is not a
    method of that name."""
    try:
        found = inspect.getattr_static(owner, attribute)
    except AttributeError:
        return None
    bind = getattr(type(found), "__get__", None)
    if bind is None or type(found).__module__ not in ("builtins", "types"):
        return None
    if isinstance(found, property):
        return None
    return bind(found, None, owner) if isinstance(owner, type) else bind(found, owner, type(owner))
