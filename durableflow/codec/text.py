"""JSON text: the two C routines of the standard library, configured once.

``json.dumps`` builds its C encoder anew at every call, which costs as much as a small checkpoint itself.
"""

import json
from collections.abc import Callable
from json import encoder as _encoder
from typing import Any, NoReturn, cast

Dump = Callable[[Any], str]


def _refuse(value: object) -> NoReturn:
    raise TypeError(f"{type(value).__qualname__} is not JSON")


def _refuse_constant(name: str) -> NoReturn:
    raise ValueError(f"{name} is not JSON")


def _make_dump(separator: str) -> Dump:
    make: Any = getattr(_encoder, "c_make_encoder", None)
    if make is None:
        return json.JSONEncoder(
            ensure_ascii=False, check_circular=False, allow_nan=False, separators=(separator, ":")
        ).encode
    pieces = make(None, _refuse, _encoder.encode_basestring, None, ":", separator, False, False, False)

    def dump(node: Any) -> str:
        return "".join(pieces(node, 0))

    return dump


dump = _make_dump(",")
"""The compact JSON text of a tree of plain dicts, lists and scalars; ValueError for nan and the infinities."""

_dump_lines = _make_dump("\n")


def dump_each(scalars: list[Any]) -> list[str]:
    """The texts of many scalars, for the cost of one call: no JSON text of a scalar holds a line break."""
    return _dump_lines(scalars)[1:-1].split("\n")


_decoder = json.JSONDecoder(parse_constant=_refuse_constant)
_scan = cast(Callable[[str, int], tuple[Any, int]], vars(_decoder)["scan_once"])


def load(text: str) -> Any:
    """The tree that a JSON text describes; ValueError when it is not one JSON value."""
    try:
        tree, end = _scan(text, 0)
    except StopIteration:
        end = -1
    if end == len(text):
        return tree
    return _decoder.decode(text)  # white space around the value, or an error with its position
