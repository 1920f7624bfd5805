"""The pages of the documentation, as the tests read them: their code blocks, links and headings.

A block says in its info string what it is: ``python``, ``sql``, ``console``. A second word, ``illustrative``, exempts a
block from being run; it is for what cannot run here, and counted.

A ``python`` block whose first line is ``# name.py`` is a part of that file; others are a script, in the order of the
page.
"""

import re
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

ROOT = Path(__file__).parents[2]

PAGES = [ROOT / "README.md", ROOT / "examples" / "README.md", *sorted((ROOT / "docs").rglob("*.md"))]

LANGUAGES = {"python", "sql", "console", "text", "mermaid"}

_BLOCK = re.compile(r"^```(?P<info>[^\n]*)\n(?P<text>.*?)^```$", re.MULTILINE | re.DOTALL)
_CODE = re.compile(r"`[^`\n]*`")
_FILE = re.compile(r"# (?P<name>[\w/]+\.py)(?: .*)?\n")
_LINK = re.compile(r"(?<!!)\[(?:[^\]\\]|\\.)*\]\((?P<target>[^)\s]+)\)")


@dataclass(frozen=True)
class Block:
    """A code block. line: of its first line in the page, from 1."""

    page: Path
    language: str
    illustrative: bool
    text: str
    line: int

    @property
    def place(self) -> str:
        return f"{name_of(self.page)}:{self.line}"

    @property
    def file(self) -> str | None:
        """The file that it is a part of."""
        found = _FILE.match(self.text)
        return found["name"] if found else None


def name_of(page: Path) -> str:
    return str(page.relative_to(ROOT))


def blocks(page: Path, language: str | None = None) -> Iterator[Block]:
    """The blocks of a page in their order. language: only those that are to be run as this."""
    text = page.read_text()
    for found in _BLOCK.finditer(text):
        kind, *more = found["info"].split() or [""]
        block = Block(page, kind, more == ["illustrative"], found["text"], text[: found.start()].count("\n") + 2)
        assert kind in LANGUAGES, f"{block.place}: a block says what it is, one of {sorted(LANGUAGES)}"
        assert not more or block.illustrative, f"{block.place}: {found['info']!r}"
        if language is None or (kind == language and not block.illustrative):
            yield block


def links(page: Path) -> Iterator[str]:
    """Where the page points to."""
    for found in _LINK.finditer(_CODE.sub("", _BLOCK.sub("", page.read_text()))):
        yield found["target"]


def anchors(page: Path) -> set[str]:
    """The fragments that links to the page may name, as GitHub makes them of headings."""
    headings = re.findall(r"^#+ (.+)$", _BLOCK.sub("", page.read_text()), re.MULTILINE)
    return {re.sub(r"[^\w\- ]", "", heading.lower()).replace(" ", "-") for heading in headings}
