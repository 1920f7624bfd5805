"""From a function to the source that it was compiled from, and back again from a stored source.

The whole file is parsed, through `linecache` (which asks the module's loader, so that a zip file works), and the
function's node is found by its name and first line. The source is then compiled once as it is and compared with the
code that is loaded: a file that was edited after its import would otherwise give another function than the one that
runs. Nothing is ever dedented, since that alters triple-quoted literals; a function that is indented (it stands in an
``if``) is parsed under a line ``if 1:``.

The version is a hash of the text without comments and blank lines, and without the decorators: these configure a
workflow, they are not part of its body. `ast.dump` and token streams differ between Python versions, so the text is
what is hashed; the tokenizer only says where comments and strings are.
"""

import __future__

import ast
import hashlib
import inspect
import io
import linecache
import symtable
import tokenize
import warnings
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from functools import lru_cache
from importlib.machinery import SourceFileLoader
from types import CodeType, FunctionType
from typing import Any

from durableflow.errors import WorkflowDefinitionError
from durableflow.machine.refusal import Place

FUTURE_FLAGS = 0
for _feature in __future__.all_feature_names:
    FUTURE_FLAGS |= getattr(__future__, _feature).compiler_flag


@dataclass(frozen=True, slots=True)
class StoredSource:
    """All that is needed to compile a version of a workflow again, elsewhere and later. Every field is plain JSON.

    Attributes:
        name: the function's ``__qualname__``.
        version: hash of `source` without comments and blank lines.
        source: the text of the function from its ``async def`` line on, indented as in its file.
        filename: the file that it was loaded from, for tracebacks.
        first_line: the line of that file on which `source` starts, from 1.
        flags: the ``__future__`` flags that it was compiled with.
        states: the fingerprint of the state table that it must compile to.
    """

    name: str
    version: str
    source: str
    filename: str
    first_line: int
    flags: int
    states: str = ""


@dataclass(frozen=True, slots=True)
class Parsed:
    """A function's source, parsed: nodes carry the line numbers of the file."""

    name: str
    source: str
    filename: str
    first_line: int
    flags: int
    node: ast.AsyncFunctionDef
    table: symtable.SymbolTable

    @property
    def place(self) -> Place:
        return Place(self.name, self.filename, tuple(self.source.splitlines(keepends=True)), self.first_line)

    @property
    def version(self) -> str:
        return version_of(self.source)


def parse_function(function: Callable[..., Any]) -> Parsed:
    """Find and parse the source of `function`.

    Raises:
        WorkflowDefinitionError: it is not an ``async def`` at module level, has no source, or its file is not what was
            loaded.
    """
    if not isinstance(function, FunctionType):
        raise WorkflowDefinitionError(
            f"{function!r} is not a plain function. A workflow is an `async def` at module level; "
            "put other decorators above the workflow decorator."
        )
    try:
        return _parse_function(function)
    except _Edited:
        linecache.checkcache(function.__code__.co_filename)  # it may hold an older text than the one that was loaded
    try:
        return _parse_function(function)
    except _Edited as edited:
        filename = function.__code__.co_filename
        if filename.startswith("<") and filename.endswith(">"):
            # From Python 3.13 on, linecache has a text for "<string>" in a process that was started with `-c`; it is
            # not that of a function which was made by `exec`.
            raise _sourceless(function) from None
        raise WorkflowDefinitionError(str(edited)) from None


def _parse_function(function: FunctionType) -> Parsed:
    code = function.__code__
    lines = linecache.getlines(code.co_filename, function.__globals__)
    if not lines:
        raise _sourceless(function)
    text = "".join(lines)
    flags = code.co_flags & FUTURE_FLAGS
    place = Place(function.__qualname__, code.co_filename, (), code.co_firstlineno)
    node = _find(text, code, flags, place)
    _check_shape(function, node, place)
    _check_loaded(function, text, flags, place)
    source = "".join(lines[node.lineno - 1 : node.end_lineno])
    return parse_text(function.__qualname__, source, code.co_filename, node.lineno, flags)


