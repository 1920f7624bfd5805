"""Lowering of ``async with``: a region around the body, whose handler leaves the block, as every other way out does.

What ``async with`` is given is a *block*: an object whose type has

- ``__wf_enter__(self)``, called when the block is entered: its value is what ``as`` binds;
- ``__wf_await__(self, awaited)``: what an ``await`` in the body waits for instead, after the blocks further inside;
- ``__wf_exit__(self, error)``, called once however the body is left, with the exception that is on its way out of this
  body, or None. It may raise, and cannot swallow.

The block is a variable of the workflow, and is stored while the run waits in its body.
"""

import ast
from collections.abc import Callable, Sequence

from durableflow.machine.blocks import Block, Region, Reraise, call, constant, name
from durableflow.machine.builder import Builder, Entered
from durableflow.machine.expressions import Expressions
from durableflow.machine.targets import Targets


class Withs:
    """Lowers ``async with`` statements, those without an await in the body too."""

    def __init__(
        self,
        builder: Builder,
        expressions: Expressions,
        targets: Targets,
        body: Callable[[Sequence[ast.stmt]], None],
    ) -> None:
        self.builder = builder
        self.expressions = expressions
        self.targets = targets
        self.body = body

    def lower(self, node: ast.AsyncWith) -> None:
        self._items(node, node.items)

    def _items(self, node: ast.AsyncWith, items: Sequence[ast.withitem]) -> None:
        """The first of the items around the others and the body."""
        if not items:
            self.body(node.body)
            return
        builder, item = self.builder, items[0]
        place, line = item.context_expr, item.context_expr.lineno
        label = f"leave async with {ast.unparse(place)}"
        slot, entered, error = builder.fresh("block"), builder.fresh(""), builder.fresh("error")
        builder.set(slot, self.expressions.value(place), place)
        builder.set(entered, call("@enter", [name(slot, place)], place), place)

        def leave(given: ast.expr | None = None) -> list[ast.stmt]:
            left = call("@leave", [name(slot, place), given or constant(None, place)], place)
            return [ast.copy_location(ast.Expr(value=left), place)]

        region, handling, within = builder.region, builder.handling, builder.within
        raised = Block("handler", line, region, (error, *handling), label)
        raised.body = leave(name(error, place))
        raised.end = Reraise(error)
        inner = Block("run", node.body[0].lineno, Region(raised, error), handling)
        builder.jump(inner)
        builder.begin(inner)
        builder.region, builder.within = inner.region, (slot, *within)
        builder.contexts.append(Entered(leave, line, label, region, handling))
        if item.optional_vars is not None:
            self.targets.store(item.optional_vars, name(entered, item.optional_vars))
        self._items(node, items[1:])
        builder.contexts.pop()
        builder.region, builder.within = region, within

        left, after = builder.block("finally", line, label), builder.block("run", node.end_lineno or node.lineno)
        builder.jump(left)
        builder.begin(left)
        for statement in leave():
            builder.emit(statement)
        builder.jump(after)
        builder.blocks.append(raised)
        builder.begin(after)
