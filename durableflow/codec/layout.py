"""How instances of one class are stored: the analysis of a class, done once.

Where an instance keeps its attributes is read and written with the descriptors of the interpreter alone, so nothing of
its class runs: no ``__getattribute__``, no ``__setattr__``, no property.
"""

from collections.abc import Iterable
from functools import partial
from types import GetSetDescriptorType, MemberDescriptorType
from typing import TYPE_CHECKING, Any

from durableflow.codec.names import class_dict, class_mro
from durableflow.codec.refusal import Refused

if TYPE_CHECKING:
    from durableflow.codec.reader import Reader
    from durableflow.codec.writer import Writer

_TYPING_ONLY = "__orig_class__"  # set by Box[int](...): an alias that means nothing at run time


class Layout:
    """The attributes of the instances of one class: its slots, and the instance dictionary if there is one.

    Args:
        cls: the class.
        builtin: the classes of Python's own that make the instances, whose attributes are not looked at.
    """

    __slots__ = ("_dict", "_slots", "cls")

    def __init__(self, cls: type, builtin: Iterable[type]) -> None:
        self.cls = cls
        self._dict: Any = None
        self._slots: dict[str, Any] = {}
        for owner in class_mro(cls):
            namespace = class_dict(owner)
            if "__del__" in namespace:
                raise Refused(cls, "it has a __del__: what it holds cannot be held twice")
            holder = namespace.get("__dict__")
            if type(holder) is GetSetDescriptorType:
                self._dict = self._dict or holder
            elif holder is not None:
                raise Refused(cls, "it replaces __dict__")
            if any(owner is known for known in builtin):  # not by equality: a metaclass may define that
                continue
            if "__new__" in namespace and type(namespace["__new__"]) is type(object.__new__):
                raise Refused(cls, f"its base class {owner.__qualname__} keeps its data outside of attributes")
            for name, slot in namespace.items():
                if type(slot) is MemberDescriptorType:
                    self._slots.setdefault(name, slot)

    def attributes(self, value: object) -> dict[str, Any]:
        """The attributes that are set, in the order of the slots and then of the dictionary."""
        state: dict[str, Any] = {}
        for name, slot in self._slots.items():
            try:
                state[name] = slot.__get__(value)
            except AttributeError:
                continue
        if self._dict is not None:
            state.update(self._dict.__get__(value))
        return state

    def write(self, writer: "Writer", value: object) -> Any:
        """The node of all attributes: a JSON object. Raises Refused."""
        state = self.attributes(value) if self._slots else self._dict.__get__(value) if self._dict is not None else {}
        if _TYPING_ONLY in state:
            state = {name: content for name, content in state.items() if name != _TYPING_ONLY}
        node = writer.mapping(state, ".{}")
        if "~" in node:
            raise Refused(self.cls, "the names of its attributes are not plain text")
        return node

    def read(self, reader: "Reader", nodes: Any, value: object) -> None:
        """Set the attributes of a new instance to the values of a JSON object, the pending ones later."""
        if self._slots:
            if type(nodes) is not dict or "~" in nodes:
                raise TypeError("expected a plain object")
            for name, node in nodes.items():
                reader.put(node, partial(self.set, value, name))
        elif self._dict is not None:
            reader.entries(nodes, self._dict.__get__(value), keep_order=False)
        elif nodes != {}:
            raise ValueError(f"{self.cls.__qualname__} has no attributes")

    def set(self, value: object, name: str, content: Any) -> None:
        """Set one attribute."""
        slot = self._slots.get(name)
        if slot is not None:
            slot.__set__(value, content)
        elif self._dict is not None:
            self._dict.__get__(value)[name] = content
        else:
            raise ValueError(f"{self.cls.__qualname__} has no attribute {name}")


class Kind:
    """How the instances of one class are written and restored.

    Args:
        cls: the class.
        name: the name under which `names.find` gives it.
    """

    tag = ""
    whole = False
    """Whether an instance is a constant without parts of its own (an enum member)."""

    def __init__(self, cls: Any, name: str) -> None:
        self.cls = cls
        self.name = name

    def write(self, writer: "Writer", value: Any) -> Any:
        """The node of an instance. Raises Refused."""
        raise NotImplementedError

    def read(self, reader: "Reader", node: dict[str, Any], number: int | None) -> Any:
        """The instance of a node. Raises any exception for a node that `write` does not give."""
        raise NotImplementedError
