"""Reads of variables that may be unbound.

A variable of the workflow is a free variable of its segments, and an unbound free variable raises `NameError` where
CPython raises `UnboundLocalError` for a local one. So a read of a name that may be unbound asks a helper, with the
variable's cell: ``@local(@cell:x, "x")``.
"""

import ast
from typing import Any

from durableflow.machine.blocks import call, constant, name
from durableflow.machine.inlining import INLINES
from durableflow.machine.scope import bound_names

CELL_OF = "@cell:"


class Guards(ast.NodeTransformer):
    """Guards the reads of `names` in the workflow's own scope. Inner functions raise by themselves what CPython
    raises."""

    def __init__(self, names: frozenset[str]) -> None:
        self.names = names

    def visit_Name(self, node: ast.Name) -> Any:
        if node.id not in self.names or not isinstance(node.ctx, ast.Load):
            return node
        return self._guard(node.id, node)

    def visit_AugAssign(self, node: ast.AugAssign) -> Any:
        self.generic_visit(node)
        if isinstance(node.target, ast.Name) and node.target.id in self.names:
            return [self._check(node.target), node]
        return node

    def visit_Delete(self, node: ast.Delete) -> Any:
        self.generic_visit(node)
        result: list[ast.stmt] = []
        for target in _flat(node.targets):
            if isinstance(target, ast.Name) and target.id in self.names:
                result.append(self._check(target))
            result.append(ast.copy_location(ast.Delete(targets=[target]), node))
        return result

    def visit_FunctionDef(self, node: ast.FunctionDef) -> Any:
        node.decorator_list = [self.visit(decorator) for decorator in node.decorator_list]
        self._defaults(node.args)
        return node

    def visit_Lambda(self, node: ast.Lambda) -> Any:
        self._defaults(node.args)
        return node

    def visit_ClassDef(self, node: ast.ClassDef) -> Any:
        node.decorator_list = [self.visit(decorator) for decorator in node.decorator_list]
        node.bases = [self.visit(base) for base in node.bases]
        node.keywords = [self.visit(keyword) for keyword in node.keywords]
        return node

    def _comprehension(self, node: Any) -> Any:
        first = node.generators[0]
        if INLINES and not isinstance(node, ast.GeneratorExp):
            outer, self.names = self.names, self.names - _targets(node)
            iterable, first.iter = first.iter, ast.Constant(value=None)
            self.generic_visit(node)
            self.names = outer
            first.iter = iterable
        first.iter = self.visit(first.iter)
        return node

    visit_ListComp = visit_SetComp = visit_DictComp = visit_GeneratorExp = _comprehension  # noqa: N815

    def _defaults(self, arguments: ast.arguments) -> None:
        arguments.defaults = [self.visit(default) for default in arguments.defaults]
        arguments.kw_defaults = [default and self.visit(default) for default in arguments.kw_defaults]

    def _guard(self, identifier: str, like: ast.AST) -> ast.Call:
        return call("@local", [name(CELL_OF + identifier, like), constant(identifier, like)], like)

    def _check(self, target: ast.Name) -> ast.stmt:
        return ast.copy_location(ast.Expr(value=self._guard(target.id, target)), target)


def deleted_names(node: ast.AST) -> frozenset[str]:
    """Names that something in `node` unbinds."""
    found: set[str] = set()
    for child in ast.walk(node):
        match child:
            case ast.Name(id=identifier, ctx=ast.Del()):
                found.add(identifier)
            case ast.ExceptHandler(name=str(identifier)):
                found.add(identifier)
    return frozenset(found)


def _targets(node: Any) -> frozenset[str]:
    return frozenset(bound for generator in node.generators for bound in bound_names(generator.target))


def _flat(targets: list[ast.expr]) -> list[ast.expr]:
    result: list[ast.expr] = []
    for target in targets:
        result += _flat(target.elts) if isinstance(target, ast.Tuple | ast.List) else [target]
    return result
