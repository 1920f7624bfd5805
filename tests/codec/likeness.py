"""Whether two values are alike: same exact types, same contents, same order, same parts shared."""

from collections import Counter, OrderedDict, defaultdict, deque
from dataclasses import fields, is_dataclass
from typing import Any

from pydantic import BaseModel


def unlike(a: Any, b: Any) -> str | None:
    """Where and how two values differ; None: they do not."""
    pairs: dict[int, int] = {}
    back: dict[int, int] = {}
    alive: list[Any] = []  # identities of what is freed would be given to others
    todo: list[tuple[str, Any, Any]] = [("", a, b)]
    while todo:
        path, a, b = todo.pop()
        alive.append((a, b))
        if type(a) is not type(b):
            return f"{path}: {type(a)} became {type(b)}"
        parts = _parts(a)
        if parts is None:
            if a != b if type(a) is int else repr(a) != repr(b):  # equality hides a fold, a zone, the sign of a zero
                return f"{path}: {type(a)} changed its value"
            continue
        if type(a) not in (tuple, frozenset):  # which constants are one object is the compiler's choice
            if id(a) in pairs or id(b) in back:
                if pairs.get(id(a)) != id(b) or back.get(id(b)) != id(a):
                    return f"{path}: what was one object became two, or two became one"
                continue
            pairs[id(a)], back[id(b)] = id(b), id(a)
        others = _parts(b)
        assert others is not None
        if [name for name, _ in parts] != [name for name, _ in others]:
            return f"{path}: {[n for n, _ in parts]} became {[n for n, _ in others]}"
        todo += [(f"{path}{name}", x, y) for (name, x), (_, y) in zip(parts, others, strict=True)]
    return None


def _parts(value: Any) -> list[tuple[str, Any]] | None:
    kind = type(value)
    if kind in (list, deque) or (isinstance(value, tuple) and value):
        parts = [
            (f"[{i}]", item) for i, item in enumerate(tuple.__iter__(value) if isinstance(value, tuple) else value)
        ]
        return parts + ([("maxlen", value.maxlen)] if kind is deque else []) + _attributes(value)
    if kind in (set, frozenset):
        members = sorted(value, key=_order)
        return [(f"<{i}>", item) for i, item in enumerate(members)]
    if kind in (dict, OrderedDict, Counter, defaultdict):
        parts = [part for i, (k, v) in enumerate(value.items()) for part in ((f"<key {i}>", k), (f"[{i}]", v))]
        return parts + ([("default_factory", value.default_factory)] if kind is defaultdict else [])
    if kind is bytearray:
        return [("bytes", bytes(value))]
    if isinstance(value, BaseException):
        return _error_parts(value)
    if isinstance(value, BaseModel):
        private = value.__pydantic_private__
        return [
            *((f".{k}", v) for k, v in value.__dict__.items()),
            ("given", value.model_fields_set),
            *((f".{k}", v) for k, v in (value.model_extra or {}).items()),
            *((f".{k}", v) for k, v in (private or {}).items()),
            ("has private", private is None),
        ]
    if is_dataclass(value) and not isinstance(value, type):
        return [
            *((f".{f.name}", getattr(value, f.name)) for f in fields(value) if f.name not in vars_of(value)),
            *_attributes(value),
        ]
    return None


def vars_of(value: Any) -> dict[str, Any]:
    return getattr(value, "__dict__", {})


def _attributes(value: Any) -> list[tuple[str, Any]]:
    found = [(f".{name}", content) for name, content in vars_of(value).items() if name != "__orig_class__"]
    return sorted(found, key=lambda part: part[0])


def _error_parts(value: BaseException) -> list[tuple[str, Any]]:
    special = (
        "errno",
        "strerror",
        "filename",
        "filename2",
        "value",
        "code",
        "name",
        "msg",
        "lineno",
        "reason",
        "object",
    )
    return [
        ("args", value.args),
        ("text", str(value)),
        ("cause", value.__cause__),
        ("context", value.__context__),
        ("suppress", value.__suppress_context__),
        *(
            (f".{name}", getattr(value, name))
            for name in special
            if hasattr(type(value), name) and not _unset(value, name)
        ),
        *sorted(((f".{k}", v) for k, v in value.__dict__.items()), key=lambda part: part[0]),
        *((f"group[{i}]", e) for i, e in enumerate(getattr(value, "exceptions", ()))),
    ]


def _unset(value: BaseException, name: str) -> bool:
    try:
        getattr(value, name)
    except (AttributeError, TypeError):
        return True
    return name == "obj"


def _order(item: Any) -> str:
    return f"{type(item).__qualname__} {item!r}"
