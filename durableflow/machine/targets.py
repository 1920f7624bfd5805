"""Lowering of statements that bind: where an await stands in the value, or in a target."""

import ast

from durableflow.machine.blocks import name
from durableflow.machine.builder import Builder
from durableflow.machine.expressions import Expressions


class Targets:
    """Assignments of every form, and ``del``."""

    def __init__(self, builder: Builder, expressions: Expressions) -> None:
        self.builder = builder
        self.expressions = expressions

    def lower(self, node: ast.Assign | ast.AugAssign | ast.Delete) -> None:
        match node:
            case ast.Assign():
                self._assign(node)
            case ast.AugAssign():
                self._augmented(node)
            case ast.Delete():
                for target in node.targets:
                    self._delete(target, node)

    def store(self, target: ast.expr, value: ast.expr) -> None:
        """Assign `value`, which must be cheap to read, to one target, left to right as CPython does."""
        if not self.expressions.awaits(target):
            self.builder.emit(ast.copy_location(ast.Assign(targets=[target], value=value), target))
            return
        match target:
            case ast.Attribute() | ast.Subscript():
                value = self.expressions.spill(value)
                self._place(target)
                self.builder.emit(ast.copy_location(ast.Assign(targets=[target], value=value), target))
            case ast.Tuple() | ast.List():
                self._unpack(target, value)

    def _place(self, target: ast.expr) -> None:
        """Evaluate what an attribute or subscript target stands on, through its last await."""
        if isinstance(target, ast.Attribute):
            target.value = self.expressions.value(target.value)
        elif isinstance(target, ast.Subscript):
            target.value, target.slice = self.expressions.operands([target.value, target.slice])

    def _unpack(self, target: ast.Tuple | ast.List, value: ast.expr) -> None:
        """Unpack everything first, then store one by one."""
        parts: list[ast.expr] = []
        stores: list[tuple[ast.expr, str]] = []
        for element in target.elts:
            slot = self.builder.fresh("")
            part: ast.expr = ast.copy_location(ast.Name(id=slot, ctx=ast.Store()), element)
            inner = element
            if isinstance(element, ast.Starred):
                part, inner = ast.copy_location(ast.Starred(value=part, ctx=ast.Store()), element), element.value
            parts.append(part)
            stores.append((inner, slot))
        pattern = ast.copy_location(ast.Tuple(elts=parts, ctx=ast.Store()), target)
        self.builder.emit(ast.copy_location(ast.Assign(targets=[pattern], value=value), target))
        for inner, slot in stores:
            self.store(inner, name(slot, inner))

    def _assign(self, node: ast.Assign) -> None:
        value = self.expressions.value(node.value)
        if not any(self.expressions.awaits(target) for target in node.targets):
            node.value = value
            self.builder.emit(node)
            return
        slot = self.builder.fresh("")
        self.builder.set(slot, value, node)
        for target in node.targets:
            self.store(target, name(slot, target))

    def _augmented(self, node: ast.AugAssign) -> None:
        """``x += await f(x)`` reads x first; then the value; then the operator works in place; then the result is
        stored."""
        target, slot = node.target, self.builder.fresh("")
        if isinstance(target, ast.Attribute):
            target.value = self.expressions.spill(self.expressions.value(target.value))
        elif isinstance(target, ast.Subscript):
            target.value, target.slice = self.expressions.operands([target.value, target.slice])
            target.value, target.slice = self.expressions.spill(target.value), self.expressions.spill(target.slice)
        self.builder.set(slot, _read(target), node)
        value = self.expressions.value(node.value)
        held = ast.copy_location(ast.Name(id=slot, ctx=ast.Store()), node)
        self.builder.emit(ast.copy_location(ast.AugAssign(target=held, op=node.op, value=value), node))
        self.builder.emit(ast.copy_location(ast.Assign(targets=[target], value=name(slot, node)), node))

    def _delete(self, target: ast.expr, node: ast.Delete) -> None:
        if isinstance(target, ast.Tuple | ast.List):
            for element in target.elts:
                self._delete(element, node)
            return
        if self.expressions.awaits(target):
            self._place(target)
        self.builder.emit(ast.copy_location(ast.Delete(targets=[target]), node))


def _read(target: ast.expr) -> ast.expr:
    """The same place, to read from."""
    match target:
        case ast.Name():
            read: ast.expr = ast.Name(id=target.id, ctx=ast.Load())
        case ast.Attribute():
            read = ast.Attribute(value=target.value, attr=target.attr, ctx=ast.Load())
        case ast.Subscript():
            read = ast.Subscript(value=target.value, slice=target.slice, ctx=ast.Load())
        case _:
            raise TypeError(target)
    return ast.copy_location(read, target)


def unannotated(node: ast.AnnAssign) -> list[ast.stmt]:
    """The same without the annotation, which is never evaluated in a function. A bare one evaluates what its attribute
    or subscript stands on."""
    if node.value is not None:
        return [ast.copy_location(ast.Assign(targets=[node.target], value=node.value), node)]
    parts: list[ast.expr | None] = []
    if isinstance(node.target, ast.Attribute):
        parts = [node.target.value]
    elif isinstance(node.target, ast.Subscript):
        index = node.target.slice
        parts = [
            node.target.value,
            *([index.lower, index.upper, index.step] if isinstance(index, ast.Slice) else [index]),
        ]
    return [ast.copy_location(ast.Expr(value=part), node) for part in parts if part is not None]
