"""Lowering of a call that holds an await: the function first, then arguments and keywords in turn.

CPython unpacks what stands behind a star, and merges what stands behind two, when it comes by, except for a lone
``*rest`` without other positional arguments, which the call itself unpacks after the keywords.
"""

import ast
from typing import TYPE_CHECKING

from durableflow.machine.blocks import call, constant

if TYPE_CHECKING:
    from durableflow.machine.expressions import Expressions


class Calls:
    """Lowers calls with the help of what lowers their operands."""

    def __init__(self, expressions: "Expressions") -> None:
        self.expressions = expressions

    def lower(self, node: ast.Call) -> None:
        if not any(self.expressions.awaits(part) for part in (*node.args, *node.keywords)):
            node.func = self.expressions.value(node.func)
            return
        node.func = self.expressions.spill(self.expressions.value(node.func))
        if not any(self.expressions.awaits(keyword) for keyword in node.keywords):
            node.args = self._arguments(node.args)
            return
        node.args = self._all_arguments(node.args)
        self._keywords(node)

    def _arguments(self, nodes: list[ast.expr]) -> list[ast.expr]:
        if len(nodes) == 1:
            return [self.expressions.value(nodes[0])]
        return self.expressions.elements(nodes, list)

    def _all_arguments(self, nodes: list[ast.expr]) -> list[ast.expr]:
        """Positional arguments when an await follows among the keywords. A lone ``*rest`` is unpacked by the call
        itself, later; any other star at once."""
        if len(nodes) == 1 and isinstance(nodes[0], ast.Starred):
            nodes[0].value = self.expressions.spill(self.expressions.value(nodes[0].value))
            return nodes
        if not any(isinstance(node, ast.Starred) for node in nodes):
            return [self.expressions.spill(self.expressions.value(node)) for node in nodes]
        everything = ast.copy_location(ast.List(elts=self.expressions.elements(nodes, list), ctx=ast.Load()), nodes[0])
        return [ast.copy_location(ast.Starred(value=self.expressions.spill(everything), ctx=ast.Load()), nodes[0])]

    def _keywords(self, node: ast.Call) -> None:
        """Keywords one after the other; a ``**mapping`` before an await is merged before it."""
        last = max(index for index, keyword in enumerate(node.keywords) if self.expressions.awaits(keyword))
        merged: ast.expr | None = None
        named: list[ast.keyword] = []
        for keyword in node.keywords[:last]:
            given = self.expressions.value(keyword.value)
            if keyword.arg is not None:
                keyword.value = self.expressions.spill(given)
                named.append(keyword)
                continue
            before = ast.copy_location(
                ast.Dict(keys=[constant(each.arg, node) for each in named], values=[each.value for each in named]), node
            )
            so_far = merged or ast.copy_location(ast.Dict(keys=[], values=[]), node)
            merged, named = self.expressions.spill(call("@merge", [node.func, so_far, before, given], keyword)), []
        node.keywords[last].value = self.expressions.value(node.keywords[last].value)
        ahead = [ast.copy_location(ast.keyword(arg=None, value=merged), node)] if merged else []
        node.keywords = [*ahead, *named, *node.keywords[last:]]
