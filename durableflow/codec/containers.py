"""Python's own containers: how each is written, and how it comes back (first empty, where it can hold itself)."""

import base64
from collections import Counter, OrderedDict, defaultdict, deque
from collections.abc import Callable
from functools import partial
from typing import TYPE_CHECKING, Any

from durableflow.codec.refusal import Refused

if TYPE_CHECKING:
    from durableflow.codec.reader import Reader
    from durableflow.codec.writer import Writer


def _write_list(writer: "Writer", value: list[Any]) -> Any:
    return writer.items(value)


def _write_dict(writer: "Writer", value: dict[Any, Any]) -> Any:
    return writer.mapping(value)


def write_tuple(writer: "Writer", value: tuple[Any, ...]) -> Any:
    """The node of a tuple."""
    return {"~": "tuple", "v": writer.items(value)}


def _write_set(writer: "Writer", value: set[Any]) -> Any:
    return {"~": "set", "v": _members(writer, value)}


def _write_frozenset(writer: "Writer", value: frozenset[Any]) -> Any:
    return {"~": "frozenset", "v": _members(writer, value)}


def _members(writer: "Writer", values: set[Any] | frozenset[Any]) -> list[Any]:
    try:
        return writer.items(values)
    except Refused as refused:
        refused.path[-1] = "<member>"  # its place differs from process to process
        raise


def _write_bytearray(writer: "Writer", value: bytearray) -> Any:
    return {"~": "bytearray", "v": base64.b64encode(value).decode("ascii")}


def _write_slice(writer: "Writer", value: slice) -> Any:
    return {"~": "slice", "v": writer.items((value.start, value.stop, value.step))}


def _write_deque(writer: "Writer", value: deque[Any]) -> Any:
    return {"~": "deque", "maxlen": writer.value(value.maxlen), "v": writer.items(value)}


def _write_defaultdict(writer: "Writer", value: defaultdict[Any, Any]) -> Any:
    try:
        factory = writer.value(value.default_factory)
    except Refused as refused:
        refused.path.append(".default_factory")
        raise
    return {"~": "defaultdict", "factory": factory, "v": writer.mapping(value)}


def _write_ordered(tag: str) -> "Callable[[Writer, Any], Any]":
    def write(writer: "Writer", value: Any) -> Any:
        if value.__dict__:
            raise Refused(type(value), "it has attributes of its own")
        return {"~": tag, "v": writer.mapping(value)}

    return write


CONTAINERS: "dict[type, Callable[[Writer, Any], Any]]" = {
    list: _write_list,
    dict: _write_dict,
    tuple: write_tuple,
    set: _write_set,
    frozenset: _write_frozenset,
    bytearray: _write_bytearray,
    slice: _write_slice,
    deque: _write_deque,
    defaultdict: _write_defaultdict,
    OrderedDict: _write_ordered("OrderedDict"),
    Counter: _write_ordered("Counter"),
}
"""By exact class: what gives the node."""


def _read_tuple(reader: "Reader", node: dict[str, Any], number: int | None) -> tuple[Any, ...]:
    return tuple(reader.whole(node["v"]))


def _read_set(reader: "Reader", node: dict[str, Any], number: int | None) -> set[Any]:
    members: set[Any] = set()
    reader.born(number, members)
    reader.soon(partial(_fill_set, reader, members, node["v"]))
    return members


def _fill_set(reader: "Reader", members: set[Any], nodes: list[Any]) -> None:
    members.update(reader.hashed(lambda: set_in_order(reader.whole(nodes))))


def set_in_order(items: list[Any]) -> dict[Any, None]:
    """The items as keys: hashed, each once, in their order."""
    return dict.fromkeys(items)


def _read_frozenset(reader: "Reader", node: dict[str, Any], number: int | None) -> frozenset[Any]:
    return reader.hashed(lambda: frozenset(reader.whole(node["v"])))


def _read_bytearray(reader: "Reader", node: dict[str, Any], number: int | None) -> bytearray:
    return bytearray(base64.b64decode(node["v"], validate=True))


def _read_slice(reader: "Reader", node: dict[str, Any], number: int | None) -> slice:
    start, stop, step = reader.whole(node["v"])
    return slice(start, stop, step)


def _read_deque(reader: "Reader", node: dict[str, Any], number: int | None) -> deque[Any]:
    maxlen = node["maxlen"]
    items: deque[Any] = deque(maxlen=None if maxlen is None else reader.value(maxlen))
    reader.born(number, items)
    nodes = node["v"]
    if type(nodes) is not list or (items.maxlen is not None and len(nodes) > items.maxlen):
        raise ValueError("more items than a deque of this length holds")
    reader.fill_series(nodes, items.append, items.__setitem__)
    return items


def _read_pairs(make: Callable[[], Any]) -> "Callable[[Reader, dict[str, Any], int | None], Any]":
    def read(reader: "Reader", node: dict[str, Any], number: int | None) -> Any:
        entries = make()
        reader.born(number, entries)
        _fill(reader, entries, node["v"])
        return entries

    return read


def _read_defaultdict(reader: "Reader", node: dict[str, Any], number: int | None) -> defaultdict[Any, Any]:
    entries: defaultdict[Any, Any] = defaultdict(None)
    reader.born(number, entries)
    factory = node["factory"]
    if factory is not None:
        reader.put(factory, partial(_set_factory, entries))
    _fill(reader, entries, node["v"])
    return entries


def _set_factory(entries: defaultdict[Any, Any], factory: Any) -> None:
    if not callable(factory):
        raise TypeError("a default_factory must be callable")
    entries.default_factory = factory


def _fill(reader: "Reader", entries: dict[Any, Any], nodes: Any) -> None:
    # As `Writer.mapping` writes it: an object, or pairs where the keys do not allow that.
    if type(nodes) is dict and nodes.get("~") == "dict":
        nodes = nodes["v"]
    if type(nodes) is list:
        reader.soon(partial(_fill_pairs, reader, entries, nodes))
    else:
        reader.entries(nodes, entries, keep_order=True)


def _fill_pairs(reader: "Reader", entries: dict[Any, Any], pairs: list[Any]) -> None:
    keys = reader.hashed(lambda: set_in_order(reader.whole([key for key, _ in pairs])))
    if len(keys) != len(pairs):
        raise ValueError("a key occurs twice")
    put = entries.__setitem__
    for key, (_, item) in zip(keys, pairs, strict=True):
        reader.put(item, partial(put, key))


READERS: "dict[str, Callable[[Reader, dict[str, Any], int | None], Any]]" = {
    "tuple": _read_tuple,
    "set": _read_set,
    "frozenset": _read_frozenset,
    "bytearray": _read_bytearray,
    "slice": _read_slice,
    "deque": _read_deque,
    "dict": _read_pairs(dict),
    "defaultdict": _read_defaultdict,
    "OrderedDict": _read_pairs(OrderedDict),
    "Counter": _read_pairs(Counter),
}
"""By tag: what makes the object. The number is the object's own, for `Reader.born`, when it occurs more than once."""
