"""Classes whose instances have fields: dataclasses, named tuples and enums here, models and exceptions beside.

Instances are made with the ``__new__`` of `object` or of the builtin base alone, and their attributes are put in place:
no ``__init__``, ``__post_init__``, ``__new__``, ``__setstate__`` or validator of the user's runs. Validation is for
what comes from outside; what was stored was valid already, or was meant to be what it is.
"""

from collections.abc import Callable
from enum import Enum, EnumType, Flag
from types import BuiltinMethodType, CoroutineType, GeneratorType, MethodType
from typing import TYPE_CHECKING, Any

from pydantic import BaseModel, ValidationError

from durableflow.codec import names
from durableflow.codec.containers import CONTAINERS
from durableflow.codec.exceptions import ErrorKind, ValidationKind
from durableflow.codec.layout import Kind, Layout
from durableflow.codec.models import ModelKind, UrlKind, generic_name, is_secret, is_url, parametrised
from durableflow.codec.names import class_dict, class_mro, derives
from durableflow.codec.refusal import Refused
from durableflow.codec.scalars import SCALARS

if TYPE_CHECKING:
    from durableflow.codec.reader import Reader
    from durableflow.codec.writer import Writer

_KNOWN_BASES: frozenset[type] = frozenset((bool, int, float, str, *CONTAINERS, *SCALARS))
_KINDS: dict[int, Kind] = {}  # by id: a metaclass may define what hash and equality do
_KINDS_BY_NAME: dict[str, Kind] = {}


def kind_of(cls: type) -> Kind:
    """How instances of this exact class are stored.

    Raises:
        Refused: they are not, and why.
    """
    kind = _KINDS.get(id(cls))
    if kind is not None and _current(kind):
        return kind
    make = _choose(cls)
    kind = make(cls, name_of_class(cls))
    _KINDS[id(cls)] = _KINDS_BY_NAME[kind.name] = kind
    return kind


def kind_named(name: str) -> Kind:
    """How instances of the class with this name are stored. Raises like `class_of`."""
    kind = _KINDS_BY_NAME.get(name)
    if kind is not None and _current(kind):
        return kind
    try:
        return kind_of(class_of(name))
    except Refused as refused:
        raise TypeError(f"{name} is not a class whose instances can be stored") from refused


def _current(kind: Kind) -> bool:
    # A module may have been loaded anew; a parametrised model has no place in a module.
    try:
        return kind.name[-1] == "]" or names.find(kind.name) is kind.cls
    except LookupError:
        return False


def name_of_class(cls: type) -> str:
    """The name under which `class_of` gives this class.

    Raises:
        Refused: it has none, or its instances cannot be stored.
    """
    _choose(cls)
    name = generic_name(cls, name_of_class) or names.name_of(cls)
    if name is None:
        raise Refused(cls, "its class cannot be found by name in a module; define it at module level")
    return name


def class_of(name: str) -> Any:
    """The class with this name, if it is loaded and of a kind whose instances can be stored.

    Raises:
        LookupError: it is not loaded in this process.
        TypeError: it is something else.
    """
    origin, bracket, _ = name.partition("[")
    found: Any = names.find(origin)
    if not names.is_class(found):
        raise TypeError(f"{name} is not a class")
    if bracket:
        found = parametrised(found, name, name_of_class)
    try:
        _choose(found)
    except Refused as refused:
        raise TypeError(f"{name} is not a class whose instances can be stored") from refused
    return found


def _choose(cls: type) -> Callable[[Any, str], Kind]:
    if derives(cls, Enum):
        return _EnumKind
    if cls is ValidationError:
        return ValidationKind
    if derives(cls, BaseException):
        return ErrorKind
    if is_secret(cls):
        raise Refused(cls, "it is a secret, and payloads are not encrypted")
    if derives(cls, BaseModel):
        return ModelKind
    if is_url(cls):
        return UrlKind
    if derives(cls, tuple) and type(_static(cls, "_fields")) is tuple:
        return _NamedTupleKind
    if type(_static(cls, "__dataclass_fields__")) is dict:
        return _DataclassKind
    raise Refused(cls, _why_not(cls))


def _static(cls: type, name: str) -> Any:
    return next((class_dict(owner)[name] for owner in class_mro(cls) if name in class_dict(owner)), None)


