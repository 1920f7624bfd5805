"""The flat form of a workflow: blocks of native statements with one end each.

Lowering turns the body of an ``async def`` into blocks. A block holds ordinary Python statements that run at one go,
and says how control leaves it. Three facts belong to a block beside its statements:

- its **region**: where an exception that leaves the block goes, and the hidden variable ("slot") that receives it;
- what it is **handling**: the slots, innermost first, of the ``except`` and ``finally`` clauses that the block stands
  in. While the block runs, the first of them that holds an exception is what ``sys.exception()`` shows;
- its **exits**: a `goto` may stand anywhere inside a block's native statements (a ``break`` inside an ``if`` that
  holds no await). It is a ``return`` of the number of the next state, so that native ``finally`` and ``with`` clauses
  around it run as CPython runs them.

Hidden variables start with ``@``: no name of the user's can.
"""

import ast
from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Any

SENT = "@sent"
"""The hidden variable in which a resumed block finds what its await gave."""


@dataclass(frozen=True, slots=True)
class Jump:
    target: "Block"


@dataclass(frozen=True, slots=True)
class Branch:
    test: ast.expr
    yes: "Block"
    no: "Block"


@dataclass(frozen=True, slots=True)
class Suspend:
    """Give `awaited` to the caller; go on in `resume`, where SENT holds the outcome."""

    awaited: ast.expr
    resume: "Block"


@dataclass(frozen=True, slots=True)
class Finish:
    value: ast.expr


@dataclass(frozen=True, slots=True)
class Reraise:
    """Let the exception in `slot` go on its way, as the end of a ``finally`` does."""

    slot: str


@dataclass(frozen=True, slots=True)
class Raises:
    """The last statement always raises: nothing comes after it."""


End = Jump | Branch | Suspend | Finish | Reraise | Raises


@dataclass(frozen=True, slots=True)
class Region:
    handler: "Block"
    slot: str


@dataclass(eq=False, slots=True)
class Block:
    kind: str
    line: int
    region: Region | None
    handling: tuple[str, ...]
    label: str = ""
    body: list[ast.stmt] = field(default_factory=list)
    exits: list["Goto"] = field(default_factory=list)
    end: End = field(default_factory=Raises)
    number: int = -1

    def following(self) -> Iterator["Block"]:
        """The blocks that control may go to from here, exceptions aside, in source order."""
        for goto in self.exits:
            yield goto.target
        match self.end:
            case Jump(target):
                yield target
            case Branch(_, yes, no):
                yield yes
                yield no
            case Suspend(_, resume):
                yield resume


class Goto(ast.Return):
    """A native ``return <number of the target>``: it leaves the segment for another state."""

    _fields = ("value",)

    def __init__(self, target: Block, like: ast.AST) -> None:
        super().__init__(value=ast.copy_location(ast.Constant(value=None), like))
        self.target = target
        ast.copy_location(self, like)


def name(identifier: str, like: ast.AST) -> ast.Name:
    """A read of a variable, at the place of `like`."""
    return ast.copy_location(ast.Name(id=identifier, ctx=ast.Load()), like)


def assign(identifier: str, value: ast.expr, like: ast.AST) -> ast.Assign:
    """``identifier = value``, at the place of `like`."""
    target = ast.copy_location(ast.Name(id=identifier, ctx=ast.Store()), like)
    return ast.copy_location(ast.Assign(targets=[target], value=value), like)


def constant(value: Any, like: ast.AST) -> ast.Constant:
    """A literal, at the place of `like`."""
    return ast.copy_location(ast.Constant(value=value), like)


def call(function: str, arguments: list[ast.expr], like: ast.AST) -> ast.Call:
    """A call of one of the runtime's helpers, at the place of `like`."""
    return ast.copy_location(ast.Call(func=name(function, like), args=arguments, keywords=[]), like)
