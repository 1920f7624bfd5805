"""Exceptions: class, args, attributes, notes, cause and context; no traceback, and no call of ``__init__``.

What hangs on an exception is often not meant to be kept (a response, a connection). An exception that holds such a
thing has no stored form; as the cause or context of another one it is replaced by a `StepRaised` that tells its type
and text, because a failure must not be lost to the failure before it.
"""

import builtins
from functools import partial
from typing import TYPE_CHECKING, Any, get_args

from pydantic_core import InitErrorDetails, PydanticCustomError, ValidationError
from pydantic_core.core_schema import ErrorType

from durableflow.codec.layout import Kind, Layout
from durableflow.codec.names import class_dict, class_mro
from durableflow.codec.refusal import Refused

if TYPE_CHECKING:
    from durableflow.codec.reader import Reader
    from durableflow.codec.writer import Writer

_BUILTIN = frozenset(
    thing for thing in vars(builtins).values() if isinstance(thing, type) and issubclass(thing, BaseException)
) | {object}

_FIELDS: dict[type, tuple[str, ...]] = {
    OSError: ("errno", "strerror", "filename", "filename2", "characters_written"),
    StopIteration: ("value",),
    SystemExit: ("code",),
    ImportError: ("msg", "name", "path"),
    NameError: ("name",),
    AttributeError: ("name",),  # not obj: it is whatever lacked the attribute
    SyntaxError: (
        "msg",
        "filename",
        "lineno",
        "offset",
        "text",
        "end_lineno",
        "end_offset",
        "print_file_and_line",
    ),
    UnicodeEncodeError: ("encoding", "object", "start", "end", "reason"),
    UnicodeDecodeError: ("encoding", "object", "start", "end", "reason"),
    UnicodeTranslateError: ("object", "start", "end", "reason"),
}
"""What builtin exceptions keep outside of their instance dictionary."""

_BASE = class_dict(BaseException)
_GROUP = class_dict(BaseExceptionGroup)


def describe(error: BaseException) -> str:
    """The type and text of an exception, cut to a readable length; never raises."""
    kind = type(error)
    name = kind.__qualname__ if kind.__module__ == "builtins" else f"{kind.__module__}.{kind.__qualname__}"
    try:
        text = str(error)
    except Exception as trouble:
        text = f"its text raised {type(trouble).__name__}"
    return f"{name}: {text[:2000]}"


def stand_in(error: BaseException) -> Any:
    """The node of a `StepRaised` in place of an exception that has no stored form."""
    return {"~": "error", "class": "durableflow.errors:StepRaised", "args": [describe(error)]}


