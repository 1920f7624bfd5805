"""Pydantic models: stored as what they hold, restored without validation: nothing is converted, hidden or rejected."""

from collections.abc import Callable
from functools import partial
from typing import TYPE_CHECKING, Any

from pydantic import BaseModel
from pydantic.networks import _BaseMultiHostUrl, _BaseUrl
from pydantic.types import _SecretBase
from pydantic_core import MultiHostUrl, Url

from durableflow.codec.layout import Kind, Layout
from durableflow.codec.names import class_dict, derives
from durableflow.codec.refusal import Refused

if TYPE_CHECKING:
    from durableflow.codec.reader import Reader
    from durableflow.codec.writer import Writer


def is_secret(cls: type) -> bool:
    """Whether a class is one of pydantic's secrets."""
    return derives(cls, _SecretBase)


def is_url(cls: type) -> bool:
    """Whether a class is one of pydantic's URL types."""
    return derives(cls, _BaseUrl) or derives(cls, _BaseMultiHostUrl)


def generic_name(cls: type, name_of: Callable[[type], str]) -> str | None:
    """The name of a generic model with its parameters, ``shop:Box[int]``; None for every other class."""
    metadata = class_dict(cls).get("__pydantic_generic_metadata__")
    if not metadata or not metadata["origin"]:
        return None
    parameters = ", ".join(_parameter(argument) for argument in metadata["args"])
    return f"{name_of(metadata['origin'])}[{parameters}]"


def _parameter(argument: Any) -> str:
    if not isinstance(argument, type) or hasattr(argument, "__origin__"):
        return repr(argument)
    return (
        argument.__qualname__ if argument.__module__ == "builtins" else f"{argument.__module__}.{argument.__qualname__}"
    )


def parametrised(origin: type, name: str, name_of: Callable[[type], str]) -> type:
    """The parametrised model of this name, among those that exist in this process.

    Raises:
        LookupError: there is none. One is not made here: that would build a schema, with hooks of the user's.
    """
    candidates: list[type] = type.__subclasses__(origin)
    for candidate in candidates:
        if generic_name(candidate, name_of) == name:
            return candidate
    raise LookupError(f"{name} does not exist in this process; name it in its module, say IntBox = Box[int]")


class ModelKind(Kind):
    """Instances of one pydantic model, with extras, private attributes and the set of fields that were given."""

    tag = "pydantic"

    def __init__(self, cls: Any, name: str) -> None:
        super().__init__(cls, name)
        layout = Layout(cls, (object,))
        self._layout = layout
        self._slot = {
            name: class_dict(BaseModel)[f"__pydantic_{name}__"] for name in ("fields_set", "extra", "private")
        }

    def write(self, writer: "Writer", value: Any) -> Any:
        """The node of an instance."""
        attributes = self._layout.attributes(value)
        given = attributes.pop("__pydantic_fields_set__", set())
        extra = attributes.pop("__pydantic_extra__", None)
        private = attributes.pop("__pydantic_private__", None)
        node = {"~": "pydantic", "class": self.name, "v": self._plain(writer.mapping(attributes, ".{}"))}
        # In the order of the fields: a set of strings has another order in every process.
        ordered = [field for field in attributes if field in given] + sorted(given - attributes.keys())
        node["set"] = writer.items(ordered)
        if extra is not None:
            node["extra"] = writer.mapping(extra, ".{}")
        if private is not None:
            node["private"] = self._plain(writer.mapping(private, ".{}"))
        return node

    def _plain(self, node: Any) -> Any:
        if "~" in node:
            raise Refused(self.cls, "the names of its attributes are not plain text")
        return node

    def _set_dict(self, value: Any, name: str, content: Any) -> None:
        if type(content) is not dict:
            raise TypeError("expected attributes by name")
        self._slot[name].__set__(value, content)

    def read(self, reader: "Reader", node: dict[str, Any], number: int | None) -> Any:
        """The instance of a node."""
        value = object.__new__(self.cls)
        reader.born(number, value)
        self._layout.read(reader, node["v"], value)
        given = reader.whole(node["set"])
        if not all(type(field) is str for field in given):
            raise TypeError("expected the names of fields")
        self._slot["fields_set"].__set__(value, set(given))
        for name in ("extra", "private"):
            self._slot[name].__set__(value, None)
            if name in node:
                reader.put(node[name], partial(self._set_dict, value, name))
        return value


class UrlKind(Kind):
    """Instances of pydantic's URL classes."""

    tag = "url"

    def __init__(self, cls: Any, name: str) -> None:
        super().__init__(cls, name)
        self._layout = Layout(cls, (object,))

    def write(self, writer: "Writer", value: Any) -> Any:
        """The node of a URL."""
        return {"~": "url", "class": self.name, "v": writer.value(str(self._layout.attributes(value)["_url"]))}

    def read(self, reader: "Reader", node: dict[str, Any], number: int | None) -> Any:
        """The URL of a node."""
        core = MultiHostUrl if derives(self.cls, _BaseMultiHostUrl) else Url
        value = object.__new__(self.cls)
        self._layout.set(value, "_url", core(reader.value(node["v"])))
        return value
