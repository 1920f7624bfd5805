"""Lowering of ``try``: regions, handlers, and the one copy of a ``finally`` body.

An exception that leaves a block goes to its region's handler block, in the slot of the region. For ``except`` that
block tries the types in turn, and lets the exception go on when none fits. For ``finally`` it notes that the body was
entered with an exception; every other way in notes a number instead; after the body, a switch goes on where the note
says.
"""

import ast
from collections.abc import Callable, Sequence

from durableflow.machine.blocks import Block, Goto, Region, Reraise, assign, call, constant, name
from durableflow.machine.builder import Bound, Builder, Final, forget
from durableflow.machine.expressions import Expressions

BY_EXCEPTION = -1
BY_FALLING_OUT = 0


class Tries:
    """Lowers ``try`` statements that hold an await."""

    def __init__(self, builder: Builder, expressions: Expressions, body: Callable[[Sequence[ast.stmt]], None]) -> None:
        self.builder = builder
        self.expressions = expressions
        self.body = body

    def lower(self, node: ast.Try) -> None:
        if node.finalbody:
            self._final(node)
        else:
            self._handled(node)

    def _final(self, node: ast.Try) -> None:
        builder, line = self.builder, node.finalbody[0].lineno
        error, exit_, value = builder.fresh("error"), builder.fresh("exit"), builder.fresh("value")
        region, handling = builder.region, builder.handling
        raised = Block("handler", line, region, (error, *handling), "finally, after an exception")
        entry = Block("finally", line, region, (error, *handling), "finally")
        context = Final(entry, error, exit_, value, region, handling)
        self._protected(node, context, Region(raised, error))
        like = node.finalbody[0]
        builder.emit(assign(error, constant(None, like), like))
        builder.set(exit_, constant(BY_FALLING_OUT, like), like)
        builder.jump(entry)

        builder.region = region
        builder.handling = (error, *handling)
        builder.begin(raised)
        builder.set(exit_, constant(BY_EXCEPTION, like), like)
        builder.jump(entry)
        builder.begin(entry)
        self.body(node.finalbody)
        self._go_on(node, context)

    def _protected(self, node: ast.Try, context: Final, region: Region) -> None:
        builder = self.builder
        builder.contexts.append(context)
        builder.region = region
        inner = builder.block("run", node.body[0].lineno)
        builder.jump(inner)
        builder.begin(inner)
        if node.handlers:
            self._handled(node)
        else:
            self.body(node.body)
        builder.contexts.pop()

    def _go_on(self, node: ast.Try, context: Final) -> None:
        """After the body of a ``finally``: where the way in said."""
        builder, like = self.builder, node.finalbody[-1]
        again = builder.block("raise", like.lineno)
        again.end = Reraise(context.error)
        for number, block in ((BY_EXCEPTION, again), *context.exits.values()):
            self._when(context.exit, number, builder.goto(block, like))
        builder.region, builder.handling = context.region, context.handling
        after = builder.block("run", node.end_lineno or node.lineno)
        builder.jump(after)
        builder.blocks.append(again)
        builder.begin(after)

    def _when(self, slot: str, number: int, goto: Goto) -> None:
        test = ast.Compare(left=name(slot, goto), ops=[ast.Eq()], comparators=[constant(number, goto)])
        statement = ast.If(test=ast.copy_location(test, goto), body=[goto], orelse=[])
        self.builder.emit(ast.copy_location(statement, goto))

    def _handled(self, node: ast.Try) -> None:
        builder = self.builder
        error = builder.fresh("error")
        region, handling = builder.region, builder.handling
        label = " | ".join(ast.unparse(handler.type) if handler.type else "everything" for handler in node.handlers)
        dispatch = Block("handler", node.handlers[0].lineno, region, (error, *handling), "except " + label)
        body = builder.block("run", node.body[0].lineno)
        after = builder.block("run", node.end_lineno or node.lineno)
        builder.jump(body)
        body.region = builder.region = Region(dispatch, error)
        builder.begin(body)
        self.body(node.body)
        builder.region = region
        if node.orelse:
            orelse = builder.block("run", node.orelse[0].lineno)
            builder.jump(orelse)
            builder.begin(orelse)
            self.body(node.orelse)
        builder.jump(after)

        builder.handling = (error, *handling)
        builder.begin(dispatch)
        handlers = [(handler, builder.block("run", handler.body[0].lineno)) for handler in node.handlers]
        self._dispatch(error, handlers)
        for handler, block in handlers:
            builder.begin(block)
            self._handler(handler, error)
            builder.jump(after)
        builder.handling = handling
        builder.begin(after)

    def _dispatch(self, error: str, handlers: list[tuple[ast.ExceptHandler, Block]]) -> None:
        builder = self.builder
        for handler, block in handlers:
            if handler.type is None:
                builder.jump(block)
                return
            fits = call("@fits", [name(error, handler.type), self.expressions.value(handler.type)], handler.type)
            builder.emit(ast.copy_location(ast.If(test=fits, body=[builder.goto(block, handler)], orelse=[]), handler))
        builder.finish(Reraise(error))

    def _handler(self, handler: ast.ExceptHandler, error: str) -> None:
        if handler.name is None:
            self.body(handler.body)
            return
        builder = self.builder
        region, handling = builder.region, builder.handling
        slot = builder.fresh("left")
        cleanup = Block("handler", handler.lineno, region, handling, f"leave the handler: del {handler.name}")
        cleanup.body = forget(handler.name, handler)
        cleanup.end = Reraise(slot)
        builder.set(handler.name, name(error, handler), handler)
        inner = Block("run", handler.body[0].lineno, Region(cleanup, slot), handling)
        builder.jump(inner)
        builder.region = inner.region
        builder.contexts.append(Bound(handler.name, region, handling))
        builder.begin(inner)
        self.body(handler.body)
        builder.contexts.pop()
        builder.region = region
        leave = builder.block("leave", handler.body[-1].end_lineno or handler.lineno)
        builder.jump(leave)
        builder.begin(leave)
        for statement in forget(handler.name, handler):
            builder.emit(statement)
        builder.blocks.append(cleanup)