class ErrorKind(Kind):
    """Instances of one class of exceptions."""

    tag = "error"

    def __init__(self, cls: Any, name: str) -> None:
        super().__init__(cls, name)
        mro = class_mro(cls)
        self._layout = Layout(cls, (*_BUILTIN, ValidationError))
        self._make = next(
            class_dict(owner)["__new__"]
            for owner in mro
            if "__new__" in class_dict(owner) and type(class_dict(owner)["__new__"]) is type(object.__new__)
        )
        self._group = BaseExceptionGroup in mro
        self._fields = {
            field: class_dict(owner)[field] for owner in mro if owner in _FIELDS for field in _FIELDS[owner]
        }

    def write(self, writer: "Writer", value: Any) -> Any:
        """The node of an exception."""
        node: dict[str, Any] = {"~": self.tag, "class": self.name}
        args = _BASE["args"].__get__(value)
        if self._group:
            args = self._write_group(writer, value, args, node)
        if args is not None:
            node["args"] = self._step(".args", writer.items, args)
        fields = self._special(value)
        if fields:
            node["fields"] = writer.mapping(fields, ".{}")
        self._write_rest(writer, value, node)
        return node

    def _write_rest(self, writer: "Writer", value: Any, node: dict[str, Any]) -> None:
        attributes = self._layout.write(writer, value)
        if attributes:
            node["v"] = attributes
        self._write_chain(writer, value, node)

    def _write_group(self, writer: "Writer", value: Any, args: tuple[Any, ...], node: dict[str, Any]) -> Any:
        message, inner = _GROUP["message"].__get__(value), _GROUP["exceptions"].__get__(value)
        node["message"] = writer.value(message)
        node["exceptions"] = self._step(".exceptions", writer.items, inner)
        if len(args) == 2 and args[0] is message and type(args[1]) in (list, tuple):
            given = args[1]
            if len(given) == len(inner) and all(a is b for a, b in zip(given, inner, strict=True)):
                if type(given) is tuple:
                    node["tuple"] = True
                return None
        return args

    def _special(self, value: Any) -> dict[str, Any]:
        found = {}
        for field, descriptor in self._fields.items():
            try:
                content = descriptor.__get__(value)
            except (AttributeError, TypeError):  # not set
                continue
            if content is not None:
                found[field] = content
        return found

    def _write_chain(self, writer: "Writer", value: Any, node: dict[str, Any]) -> None:
        cause, context = _BASE["__cause__"].__get__(value), _BASE["__context__"].__get__(value)
        if cause is not None:
            node["cause"] = writer.attempt(cause) or stand_in(cause)
        if context is not None:
            node["context"] = "cause" if context is cause else writer.attempt(context) or stand_in(context)
        if _BASE["__suppress_context__"].__get__(value):
            node["suppress"] = True

    @staticmethod
    def _step(step: str, write: Any, values: Any) -> Any:
        try:
            return write(values)
        except Refused as refused:
            refused.path.append(step)
            raise

    def read(self, reader: "Reader", node: dict[str, Any], number: int | None) -> Any:
        """The exception of a node."""
        value = self._new(reader, node)
        reader.born(number, value)
        if "args" in node:
            _BASE["args"].__set__(value, ())
            reader.put({"~": "tuple", "v": node["args"]}, lambda args: _BASE["args"].__set__(value, args))
        for field, content in node.get("fields", {}).items():
            reader.put(content, partial(self._fields[field].__set__, value))
        self._layout.read(reader, node.get("v", {}), value)
        self._read_chain(reader, node, value)
        return value

    def _new(self, reader: "Reader", node: dict[str, Any]) -> Any:
        if not self._group:
            return self._make(self.cls)
        inner = reader.whole(node["exceptions"])
        return self._make(self.cls, reader.value(node["message"]), tuple(inner) if node.get("tuple") else inner)

    def _read_chain(self, reader: "Reader", node: dict[str, Any], value: Any) -> None:
        context = node.get("context")
        if "cause" in node:
            reader.put(node["cause"], lambda cause: self._chain(value, cause, same=context == "cause"))
        if context is not None and context != "cause":
            reader.put(context, partial(_BASE["__context__"].__set__, value))
        _BASE["__suppress_context__"].__set__(value, node.get("suppress", False))

    @staticmethod
    def _chain(value: Any, cause: Any, *, same: bool) -> None:
        suppress = _BASE["__suppress_context__"].__get__(value)
        _BASE["__cause__"].__set__(value, cause)
        _BASE["__suppress_context__"].__set__(value, suppress)  # setting a cause sets this
        if same:
            _BASE["__context__"].__set__(value, cause)


_PYDANTIC_ERRORS = frozenset(get_args(ErrorType))


class ValidationKind(ErrorKind):
    """Pydantic's ValidationError, which keeps its findings outside of Python's attributes."""

    tag = "validation"

    def write(self, writer: "Writer", value: Any) -> Any:
        """The node of a ValidationError."""
        findings = value.errors(include_url=False)
        hidden = bool(findings) and "input_value=" not in str(value)  # a model can say that errors must not show input
        node = {"~": "validation", "class": self.name, "title": writer.value(value.title), "hide_input": hidden}
        kept = [{**finding, "input": None} if hidden else finding for finding in findings]
        writer.temporary(kept)
        node["errors"] = self._step(".errors()", writer.items, kept)
        self._write_rest(writer, value, node)
        return node

    def _new(self, reader: "Reader", node: dict[str, Any]) -> Any:
        details = [self._detail(**finding) for finding in reader.whole(node["errors"])]
        return ValidationError.from_exception_data(reader.value(node["title"]), details, hide_input=node["hide_input"])

    @staticmethod
    def _detail(type: str, loc: Any, msg: str, input: Any, ctx: Any = None) -> InitErrorDetails:  # noqa: A002
        kind: Any = type if type in _PYDANTIC_ERRORS else PydanticCustomError(type, msg, ctx)
        detail: InitErrorDetails = {"type": kind, "loc": loc, "input": input}
        if ctx is not None:
            detail["ctx"] = ctx
        return detail