def parse_text(workflow: str, source: str, filename: str, first_line: int, flags: int) -> Parsed:
    """Parse the text of one function, which stood in `filename` from `first_line` on.

    Raises:
        WorkflowDefinitionError: it is not one ``async def``.
    """
    header = "from __future__ import annotations\n" if flags & __future__.annotations.compiler_flag else ""
    indented = source[:1] in (" ", "\t")
    header += "if 1:\n" if indented else ""
    try:
        tree = _compile(header + source, filename, flags | ast.PyCF_ONLY_AST)
        table = symtable.symtable(header + source, filename, "exec")
    except SyntaxError as error:
        raise WorkflowDefinitionError(f"{workflow}: its source cannot be parsed: {error}") from error
    ast.increment_lineno(tree, first_line - 1 - header.count("\n"))
    nodes = [node for node in ast.walk(tree) if isinstance(node, ast.AsyncFunctionDef)]
    if not nodes:
        raise WorkflowDefinitionError(f"{workflow}: its source is not an `async def`.")
    return Parsed(workflow, source, filename, first_line, flags, nodes[0], _function_table(table, nodes[0].name))


def _function_table(table: symtable.SymbolTable, name: str) -> symtable.SymbolTable:
    """The table of the function itself: type parameters have one of their own around it."""
    tables = table.get_children()
    while True:
        found = next((each for each in tables if each.get_name() == name and each.get_type() == "function"), None)
        if found is not None:
            return found
        tables = [child for each in tables for child in each.get_children()]


def version_of(source: str) -> str:
    """A hash of the text without comments, blank lines and trailing spaces. Literals count as they are written."""
    return hashlib.sha256("\n".join(_significant(source)).encode()).hexdigest()[:32]


def _significant(source: str) -> Iterator[str]:
    shift = 1 if source[:1] in (" ", "\t") else 0
    text = ("if 1:\n" if shift else "") + source
    comments: dict[int, int] = {}
    inside: set[int] = set()  # lines that start inside a string literal: kept as they are
    ends: set[int] = set()  # lines that end inside one: their trailing spaces count
    opened: list[int] = []
    for token in tokenize.generate_tokens(io.StringIO(text).readline):
        kind, (line, column), last = tokenize.tok_name[token.type], token.start, token.end[0]
        if kind == "COMMENT" and not opened:
            comments[line] = column
        elif kind == "FSTRING_START":
            opened.append(line)
        elif kind in ("STRING", "FSTRING_END"):
            first = opened.pop() if kind == "FSTRING_END" else line
            if not opened:
                inside.update(range(first + 1, last + 1))
                ends.update(range(first, last))
    for number, line_text in enumerate(text.splitlines(), 1):
        if number <= shift:
            continue
        kept = line_text[: comments[number]] if number in comments else line_text
        kept = kept if number in ends else kept.rstrip()
        if kept or number in inside:
            yield kept


def _find(text: str, code: CodeType, flags: int, place: Place) -> ast.AsyncFunctionDef | ast.FunctionDef:
    try:
        tree = _compile_file(text, code.co_filename, flags | ast.PyCF_ONLY_AST)
    except SyntaxError as error:
        raise _edited(place) from error
    for node in ast.walk(tree):
        if isinstance(node, ast.AsyncFunctionDef | ast.FunctionDef) and node.name == code.co_name:
            first = min([node.lineno, *(decorator.lineno for decorator in node.decorator_list)])
            if first == code.co_firstlineno:
                return node
    if code.co_name == "<lambda>":
        raise place.refuse(ast.Pass(), "a lambda cannot be a workflow", "an `async def` at module level.")
    raise _edited(place)


