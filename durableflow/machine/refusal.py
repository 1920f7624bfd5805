"""How a construct is refused: where it stands, what is wrong with it, and what to write instead."""

import ast
import linecache
from dataclasses import dataclass

from durableflow.errors import WorkflowDefinitionError


@dataclass(frozen=True, slots=True)
class Place:
    """The function that is being compiled, as far as messages need it."""

    workflow: str
    filename: str
    lines: tuple[str, ...]
    first_line: int

    def refuse(self, node: ast.AST, problem: str, instead: str) -> WorkflowDefinitionError:
        """An error that points at `node`; `instead` completes "Instead: "."""
        line = getattr(node, "lineno", self.first_line)
        text = self._text(line)
        picture = ""
        if text.strip():
            start, end = self._columns(node, text, line)
            picture = f"\n    {text.strip()}\n    {' ' * (start - _indent(text))}{'^' * max(1, end - start)}"
        return WorkflowDefinitionError(
            f'File "{self.filename}", line {line}, in {self.workflow}: {problem}{picture}\nInstead: {instead}'
        )

    def _text(self, line: int) -> str:
        index = line - self.first_line
        if 0 <= index < len(self.lines):
            return self.lines[index].rstrip("\n")
        return linecache.getline(self.filename, line).rstrip("\n")

    def _columns(self, node: ast.AST, text: str, line: int) -> tuple[int, int]:
        start = _characters(text, getattr(node, "col_offset", 0))
        last = getattr(node, "end_lineno", line) or line
        end = _characters(text, getattr(node, "end_col_offset", 0) or 0) if last == line else len(text)
        if isinstance(
            node, ast.AsyncFunctionDef | ast.FunctionDef | ast.ClassDef | ast.For | ast.With | ast.Try | ast.AsyncFor
        ):
            end = len(text.rstrip())
        return max(start, _indent(text)), end


def _indent(text: str) -> int:
    return len(text) - len(text.lstrip())


def _characters(text: str, utf8_offset: int) -> int:
    """AST columns count UTF-8 bytes; a caret counts characters."""
    return len(text.encode()[:utf8_offset].decode(errors="ignore"))
