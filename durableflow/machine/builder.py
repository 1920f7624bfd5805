"""Where blocks are put together: the current block, where exceptions go from it, and the ways out of what surrounds
it.

A way out (``break``, ``continue``, ``return``) crosses the constructs around it from the inside to the outside. Each
construct that has to act when it is left stands on the builder's stack:

- a `Loop` is where ``break`` and ``continue`` end;
- a `Bound` handler (``except E as name``) deletes its name;
- an `Entered` block (``async with``) is left;
- a `Final` runs its ``finally`` body, of which there is one copy: whoever enters it says in a hidden variable where to
  go on afterwards.
"""

import ast
from collections.abc import Callable
from dataclasses import dataclass, field

from durableflow.machine.blocks import Block, End, Finish, Goto, Jump, Region, assign, constant, name
from durableflow.machine.refusal import Place


@dataclass(eq=False, slots=True)
class Loop:
    leave: Block
    again: Block


@dataclass(eq=False, slots=True)
class Bound:
    """An exception handler whose variable `name` is deleted on every way out."""

    name: str
    region: Region | None
    handling: tuple[str, ...]
    exits: dict[str, Block] = field(default_factory=dict)


@dataclass(eq=False, slots=True)
class Entered:
    """The body of an ``async with``: `leave` makes the statements that leave the block, on every way out."""

    leave: Callable[[], list[ast.stmt]]
    line: int
    label: str
    region: Region | None
    handling: tuple[str, ...]
    exits: dict[str, Block] = field(default_factory=dict)


@dataclass(eq=False, slots=True)
class Final:
    """A ``finally``: `entry` is its body, `error` and `exit` say how it was entered, `value` is what a pending
    ``return`` gives."""

    entry: Block
    error: str
    exit: str
    value: str
    region: Region | None
    handling: tuple[str, ...]
    exits: dict[str, tuple[int, Block]] = field(default_factory=dict)


Context = Loop | Bound | Entered | Final


class Builder:
    """The blocks so far, and the place where the next statement goes."""

    def __init__(self, place: Place, line: int) -> None:
        self.place = place
        self.blocks: list[Block] = []
        self.paths: set[str] = set()
        """The names of globals and of modules' members that wait between the operands of an expression."""
        self.region: Region | None = None
        self.handling: tuple[str, ...] = ()
        self.contexts: list[Context] = []
        self.within: tuple[str, ...] = ()
        """The variables of the ``async with`` blocks whose bodies the current place stands in, the innermost first."""
        self._return: Block | None = None
        self._counters: dict[str, int] = {}
        self.current = self.block("start", line)
        self.blocks.append(self.current)

    def fresh(self, kind: str) -> str:
        """A new hidden variable, numbered among its kind."""
        self._counters[kind] = self._counters.get(kind, 0) + 1
        return f"@{kind}{self._counters[kind]}"

    def block(self, kind: str, line: int, label: str = "", outer: Context | None = None) -> Block:
        """A new block, placed where the builder stands, or around the context `outer`."""
        if outer is None or isinstance(outer, Loop):
            return Block(kind, line, self.region, self.handling, label)
        return Block(kind, line, outer.region, outer.handling, label)

    def begin(self, block: Block) -> None:
        """Go on in `block`."""
        self.blocks.append(block)
        self.current = block

    def emit(self, statement: ast.stmt) -> None:
        if not self.current.body and self.current.kind == "run":
            self.current.line = statement.lineno
        self.current.body.append(statement)

    def set(self, identifier: str, value: ast.expr, like: ast.AST) -> None:
        self.emit(assign(identifier, value, like))

    def finish(self, end: End) -> None:
        """End the current block."""
        self.current.end = end

    def jump(self, block: Block) -> None:
        self.finish(Jump(block))

    def dead(self, line: int) -> None:
        """Whatever comes next cannot be reached."""
        self.begin(self.block("dead", line))

    def goto(self, block: Block, like: ast.AST) -> Goto:
        """A statement that leaves the current block for `block`, from wherever it stands in it."""
        goto = Goto(block, like)
        self.current.exits.append(goto)
        return goto

    # Ways out

    def way_out(self, kind: str, like: ast.AST) -> Block:
        """The block through which a ``break``, ``continue`` or ``return`` leaves from here."""
        return self._way_out(kind, len(self.contexts), like)

    def return_slot(self) -> str:
        """The hidden variable that holds the value of a ``return`` on its way out from here."""
        return self._return_slot(len(self.contexts))

    def _return_slot(self, depth: int) -> str:
        for context in reversed(self.contexts[:depth]):
            if isinstance(context, Final):
                return context.value
        return "@value"

    def _way_out(self, kind: str, depth: int, like: ast.AST) -> Block:
        for index in range(depth - 1, -1, -1):
            context = self.contexts[index]
            match context:
                case Loop(leave, again):
                    if kind != "return":
                        return leave if kind == "break" else again
                case Bound() | Entered():
                    if kind not in context.exits:
                        context.exits[kind] = self._through(context, kind, index, like)
                    return context.exits[kind]
                case Final():
                    if kind not in context.exits:
                        self._register_exit(context, kind, index, like)
                    number, _ = context.exits[kind]
                    return self._into_final(context, number, like)
        if self._return is None:
            self._return = Block("return", _line(like), None, ())
            self._return.end = Finish(name("@value", like))
            self.blocks.append(self._return)
        return self._return

    def _through(self, context: Bound | Entered, kind: str, index: int, like: ast.AST) -> Block:
        if isinstance(context, Bound):
            block = self.block("leave", _line(like), outer=context)
            block.body += forget(context.name, like)
        else:
            block = self.block("finally", context.line, context.label, outer=context)
            block.body += context.leave()
        block.end = Jump(self._way_out(kind, index, like))
        self.blocks.append(block)
        return block

    def _register_exit(self, context: Final, kind: str, index: int, like: ast.AST) -> None:
        block = self.block("leave", _line(like), outer=context)
        number = len(context.exits) + 1
        context.exits[kind] = (number, block)
        if kind == "return":
            block.body.append(assign(self._return_slot(index), name(context.value, like), like))
        block.end = Jump(self._way_out(kind, index, like))
        self.blocks.append(block)

    def _into_final(self, context: Final, number: int, like: ast.AST) -> Block:
        block = self.block("leave", _line(like), outer=context)
        block.body += [
            assign(context.error, constant(None, like), like),
            assign(context.exit, constant(number, like), like),
        ]
        block.end = Jump(context.entry)
        self.blocks.append(block)
        return block


def forget(identifier: str, like: ast.AST) -> list[ast.stmt]:
    """``identifier = None; del identifier``: what CPython does at the end of a handler."""
    target = ast.copy_location(ast.Name(id=identifier, ctx=ast.Del()), like)
    return [assign(identifier, constant(None, like), like), ast.copy_location(ast.Delete(targets=[target]), like)]


def _line(node: ast.AST) -> int:
    return getattr(node, "lineno", 0)
