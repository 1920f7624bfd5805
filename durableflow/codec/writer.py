"""From values to a tree of JSON: one walk, by exact runtime type.

The walk assumes the common case, a tree of clean values, and notes what contradicts it. An object met a second time
(shared, or a cycle) makes the walk start again with the shared objects known; so only those carry a number::

    {"~": "def", "id": 1, "v": ...}   the first place of object 1
    {"~": "ref", "id": 1}             every other place

Text that PostgreSQL would refuse and floats that JSON lacks are noticed in the finished text, by the caller, who asks
for a `careful` walk then: looking at each string here would double the cost of every checkpoint.

Objects nested deeper than `MAX_DEPTH` move to a flat list beside the root, so that neither our own stack nor the
parsers of JSON set a limit to a linked list::

    {"~": "deep", "objects": [{"~": "def", ...}, ...], "v": root}
"""

from collections.abc import Callable, Iterable, Sequence
from types import BuiltinFunctionType, FunctionType, NoneType
from typing import Any

from durableflow.codec.callables import write_class, write_function
from durableflow.codec.containers import CONTAINERS, write_tuple
from durableflow.codec.extension import Extension
from durableflow.codec.kinds import kind_of
from durableflow.codec.refusal import Refused
from durableflow.codec.scalars import SAFE_INTEGER, SCALARS, clean, float_node, int_node, text_node
from durableflow.errors import NotStorable

MAX_DEPTH = 40
"""Levels of objects within objects before the next one moves out to the flat list."""

_PLAIN: frozenset[type] = frozenset((str, bool, NoneType, float))
_PLAIN_CAREFUL: frozenset[type] = frozenset((bool, NoneType))


