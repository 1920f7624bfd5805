"""The canonical form of a document, for comparing inputs."""

import hashlib
from typing import Any

from durableflow.codec.text import dump

_UNORDERED = ("set", "frozenset")


def canonical_digest(tree: Any) -> str:
    """The SHA-256, in hexadecimal, of a document in canonical form."""
    return hashlib.sha256(_Canon().text(tree).encode("utf-8")).hexdigest()


class _Canon:
    def __init__(self) -> None:
        self._done: dict[int, str] = {}
        self._open: list[int] = []

    def text(self, node: Any) -> str:
        if type(node) is list:
            return _short("[" + ",".join(map(self.text, node)) + "]")
        if type(node) is not dict:
            return _short(dump(node))
        tag = node.get("~")
        if tag == "def":
            return self._define(node["id"], node["v"])
        if tag == "ref":
            return self._refer(node["id"])
        if tag == "deep":
            for item in reversed(node["objects"]):
                self.text(item)
            return self.text(node["v"])
        if tag in _UNORDERED:
            return _short(f"{tag}(" + ",".join(sorted(map(self.text, node["v"]))) + ")")
        if tag == "dict":
            return self._entries((self.text(key), self.text(item)) for key, item in node["v"])
        if tag == "OrderedDict":  # the one dict whose order is part of its value
            node = {"~": tag, "v": _in_order(node["v"])}
        entries = self._entries((dump(key), self.text(item)) for key, item in node.items())
        return entries if tag is None else f"~{entries}"

    def _entries(self, entries: Any) -> str:
        return _short("{" + ",".join(sorted(f"{key}:{item}" for key, item in entries)) + "}")

    def _define(self, number: int, node: Any) -> str:
        self._open.append(number)
        text = self.text(node)
        self._open.pop()
        self._done[number] = text
        return text

    def _refer(self, number: int) -> str:
        if number in self._done:
            return self._done[number]
        if number in self._open:
            return f"^{len(self._open) - self._open.index(number)}"
        return f"^0:{number}"


def _in_order(nodes: Any) -> list[Any]:
    if nodes.get("~") == "dict":
        pairs: list[Any] = nodes["v"]
        return pairs
    return [[key, item] for key, item in nodes.items()]


def _short(text: str) -> str:
    # Long texts count by their hash, so that shared parts do not multiply.
    return text if len(text) <= 80 else "#" + hashlib.sha256(text.encode("utf-8")).hexdigest()
