"""A way around a fault of CPython 3.12 and 3.13, which inline comprehensions.

Where a comprehension's variable is captured by a lambda, and the function around has a *free* variable of the same
name, the inlined code loses the free variable's cell. The variables of a workflow are free in its segments, so
``[lambda: i for i in items]`` in a workflow with a variable ``i`` of its own would break that variable. Such a
comprehension is compiled from a generator expression instead, which is never inlined.
"""

import ast
import sys
from typing import Any

from durableflow.machine.blocks import call
from durableflow.machine.scope import bound_names, lasting_scopes

INLINES = sys.version_info >= (3, 12)


class Outlined(ast.NodeTransformer):
    """Turns comprehensions whose variables clash with one of `names` into generator expressions."""

    def __init__(self, names: frozenset[str]) -> None:
        self.names = names
        self.places: set[tuple[int, int]] = set()
        """Where the code of what was turned may start."""

    def _comprehension(self, node: Any) -> Any:
        self.generic_visit(node)
        if not INLINES or not self._clashes(node):
            return node
        if isinstance(node, ast.DictComp):
            pair = ast.copy_location(ast.Tuple(elts=[node.key, node.value], ctx=ast.Load()), node.key)
            return self._made("@dict", pair, node)
        return self._made("@list" if isinstance(node, ast.ListComp) else "@set", node.elt, node)

    visit_ListComp = visit_SetComp = visit_DictComp = _comprehension  # noqa: N815

    def _clashes(self, node: ast.ListComp | ast.SetComp | ast.DictComp) -> bool:
        bound = {name for generator in node.generators for name in bound_names(generator.target)}
        return bool(bound & self.names) and any(True for _ in _inner_scopes(node))

    def _made(self, maker: str, element: ast.expr, node: Any) -> ast.Call:
        self.places |= {(element.lineno, element.col_offset), (node.lineno, node.col_offset)}
        generator = ast.copy_location(ast.GeneratorExp(elt=element, generators=node.generators), node)
        return call(maker, [generator], node)

    def _other_scope(self, node: Any) -> Any:
        """What an inner function does with the workflow's variables is CPython's own business, this fault included."""
        return node

    visit_FunctionDef = visit_AsyncFunctionDef = visit_ClassDef = visit_Lambda = _other_scope  # noqa: N815


def _inner_scopes(node: ast.AST) -> Any:
    for child in ast.iter_child_nodes(node):
        yield from lasting_scopes(child)