def _check_shape(function: FunctionType, node: ast.AsyncFunctionDef | ast.FunctionDef, place: Place) -> None:
    if hasattr(function, "__wrapped__"):
        raise place.refuse(
            node,
            "a decorator below the workflow decorator has wrapped the function",
            "put that decorator above, or drop it.",
        )
    if "<locals>" in function.__qualname__:
        raise place.refuse(
            node,
            "a workflow must be defined at module level; this one stands in another function, "
            "whose variables no other process has",
            "move it to the top of the module and pass what it needs as arguments "
            "(and put other decorators above the workflow decorator).",
        )
    if "." in function.__qualname__:
        raise place.refuse(
            node,
            "a method cannot be a workflow",
            "an `async def` at module level, with what it needs of `self` as arguments.",
        )
    if isinstance(node, ast.FunctionDef):
        raise place.refuse(node, "a workflow is written with `async def`", f"async def {node.name}(...)")


def _check_loaded(function: FunctionType, text: str, flags: int, place: Place) -> None:
    """Compare the loaded code with what the file holds now."""
    loaded = function.__code__
    found = next(_codes(_compile_file(text, loaded.co_filename, flags), loaded.co_name, loaded.co_firstlineno), None)
    if found is not None and _alike(found, loaded):
        return
    # A loader that rewrites what it loads (pytest's assertion rewriting, import hooks) gives other bytecode on
    # purpose: only the shape can be compared.
    rewritten = type(function.__globals__.get("__loader__")) not in (SourceFileLoader, type(None))
    if found is None or not rewritten or _parameters(found) != _parameters(loaded):
        raise _edited(place)


def _codes(code: CodeType, wanted: str, first_line: int) -> Iterator[CodeType]:
    for constant in code.co_consts:
        if isinstance(constant, CodeType):
            if constant.co_name == wanted and constant.co_firstlineno == first_line:
                yield constant
            yield from _codes(constant, wanted, first_line)


def _alike(one: object, other: object) -> bool:
    """Whether two constants are the same; of code also the lines, but not the columns, which may have been left out
    of one of them (``-X no_debug_ranges``)."""
    if not isinstance(one, CodeType) or not isinstance(other, CodeType):
        return type(one) is type(other) and _written(one) == _written(other)
    if one.co_code != other.co_code or list(one.co_lines()) != list(other.co_lines()):
        return False
    names = [(code.co_name, code.co_names, code.co_varnames, code.co_freevars, code.co_flags) for code in (one, other)]
    same = names[0] == names[1] and len(one.co_consts) == len(other.co_consts)
    return same and all(map(_alike, one.co_consts, other.co_consts))


def _written(constant: object) -> str:
    """A constant as text: tells 1 from True and 0.0 from -0.0, and does not depend on the order of a set."""
    return repr(sorted(map(repr, constant)) if isinstance(constant, frozenset) else constant)


def _parameters(code: CodeType) -> tuple[object, ...]:
    count = code.co_argcount + code.co_kwonlyargcount
    variadic = code.co_flags & (inspect.CO_VARARGS | inspect.CO_VARKEYWORDS)
    return code.co_argcount, code.co_posonlyargcount, code.co_kwonlyargcount, variadic, code.co_varnames[:count]


def _sourceless(function: FunctionType) -> WorkflowDefinitionError:
    return WorkflowDefinitionError(
        f"{function.__qualname__}: its source cannot be read ({function.__code__.co_filename}). "
        "A workflow is compiled from its source: define it in a module file, and ship it (not only its .pyc)."
    )


class _Edited(WorkflowDefinitionError):
    """The text at hand is not what was loaded."""


def _edited(place: Place) -> _Edited:
    return _Edited(
        f'File "{place.filename}", line {place.first_line}: the file no longer holds the code that was '
        f"loaded for {place.workflow}; it was edited after its import. Restart the process."
    )


@lru_cache(maxsize=2)
def _compile_file(text: str, filename: str, flags: int) -> Any:
    """A whole file, kept for the next workflow in it; what this gives must not be changed."""
    return _compile(text, filename, flags)


def _compile(text: str, filename: str, flags: int) -> Any:
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # whoever imported the file has seen them
        return compile(text, filename, "exec", flags, dont_inherit=True)
