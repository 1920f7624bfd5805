"""Large values: the parts of a document that are stored once, under the hash of their text.

A subtree whose text is longer than `INLINE` leaves the document, bottom up. An array or object of many parts is cut
into chunks first. Where it is cut depends on the parts themselves (a checksum of each), not on their positions:
appending, taking from the front or changing one item leaves all other chunks, and their hashes, as they were. A list of
chunks that grows long is cut in the same way, into a tree.

    {"~": "blob", "hash": h}           the subtree with the text of hash h
    {"~": "chunks", "v": [part, ...]}  the parts, each a blob or inline, all arrays or all objects: to be joined

A value met for the first time moves out whole, so that holding it costs one reference per checkpoint. One of which some
chunks are stored already is being changed, turn by turn: its list of chunks and its last part stay inline then, where
they die with their checkpoint instead of adding a row per turn.
"""

import hashlib
import re
from bisect import bisect_left
from collections.abc import Container, Mapping
from itertools import accumulate
from typing import Any
from zlib import crc32

from durableflow.codec.text import dump, dump_each, load

INLINE = 2048
"""Characters of text up to which a subtree stays where it is."""

ROOT_INLINE = 16384
"""The same for the entries of the root: variables should be seen by their names in SQL."""

_CHUNK = 640
_LEVEL = 8
_LONGEST_LEVEL = 12
_MOST_EXPANDED = 2**28  # a text of a few kilobytes could be made to fill any memory
_NESTED = frozenset((list, dict))

_REFERENCE = re.compile(r'\{\s*"~"\s*:\s*"blob"\s*,\s*"hash"\s*:\s*"([0-9a-f]{32})"\s*\}')


def references(text: str) -> set[str]:
    """The hashes of the blobs that a stored text refers to directly. A blob's own text may refer to more."""
    # Inside of a JSON string the quotes would be escaped: nothing else can look like this.
    return set(_REFERENCE.findall(text)) if '"blob"' in text else set()


def content_hash(text: str) -> str:
    """The name of a blob: 128 bits of BLAKE2b of its text, in hexadecimal."""
    return hashlib.blake2b(text.encode("utf-8"), digest_size=16).hexdigest()


class Splitter:
    """Takes the large subtrees out of one document.

    Args:
        known: the hashes of blobs that are stored already.
    """

    def __init__(self, known: Container[str]) -> None:
        self._known = known
        self.found: dict[str, str] = {}
        """Every blob of the document, known or not."""

    def split(self, tree: Any) -> str:
        """The text of a document longer than `INLINE`, without its large subtrees, which are in `found` then."""
        return self._divide(tree, ROOT_INLINE if type(tree) is dict else INLINE)

    def _shrink(self, node: Any) -> str:
        kind = type(node)
        if kind is not list or len(node) <= INLINE // 2:  # an item takes two characters at least
            text = dump(node)
            if len(text) <= INLINE:
                return text
        return self._divide(node, INLINE)

    def _divide(self, node: Any, bound: int) -> str:
        if type(node) is list:
            return self._gather(self._shrink_each(node), "[]", bound)
        if type(node) is not dict:
            return self._blob(dump(node))
        parts = [f"{dump(key)}:{self._shrink(item)}" for key, item in node.items()]
        if "~" not in node:
            return self._gather(parts, "{}", bound)
        text = "{" + ",".join(parts) + "}"
        return text if len(text) <= bound else self._blob(text)

    def _shrink_each(self, nodes: list[Any]) -> list[str]:
        if _NESTED.isdisjoint(map(type, nodes)):
            texts = dump_each(nodes)
            if max(map(len, texts)) <= INLINE:
                return texts
            return [self._blob(text) if len(text) > INLINE else text for text in texts]
        return [self._shrink(node) for node in nodes]

    def _gather(self, parts: list[str], brackets: str, bound: int) -> str:
        total = sum(map(len, parts)) + len(parts) + 1
        if total <= bound:
            return brackets[0] + ",".join(parts) + brackets[1]
        chunks, rest = _cut(parts, total)
        stored = [self._blob(brackets[0] + ",".join(chunk) + brackets[1]) for chunk in chunks]
        changed = any(_name(reference) in self._known for reference in stored)
        text = _chunks(self._level(stored) + ([brackets[0] + ",".join(rest) + brackets[1]] if rest else []))
        if changed and len(text) <= 3 * INLINE and content_hash(text) not in self._known:
            return text
        return self._blob(text)

    def _level(self, stored: list[str]) -> list[str]:
        # By the same rule: where the list of chunks is cut depends on their hashes.
        while len(stored) > _LONGEST_LEVEL:
            upper: list[str] = []
            group: list[str] = []
            for reference in stored:
                group.append(reference)
                if int(_name(reference)[:4], 16) % _LEVEL == 0 or len(group) == _LONGEST_LEVEL:
                    upper.append(self._blob(_chunks(group)))
                    group = []
            if group:
                upper.append(self._blob(_chunks(group)))
            stored = upper
        return stored

    def _blob(self, text: str) -> str:
        name = content_hash(text)
        self.found[name] = text
        return f'{{"~":"blob","hash":"{name}"}}'


