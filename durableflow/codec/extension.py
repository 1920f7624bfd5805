"""The door for other packages: how their own runtime types get a stored form."""

from collections.abc import Iterable
from typing import Any, Protocol


class Extension(Protocol):
    """How values of one kind are taken apart and made again.

    A value is split in two: what is needed to create it, and what is filled in afterwards. Objects that refer back to
    the value (a local function kept in a list that it closes over) belong into the second part.
    """

    tag: str
    """The tag of the stored form; unique in the process, and stored for ever."""

    def takes(self, value: Any) -> bool:
        """Whether this value is of the kind."""
        ...

    def split(self, value: Any) -> tuple[object, object]:
        """What is needed to create the value, and the rest (None: nothing). Both are encoded in turn."""
        ...

    def create(self, needed: Any) -> object:
        """The value, unfilled. Objects inside of ``needed`` may not be filled yet: do not look into them."""
        ...

    def fill(self, value: Any, rest: Any) -> None:
        """Put the rest into the value: called when all other objects are complete, and not at all without a rest."""
        ...


_registered: list[Extension] = []
_OWN_TAGS = {"blob", "chunks", "def", "ref", "deep"}


def reserve(tags: Iterable[str]) -> None:
    """Keep the codec's own tags from being registered."""
    _OWN_TAGS.update(tags)


def register(extension: Extension) -> None:
    """Make an extension known to every `encode` and `decode` of this process.

    Raises:
        ValueError: the tag is taken.
    """
    if any(known is extension for known in _registered):
        return
    if any(known.tag == extension.tag for known in _registered):
        raise ValueError(f"an extension with the tag {extension.tag!r} is registered already")
    if extension.tag in _OWN_TAGS:
        raise ValueError(f"the tag {extension.tag!r} is one of the codec's own")
    _registered.append(extension)


def registered() -> list[Extension]:
    """The extensions of this process."""
    return _registered