class Writer:
    """One walk over one value.

    Args:
        extensions: forms for other types.
        careful: look at every string and float.
        first: the walk that found out what is shared, for the second one.
    """

    __slots__ = ("_alive", "_deep", "_depth", "_seen", "careful", "extensions", "numbers", "plain", "shared", "splits")

    def __init__(self, extensions: Sequence[Extension], *, careful: bool, first: "Writer | None" = None) -> None:
        self.extensions = extensions
        self.careful = careful
        self.plain = _PLAIN_CAREFUL if careful else _PLAIN
        self.shared: set[int] = set() if first is None else first.shared
        self.splits: dict[int, tuple[object, object]] = {} if first is None else first.splits
        self.numbers: dict[int, int] | None = None if first is None else {}
        self._seen: set[int] = set()
        self._alive: list[object] = []
        self._deep: list[tuple[object, Callable[[Writer, Any], Any]]] = []
        self._depth = 0

    def document(self, value: object) -> Any:
        """The tree of a value with everything that it reaches. Raises Refused."""
        node = self.value(value)
        if not self._deep:
            return node
        objects: list[Any] = []
        for thing, write in self._deep:  # grows while it is walked
            number = self.number(thing)
            try:
                objects.append({"~": "def", "id": number, "v": write(self, thing)})
            except Refused as refused:
                refused.path.append("[...]")  # its place is too deep to tell
                raise
        return {"~": "deep", "objects": objects, "v": node}

    def number(self, value: object) -> int:
        """The number of a shared object, a new one at its first place (0 in the walk that finds out what is shared)."""
        if self.numbers is None:
            return 0
        return self.numbers.setdefault(id(value), len(self.numbers) + 1)

    def value(self, value: Any) -> Any:
        """The node of any value."""
        kind = type(value)
        if kind in self.plain:
            return value
        if kind is int:
            return value if -SAFE_INTEGER <= value <= SAFE_INTEGER else int_node(value)
        if kind is tuple:
            return self._tuple(value)
        write = CONTAINERS.get(kind)
        if write is not None:
            return self.part(value, write)
        scalar = SCALARS.get(kind)
        if scalar is not None:
            return {"~": scalar[0], "v": scalar[1](value)}
        return self._other(value, kind)

    def part(self, value: object, write: "Callable[[Writer, Any], Any]") -> Any:
        """The node of an object with parts, by `write`, unless this walk has met the object before."""
        identity = id(value)
        if identity in self._seen:
            self.shared.add(identity)
            return {"~": "ref", "id": self.number(value)}
        self._seen.add(identity)
        if self._depth >= MAX_DEPTH:
            self.shared.add(identity)
            self._deep.append((value, write))
            return {"~": "ref", "id": self.number(value)}
        self._depth += 1
        if self.numbers is not None and identity in self.shared:
            node = {"~": "def", "id": self.number(value), "v": write(self, value)}
        else:
            node = write(self, value)
        self._depth -= 1
        return node

    def attempt(self, value: object) -> Any:
        """The node of a value, or None, with nothing left behind, when it has no stored form."""
        seen, deep, depth = set(self._seen), len(self._deep), self._depth
        numbers = None if self.numbers is None else dict(self.numbers)
        try:
            return self.value(value)
        except (Refused, NotStorable):
            self._seen, self.numbers, self._depth = seen, numbers, depth
            del self._deep[deep:]
            return None

    def temporary(self, value: object) -> None:
        """Keep an object that exists only for this walk alive: its identity must not be given to another one."""
        self._alive.append(value)

    def items(self, values: Iterable[Any]) -> list[Any]:
        """The nodes of a series."""
        nodes: list[Any] = []
        add = nodes.append
        plain = self.plain
        try:
            for item in values:
                kind = type(item)
                if kind in plain or (kind is int and -SAFE_INTEGER <= item <= SAFE_INTEGER):
                    add(item)
                else:
                    add(self.value(item))
        except Refused as refused:
            refused.path.append(f"[{len(nodes)}]")
            raise
        return nodes

    def mapping(self, values: dict[Any, Any], step: str = "[{!r}]") -> Any:
        """The node of a dict's entries: a JSON object when the keys allow it, tagged pairs otherwise."""
        nodes: dict[str, Any] = {}
        plain = self.plain
        key: Any = None
        try:
            for key, item in values.items():
                if type(key) is not str or key == "~" or (self.careful and not clean(key)):
                    break
                kind = type(item)
                if kind in plain or (kind is int and -SAFE_INTEGER <= item <= SAFE_INTEGER):
                    nodes[key] = item
                else:
                    nodes[key] = self.value(item)
            else:
                return nodes
        except Refused as refused:
            refused.path.append(step.format(key))
            raise
        return self._pairs_after(nodes, values)

    def _pairs_after(self, nodes: dict[str, Any], values: dict[Any, Any]) -> Any:
        # The entries before the first difficult key are written already: writing them twice would make them "shared".
        done = len(nodes)
        pairs: list[Any] = [[key, node] for key, node in nodes.items()]
        pairs += self.pairs(list(values.items())[done:])
        return {"~": "dict", "v": pairs}

    def pairs(self, entries: Iterable[tuple[Any, Any]]) -> list[Any]:
        """The nodes of key and value pairs."""
        nodes = []
        for key, item in entries:
            try:
                node = self.value(key)
            except Refused as refused:
                refused.path.append(f"<key {type(key).__qualname__}>")
                raise
            try:
                nodes.append([node, self.value(item)])
            except Refused as refused:
                refused.path.append(f"[{key_text(key)}]")
                raise
        return nodes

    def _tuple(self, value: tuple[Any, ...]) -> Any:
        # A tuple of plain values is a constant more often than not: whether two of them are one object tells nothing.
        plain = self.plain
        for item in value:
            kind = type(item)
            if kind not in plain and (kind is not int or not -SAFE_INTEGER <= item <= SAFE_INTEGER):
                return self.part(value, write_tuple)
        return {"~": "tuple", "v": list(value)}

    def _other(self, value: Any, kind: type) -> Any:
        if kind is str:
            return text_node(value)
        if kind is float:
            return float_node(value)
        for extension in self.extensions:
            if extension.takes(value):
                return self.part(value, _by_extension(extension))
        if kind is FunctionType or kind is BuiltinFunctionType:
            return write_function(value)
        if issubclass(kind, type):
            return write_class(value)
        form = kind_of(kind)
        return form.write(self, value) if form.whole else self.part(value, form.write)


def key_text(key: object) -> str:
    """A key for a path; calls nothing of the user's."""
    return repr(key) if type(key) in (str, int, bool, float, NoneType) else f"<{type(key).__qualname__}>"


def _by_extension(extension: Extension) -> Callable[[Writer, Any], Any]:
    def write(writer: Writer, value: Any) -> Any:
        # Once for both walks: what a split makes for the occasion must be the same objects, and stay alive, in both.
        if id(value) not in writer.splits:
            writer.splits[id(value)] = extension.split(value)
        needed, rest = writer.splits[id(value)]
        node = {"~": extension.tag, "v": writer.value(needed)}
        if rest is not None:
            node["rest"] = writer.value(rest)
        return node

    return write
