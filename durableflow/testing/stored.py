"""stored: a value that has no short form in Python, from its stored form."""

from collections.abc import Mapping
from typing import Any

from durableflow import codec


def stored(text: str, values: Mapping[str, str] | None = None) -> Any:
    """The value of a stored text, as exported tests have it where an expression would not give the same.

    text: as it stands in the tables; values: its large parts, by hash. The classes that it names have to be imported.
    Raises CorruptValue.
    """
    return codec.decode(text, blobs=values or {})
