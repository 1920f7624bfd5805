"""Global names: how classes and functions are written, and how they are found again.

A name is ``module:qualified.name``. It is looked up only among the modules that are loaded, and only by reading
dictionaries: no import, no ``__getattr__`` of a module, no descriptor and no metaclass gets to run.

A script's own module is ``__main__`` in one process and something else in every other, so its classes are written under
the name that the others import it by: ``python -m shop.jobs`` gives ``shop.jobs``, ``python shop.py`` gives ``shop``.
"""

import sys
from functools import lru_cache
from pathlib import PurePath
from types import FunctionType, ModuleType
from typing import Any

class_dict = type.__dict__["__dict__"].__get__
"""The namespace of a class, whatever its metaclass says."""

class_mro = type.__dict__["__mro__"].__get__
"""The method resolution order of a class, whatever its metaclass says."""

_class_qualname = type.__dict__["__qualname__"].__get__


def derives(cls: type, base: type) -> bool:
    """Whether a class is the base or inherits from it, whatever its metaclass says."""
    return type.__subclasscheck__(base, cls)


def is_class(thing: object) -> bool:
    """Whether a thing really is a class; `isinstance` would ask it, and a lazy proxy would load what it stands for."""
    return type.__subclasscheck__(type, type(thing))


def home(cls: type) -> tuple[Any, str]:
    """The module and qualified name of a class, whatever its metaclass says."""
    return class_dict(cls).get("__module__", "builtins"), _class_qualname(cls)


def main_alias() -> str | None:
    """The name by which other processes import this process's ``__main__``; None when there is no such name."""
    namespace = _module_dict("__main__")
    spec = namespace.get("__spec__")
    if spec is not None:
        name = getattr(spec, "name", None)
        return name if isinstance(name, str) and name != "__main__" else None
    file = namespace.get("__file__")
    stem = PurePath(file).stem if isinstance(file, str) else ""
    return stem if stem.isidentifier() and stem != "__main__" else None


def name_of(thing: Any) -> str | None:
    """The name under which `find` gives exactly this class or function; None when there is none (a local one, say)."""
    module, qualified = home(thing) if is_class(thing) else (thing.__module__, thing.__qualname__)
    if type(module) is not str:
        return None
    candidates = [module]
    if module == "__main__" and (alias := main_alias()) is not None:
        candidates.insert(0, alias)
    for candidate in candidates:
        name = f"{candidate}:{qualified}"
        try:
            if find(name) is thing:
                return name
        except LookupError:
            continue
    return None


def find(name: str) -> object:
    """The object that a loaded module holds under this name.

    Raises:
        LookupError: the module is not loaded here, or holds no such name.
    """
    module, first, rest = _parts(name)
    try:
        loaded = sys.modules.get(module)
        found = (loaded.__dict__ if type(loaded) is ModuleType else _module_dict(module))[first]
        for part in rest:
            if not is_class(found):
                raise KeyError(part)
            found = class_dict(found)[part]
    except KeyError:
        raise LookupError(_missing(name, module)) from None
    return found.__func__ if type(found) is staticmethod else found


def _missing(name: str, module: str) -> str:
    if module == "__main__":
        return f"{name} was stored by a script that this process does not run; define it in a module that both import"
    if module in sys.modules:
        return f"{name} is not there: the module is loaded, and holds no such name"
    return f"{name} is not there: the module is not loaded in this process"


@lru_cache(maxsize=1024)
def _parts(name: str) -> tuple[str, str, list[str]]:
    module, separator, qualified = name.partition(":")
    if not separator:
        raise LookupError(f"{name!r} is not of the form module:name")
    first, *rest = qualified.split(".")
    return module, first, rest


def _module_dict(module: str) -> dict[str, Any]:
    loaded = sys.modules.get(module)
    if loaded is None and module == main_alias():
        loaded = sys.modules.get("__main__")
    if not type.__subclasscheck__(ModuleType, type(loaded)):
        raise KeyError(module)
    # A lazily loaded module imports itself at the first ordinary attribute access.
    namespace: dict[str, Any] = object.__getattribute__(loaded, "__dict__")
    return namespace


def from_standard_library(module: str) -> bool:
    """Whether a module (by name) belongs to Python itself."""
    return module.partition(".")[0] in sys.stdlib_module_names


PURE_BUILTINS = frozenset(
    [
        "abs",
        "all",
        "any",
        "ascii",
        "bin",
        "callable",
        "chr",
        "divmod",
        "format",
        "hash",
        "hex",
        "isinstance",
        "issubclass",
        "iter",
        "len",
        "max",
        "min",
        "next",
        "oct",
        "ord",
        "pow",
        "repr",
        "round",
        "sorted",
        "sum",
    ]
)


def function_allowed(function: object) -> bool:
    """Whether a function may be stored and found by name.

    Python functions outside of the standard library (the user's, and those of libraries), the pure builtins, and `math`
    and `operator`. Everything else that Python brings could turn a stored text into a program.
    """
    module = getattr(function, "__module__", None)
    if not isinstance(module, str):
        return False
    if type(function) is FunctionType:
        return not from_standard_library(module)
    name = getattr(function, "__name__", "")
    if module == "builtins":
        return name in PURE_BUILTINS
    return module in ("math", "_operator") and name != "call"