def _name(reference: str) -> str:
    return reference[-34:-2]


def _chunks(parts: list[str]) -> str:
    return f'{{"~":"chunks","v":[{",".join(parts)}]}}'


def _cut(parts: list[str], total: int) -> tuple[list[list[str]], list[str]]:
    # A long value gets longer chunks, or it would become thousands of rows.
    size = _CHUNK if total < 2**20 else 4 * _CHUNK if total < 2**23 else 16 * _CHUNK
    least, most = size * 2 // 5, size * 4
    spread = size - least
    lengths = [0, *accumulate(map(len, parts))]  # of so many parts from the start
    chunks: list[list[str]] = []
    start = 0
    while True:
        end = bisect_left(lengths, lengths[start] + least)
        last = bisect_left(lengths, lengths[start] + most)
        while end < last and crc32(parts[end - 1].encode()) % spread >= len(parts[end - 1]):
            end += 1
        if end > len(parts):
            return chunks, parts[start:]
        chunks.append(parts[start:end])
        start = end


class Expander:
    """Puts the large subtrees back into documents.

    Args:
        blobs: the texts of the blobs, by hash.
    """

    def __init__(self, blobs: Mapping[str, str]) -> None:
        self._blobs = blobs
        self._length = 0

    def expand(self, text: str) -> Any:
        """The whole tree of a document. Raises any exception for a text that is not what `Splitter` writes."""
        tree = load(text)
        return self._expand(tree) if '"blob"' in text or '"chunks"' in text else tree

    def _expand(self, node: Any) -> Any:
        if type(node) is list:
            return [self._expand(item) for item in node]
        if type(node) is not dict:
            return node
        tag = node.get("~")
        if tag == "blob":
            return self._load(node["hash"])
        if tag == "chunks":
            return self._join(node["v"])
        return {key: self._expand(item) for key, item in node.items()}

    def _join(self, parts: list[Any]) -> Any:
        joined: Any = None
        for part in map(self._expand, parts):
            if joined is None:
                joined = part
            elif type(part) is list and type(joined) is list:
                joined += part
            elif type(part) is dict and type(joined) is dict:
                joined.update(part)
            else:
                raise TypeError("chunks of different types")
        return joined

    def _load(self, name: str) -> Any:
        text = self._blobs.get(name)
        if text is None:
            raise LookupError(f"the large value {name} is missing")
        if content_hash(text) != name:
            raise ValueError(f"the large value {name} is not what was stored")
        self._length += len(text)
        if self._length > _MOST_EXPANDED:
            raise ValueError(f"its large values make it longer than {_MOST_EXPANDED:,} characters")
        return self.expand(text)
