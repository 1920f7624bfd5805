"""From a tree of JSON to values.

Objects that can hold themselves (lists, dicts, sets, instances) are made empty, made known under their number, and then
filled. Objects that cannot (tuples, frozensets) need their parts first. A part that refers to an object which is not
made yet is `Pending`: the nearest object that can be filled later takes note and leaves the place open until the end.

What goes into a set or becomes a key is hashed, so it has to be complete: there, a reference to an object that is still
being filled is pending too.

Nothing of a document is changed by reading it, so a part that was pending can be read again.
"""

from collections.abc import Callable, Sequence
from functools import partial
from typing import Any, TypeVar

from durableflow.codec import callables, containers, kinds
from durableflow.codec.extension import Extension, reserve
from durableflow.codec.refusal import Pending
from durableflow.codec.scalars import SCALAR_READERS

T = TypeVar("T")


class Reader:
    """One walk over one document."""

    __slots__ = ("_extensions", "_fills", "_hashing", "_last_resort", "_made", "_open", "_soon")

    def __init__(self, extensions: Sequence[Extension]) -> None:
        self._extensions = extensions
        self._made: dict[int, object] = {}
        self._open: set[int] = set()
        self._hashing = 0
        self._last_resort = False
        self._soon: list[Callable[[], object]] = []
        self._fills: list[Callable[[], None]] = []

    def document(self, tree: Any) -> object:
        """The value of a whole document. Raises any exception for a document that the writer does not write."""
        root: list[object] = []
        self.put(tree, root.append)
        while self._soon:
            waiting, self._soon = self._soon, []
            done = 0
            for action in waiting:
                try:
                    action()
                    done += 1
                except Pending:
                    self._soon.append(action)
            if not done:
                if self._last_resort:
                    raise ValueError("an object needs itself to be made, or a reference leads nowhere")
                self._last_resort = True
        for fill in self._fills:
            fill()
        return root[0]

    def value(self, node: Any) -> Any:
        """The value of a node. Raises Pending when it cannot be made yet."""
        kind = type(node)
        if kind is list:
            return self._list(node, None)
        if kind is dict:
            return self._tagged(node, None) if "~" in node else self._dict(node, None)
        return node

    def born(self, number: int | None, value: object) -> None:
        """Make an object known before it is filled."""
        if number is not None:
            self._made[number] = value

    def put(self, node: Any, setter: Callable[[Any], object]) -> None:
        """Hand the value of a node to the setter, now or as soon as it can be made."""
        kind = type(node)
        if kind is list or kind is dict:
            try:
                node = self.value(node)
            except Pending:
                self._later(partial(self._put_again, node, setter))
                return
        setter(node)

    def _put_again(self, node: Any, setter: Callable[[Any], object]) -> None:
        setter(self.value(node))

    def soon(self, action: Callable[[], object]) -> None:
        """Do this now, or again later when it raises Pending."""
        try:
            action()
        except Pending:
            self._later(action)

    def _later(self, action: Callable[[], object]) -> None:
        # Called while a Pending is handled. What is about to be hashed must not be left half filled.
        if self._hashing and not self._last_resort:
            raise Pending
        self._soon.append(action)

    def finally_fill(self, fill: Callable[[], None]) -> None:
        """Call this when every object of the document is complete."""
        self._fills.append(fill)

    def whole(self, nodes: Any) -> list[Any]:
        """The values of a series that is needed at once. Raises Pending when one of them cannot be made yet."""
        if type(nodes) is not list:
            raise TypeError("expected an array")
        value = self.value
        return [value(node) if type(node) is dict or type(node) is list else node for node in nodes]

    def hashed(self, make: Callable[[], T]) -> T:
        """The result of ``make``, which hashes what it reads. Raises Pending while something in it is incomplete."""
        self._hashing += 1
        try:
            return make()
        except AttributeError:  # a user's __hash__ on an instance that is still being filled
            if self._made:
                raise Pending from None
            raise
        finally:
            self._hashing -= 1

    def fill_series(self, nodes: list[Any], add: Callable[[Any], object], put: Callable[[int, Any], object]) -> None:
        """Add the values of a series one by one; a pending one leaves None, and is put into its place later."""
        for place, node in enumerate(nodes):
            kind = type(node)
            if kind is dict or kind is list:
                try:
                    node = self.value(node)
                except Pending:
                    self._later(partial(self._put_again, node, partial(put, place)))
                    node = None
            add(node)

    def entries(self, nodes: Any, target: dict[str, Any], *, keep_order: bool) -> None:
        """Put the values of a JSON object into a dict, the pending ones later.

        Args:
            keep_order: keep their places, with None. The attributes of an instance keep none: a user's ``__hash__``
                must fail on an open attribute, and not see None.
        """
        if type(nodes) is not dict or "~" in nodes:
            raise TypeError("expected a plain object")
        for key, node in nodes.items():
            kind = type(node)
            if kind is dict or kind is list:
                try:
                    node = self.value(node)
                except Pending:
                    self._later(partial(self._put_again, node, partial(target.__setitem__, key)))
                    if not keep_order:
                        continue
                    node = None
            target[key] = node

    def _list(self, node: list[Any], number: int | None) -> list[Any]:
        items: list[Any] = []
        self.born(number, items)
        self.fill_series(node, items.append, items.__setitem__)
        return items

    def _dict(self, node: dict[str, Any], number: int | None) -> dict[str, Any]:
        entries: dict[str, Any] = {}
        self.born(number, entries)
        self.entries(node, entries, keep_order=True)
        return entries

    def _tagged(self, node: dict[str, Any], number: int | None) -> Any:
        tag = node["~"]
        read = _READERS.get(tag)
        if read is not None:
            return read(self, node, number)
        scalar = SCALAR_READERS.get(tag)
        if scalar is not None:
            return scalar(node.get("v"))
        for extension in self._extensions:
            if extension.tag == tag:
                return self._extended(extension, node, number)
        raise ValueError(f"{tag!r} is not a tag that this process knows")

    def _extended(self, extension: Extension, node: dict[str, Any], number: int | None) -> object:
        needed = node["v"]
        # A list made for the occasion is needed whole: its own places must not be left open.
        value = extension.create(self.whole(needed) if type(needed) is list else self.value(needed))
        self.born(number, value)
        if "rest" in node:
            self.put(node["rest"], lambda rest: self.finally_fill(lambda: extension.fill(value, rest)))
        return value

    def _define(self, node: dict[str, Any], _: int | None) -> Any:
        number, inner = _number(node), node["v"]
        if number in self._open:
            raise ValueError("an object is defined within itself")
        if number in self._made:  # the part that holds it is being read again
            return self._made[number]
        before = len(self._made), len(self._soon), len(self._fills)
        self._open.add(number)
        try:
            if type(inner) is list:
                value: Any = self._list(inner, number)
            elif type(inner) is dict:
                value = self._tagged(inner, number) if "~" in inner else self._dict(inner, number)
            else:
                raise TypeError("only objects with parts are defined")
        except Pending:
            self._forget(*before)
            raise
        finally:
            self._open.discard(number)
        self._made[number] = value
        return value

    def _forget(self, made: int, soon: int, fills: int) -> None:
        # What was made within a half-made object may refer to it, and that one will be made anew.
        for number in list(self._made)[made:]:
            del self._made[number]
        del self._soon[soon:]
        del self._fills[fills:]

    def _refer(self, node: dict[str, Any], _: int | None) -> Any:
        number = _number(node)
        if number not in self._made or (self._hashing and number in self._open and not self._last_resort):
            raise Pending
        return self._made[number]

    def _deep(self, node: dict[str, Any], _: int | None) -> Any:
        for item in reversed(node["objects"]):  # the deepest first: then most references are to what is there already
            self.put(item, lambda value: None)
        return self.value(node["v"])


def _number(node: dict[str, Any]) -> int:
    number = node["id"]
    if type(number) is not int:
        raise TypeError("the number of an object is an integer")
    return number


_READERS: dict[str, Callable[[Reader, dict[str, Any], int | None], Any]] = {
    **containers.READERS,
    **callables.READERS,
    **kinds.READERS,
    "def": Reader._define,
    "ref": Reader._refer,
    "deep": Reader._deep,
}
"""By tag; the number is the object's own, for `Reader.born`, when it occurs more than once."""

reserve((*_READERS, *SCALAR_READERS))
