"""The ways out of a native statement, as gotos."""

import ast
from typing import Any

from durableflow.machine.blocks import assign, constant
from durableflow.machine.builder import Builder
from durableflow.machine.targets import unannotated


class WaysOut(ast.NodeTransformer):
    """Replaces each ``return``, and each ``break`` and ``continue`` that belongs to a loop outside, in a statement
    that is copied natively."""

    def __init__(self, builder: Builder) -> None:
        self.builder = builder
        self.loops = 0

    def visit_Return(self, node: ast.Return) -> Any:
        slot = self.builder.return_slot()
        value = node.value if node.value is not None else constant(None, node)
        return [assign(slot, value, node), self.builder.goto(self.builder.way_out("return", node), node)]

    def visit_Break(self, node: ast.Break) -> Any:
        return node if self.loops else self.builder.goto(self.builder.way_out("break", node), node)

    def visit_Continue(self, node: ast.Continue) -> Any:
        return node if self.loops else self.builder.goto(self.builder.way_out("continue", node), node)

    def visit_AnnAssign(self, node: ast.AnnAssign) -> Any:
        return unannotated(node) or ast.copy_location(ast.Pass(), node)

    def _loop(self, node: Any) -> Any:
        self.loops += 1
        node.body = self._all(node.body)
        self.loops -= 1
        node.orelse = self._all(node.orelse)
        return node

    visit_For = visit_While = _loop  # noqa: N815

    def _all(self, statements: list[ast.stmt]) -> list[ast.stmt]:
        result: list[ast.stmt] = []
        for statement in statements:
            changed = self.visit(statement)
            result += changed if isinstance(changed, list) else [changed]
        return result

    def _other_scope(self, node: Any) -> Any:
        return node

    visit_FunctionDef = visit_ClassDef = visit_Lambda = visit_AsyncFunctionDef = _other_scope  # noqa: N815