def _why_not(cls: type) -> str:
    # By identity: a metaclass may define what equality does.
    if any(cls is running for running in (GeneratorType, CoroutineType)):
        return "it is a running computation; store what it gives"
    if any(cls is method for method in (MethodType, BuiltinMethodType)):
        return "a bound method; store the object and name the method where it is called"
    full = ".".join(map(str, names.home(cls)))
    for base in class_mro(cls)[1:]:
        if any(base is known for known in _KNOWN_BASES):
            return f"{full} is a subclass of {base.__qualname__} without a stored form of its own"
    return f"{full} is neither a dataclass nor a pydantic model, a named tuple, an enum or an exception"


class _DataclassKind(Kind):
    tag = "dataclass"

    def __init__(self, cls: Any, name: str) -> None:
        super().__init__(cls, name)
        self._layout = Layout(cls, (object,))

    def write(self, writer: "Writer", value: Any) -> Any:
        return {"~": "dataclass", "class": self.name, "v": self._layout.write(writer, value)}

    def read(self, reader: "Reader", node: dict[str, Any], number: int | None) -> Any:
        value = object.__new__(self.cls)
        reader.born(number, value)
        self._layout.read(reader, node["v"], value)
        return value


class _NamedTupleKind(Kind):
    tag = "namedtuple"

    def __init__(self, cls: Any, name: str) -> None:
        super().__init__(cls, name)
        self._layout = Layout(cls, (object, tuple))
        self._fields: tuple[str, ...] = _static(cls, "_fields")
        self._defaults: dict[str, Any] = _static(cls, "_field_defaults") or {}

    def write(self, writer: "Writer", value: Any) -> Any:
        parts = tuple.__iter__(value)
        if len(self._fields) != tuple.__len__(value):
            raise Refused(self.cls, "it has more or fewer items than fields")
        node = {
            "~": "namedtuple",
            "class": self.name,
            "v": writer.mapping(dict(zip(self._fields, parts, strict=True)), ".{}"),
        }
        attributes = self._layout.write(writer, value)
        if attributes:
            node["attributes"] = attributes
        return node

    def read(self, reader: "Reader", node: dict[str, Any], number: int | None) -> Any:
        parts = node["v"]
        if type(parts) is not dict or not parts.keys() <= set(self._fields):
            raise ValueError(f"{self.name} has other fields")
        given = dict(zip(parts, reader.whole(list(parts.values())), strict=True))
        value = tuple.__new__(self.cls, [given[f] if f in given else self._defaults[f] for f in self._fields])
        reader.born(number, value)
        self._layout.read(reader, node.get("attributes", {}), value)
        return value


class _EnumKind(Kind):
    tag = "enum"
    whole = True

    def __init__(self, cls: Any, name: str) -> None:
        super().__init__(cls, name)
        self._members: dict[str, Any] = class_dict(cls)["_member_map_"]

    def write(self, writer: "Writer", value: Any) -> Any:
        attributes: dict[str, Any] = object.__getattribute__(value, "__dict__")
        member = attributes.get("_name_")
        if type(member) is str and self._members.get(member) is value:
            return {"~": "enum", "class": self.name, "name": member}
        if self._composite():
            return {"~": "enum", "class": self.name, "value": writer.value(attributes["_value_"])}
        raise Refused(self.cls, "it is not a member of its own class")

    def read(self, reader: "Reader", node: dict[str, Any], number: int | None) -> Any:
        if "name" in node:
            return self._members[node["name"]]
        value = reader.value(node["value"])
        if not self._composite() or type(value) is not int:
            raise ValueError(f"{self.name} has no combined members")
        return EnumType.__call__(self.cls, value)

    def _composite(self) -> bool:
        # A Flag makes combined members on demand; where a user's own hook takes part in that, it would run.
        hooks = [owner for owner in class_mro(self.cls) if "_missing_" in class_dict(owner)]
        maker = _static(self.cls, "_new_member_")
        return hooks[0] is Flag and type(getattr(maker, "__func__", maker)) is BuiltinMethodType


def _reader_of(tag: str) -> "Callable[[Reader, dict[str, Any], int | None], Any]":
    def read(reader: "Reader", node: dict[str, Any], number: int | None) -> Any:
        kind = kind_named(node["class"])
        if kind.tag != tag:
            raise TypeError(f"{kind.name} is not of the kind {tag}")
        return kind.read(reader, node, number)

    return read


READERS = {
    kind.tag: _reader_of(kind.tag)
    for kind in (_DataclassKind, _NamedTupleKind, _EnumKind, ModelKind, UrlKind, ErrorKind, ValidationKind)
}
"""By tag."""
