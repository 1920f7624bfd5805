"""Functions and classes as values: stored by their global name, found among the loaded modules, never called."""

from pathlib import Path, PurePath
from types import BuiltinFunctionType, FunctionType, NoneType
from typing import TYPE_CHECKING, Any

from durableflow.codec.containers import CONTAINERS
from durableflow.codec.kinds import class_of, name_of_class
from durableflow.codec.names import find, function_allowed, name_of
from durableflow.codec.refusal import Refused
from durableflow.codec.scalars import SCALARS

if TYPE_CHECKING:
    from durableflow.codec.reader import Reader

_OWN: tuple[type, ...] = (object, type, bool, int, float, str, NoneType, Path, PurePath, *CONTAINERS, *SCALARS)
_OWN_CLASSES = {cls.__name__: cls for cls in _OWN}
"""Classes of values that the codec knows, by a short name: some of their modules differ between versions of Python."""
_OWN_CLASS_NAMES = {cls: name for name, cls in _OWN_CLASSES.items()}


def write_function(function: Any) -> Any:
    """The node of a function that a module holds. Raises Refused for every other one."""
    name = name_of(function)
    if name is None:
        raise Refused(type(function), f"{function.__qualname__} cannot be found by name in a module")
    if not function_allowed(function):
        raise Refused(type(function), f"{name} belongs to Python; wrap it in a function of your own")
    return {"~": "function", "v": name}


def write_class(cls: type) -> Any:
    """The node of a class whose instances can be stored. Raises Refused for every other one."""
    own = _OWN_CLASS_NAMES.get(cls)
    try:
        return {"~": "class", "v": name_of_class(cls) if own is None else own}
    except Refused as refused:
        raise Refused(type(cls), f"{cls.__qualname__}: {refused.reason}") from None


def _read_function(reader: "Reader", node: dict[str, Any], number: int | None) -> object:
    function = find(node["v"])
    if type(function) not in (FunctionType, BuiltinFunctionType) or not function_allowed(function):
        raise ValueError(f"{node['v']} is not a function that can be stored")
    if name_of(function) != node["v"]:
        raise ValueError(f"{node['v']} is another name of a function of {function.__module__}")
    return function


def _read_class(reader: "Reader", node: dict[str, Any], number: int | None) -> type:
    name = node["v"]
    return _OWN_CLASSES[name] if name in _OWN_CLASSES else class_of(name)


READERS = {"function": _read_function, "class": _read_class}
"""By tag."""
