"""The codec's verbs: encode, decode, digest."""

import re
from collections.abc import Container, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from durableflow.codec.blobs import INLINE, Expander, Splitter
from durableflow.codec.canonical import canonical_digest
from durableflow.codec.extension import Extension, registered
from durableflow.codec.reader import Reader
from durableflow.codec.refusal import Refused
from durableflow.codec.text import dump, load
from durableflow.codec.writer import Writer
from durableflow.errors import CorruptValue, NotStorable, ValueTooLarge

# Not every exception: a time limit may strike here as anywhere else.
_UNREADABLE = (ArithmeticError, AttributeError, LookupError, OSError, RuntimeError, TypeError, ValueError)
_NUL = re.compile(r"(?<!\\)(?:\\\\)*\\u0000")
_SURROGATE = re.compile("[\ud800-\udfff]")
_NOTHING: Mapping[str, str] = {}


@dataclass(frozen=True, slots=True)
class Encoded:
    """The stored form of a value."""

    text: str
    """The JSON text of the root; PostgreSQL takes it as `json`, and casts it to `jsonb`."""
    blobs: Mapping[str, str] = field(default_factory=dict)
    """By content hash: the JSON texts of the large subtrees that are not stored yet."""
    size: int = 0
    """Bytes of the text and of these blobs."""


def encode(
    value: object,
    *,
    where: str = "value",
    known: Container[str] = (),
    extensions: Sequence[Extension] = (),
    limit: int | None = None,
) -> Encoded:
    """The stored form of a value and of everything that it reaches.

    Args:
        value: any value; shared and cyclic references inside of it are kept.
        where: how an error's path to a part starts; empty for a dict of variables, whose names start the path then.
        known: the hashes of the blobs that are stored already, and are not to be given again.
        extensions: forms for types of the caller's own, before the registered ones.
        limit: the largest accepted size in bytes, of the whole text with all blobs in place.

    Raises:
        NotStorable: a part of the value has no stored form; the message holds the path to it.
        ValueTooLarge: the stored form is larger than the limit.
    """
    every = [*extensions, *registered()]
    try:
        tree, text, size = _text(value, every)
    except Refused as refused:
        raise refused.error(where) from None
    except RecursionError:
        raise NotStorable(f"{where}: nested too deeply for the stack that is left here") from None
    if limit is not None and size > limit:
        raise ValueTooLarge(
            f"{where}: its stored form takes {size:,} bytes, and the limit is {limit:,};"
            " store the data elsewhere and pass a reference to it, or raise the limit"
        )
    return Encoded(text, _NOTHING, size) if len(text) <= INLINE else _split(tree, known)


def encode_plain(tree: Any) -> Encoded | None:
    """The stored form of what is in JSON as it is in Python, or is a form already, where it is small. None: it is not.

    The caller answers for what is in it: no floats that JSON lacks, no NUL, no integers that JavaScript would round.
    """
    text = dump(tree)
    return Encoded(text, _NOTHING, len(text)) if len(text) <= INLINE else None


def _text(value: object, extensions: list[Extension]) -> tuple[Any, str, int]:
    try:
        tree = _tree(value, extensions, careful=False)
        text = dump(tree)
        size = len(text) if text.isascii() else len(text.encode("utf-8"))
    except (ValueError, UnicodeEncodeError):  # a float that JSON lacks, a lone surrogate
        text = "\\u0000"
    if "\\u0000" in text:  # a NUL character, or text that looks like one
        tree = _tree(value, extensions, careful=True)
        text = dump(tree)
        if _NUL.search(text) or _SURROGATE.search(text):
            raise Refused(type(value), "a name in it has a NUL character or a lone surrogate")
        size = len(text.encode("utf-8"))
    return tree, text, size


def _tree(value: object, extensions: list[Extension], *, careful: bool) -> Any:
    writer = Writer(extensions, careful=careful)
    tree = writer.document(value)
    if writer.shared:
        tree = Writer(extensions, careful=careful, first=writer).document(value)
    return tree


def _split(tree: Any, known: Container[str]) -> Encoded:
    splitter = Splitter(known)
    text = splitter.split(tree)
    new = {name: body for name, body in splitter.found.items() if name not in known}
    return Encoded(text, new, sum(len(part.encode("utf-8")) for part in (text, *new.values())))


def decode(text: str, *, blobs: Mapping[str, str] = _NOTHING, extensions: Sequence[Extension] = ()) -> object:
    """The value of a stored form.

    Args:
        text: the text of the root.
        blobs: by content hash, the texts of the blobs that it refers to, directly and through each other.
        extensions: as at `encode`.

    Raises:
        CorruptValue: it is not something that `encode` writes, or it needs a class or blob that is not there.
    """
    try:
        if '"~"' not in text:
            return load(text)
        return Reader([*extensions, *registered()]).document(Expander(blobs).expand(text))
    except _UNREADABLE as error:
        raise CorruptValue(f"a stored value cannot be read: {type(error).__qualname__}: {error}") from error


def digest(value: object) -> str:
    """The SHA-256, in hexadecimal, of a value's canonical form.

    Equal for equal values: the order of a dict's keys and of a set's members makes no difference, and neither does
    which parts are one object. (Between cyclic values, the place where the cycle is entered does.)

    Raises:
        NotStorable: a part of the value has no stored form.
    """
    try:
        tree, _, _ = _text(value, registered())
    except Refused as refused:
        raise refused.error("value") from None
    return canonical_digest(tree)
