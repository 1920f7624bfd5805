"""Which constructs a program's source has: to see that the grammar writes all of the accepted subset."""

import ast
from collections.abc import Iterator


def features(source: str) -> set[str]:
    """Names of the constructs in ``source``: node types, and combinations that matter to a compiler."""
    found: set[str] = set()
    for node in ast.walk(ast.parse(source)):
        found.add(type(node).__name__)
        found.update(_combined(node))
    return found


def _has_await(*nodes: ast.AST | None) -> bool:
    return any(isinstance(inner, ast.Await) for node in nodes if node is not None for inner in ast.walk(node))


def _any_await(nodes: list[ast.expr] | list[ast.stmt]) -> bool:
    return _has_await(*nodes)


def _combined(node: ast.AST) -> Iterator[str]:
    match node:
        case ast.BoolOp(values=[_, *later]) if _any_await(later):
            yield "await in a lazy operand"
        case ast.IfExp() if _has_await(node.body, node.orelse):
            yield "await in a branch of a ternary"
        case ast.Compare(comparators=[_, *later]) if _any_await(later):
            yield "await in a chained comparison"
        case ast.Assign(targets=targets) if _any_await(targets):
            yield "await in a target"
        case ast.AugAssign() if _has_await(node.value):
            yield "await in an augmented assignment"
        case ast.JoinedStr() if _has_await(node):
            yield "await in an f-string"
        case ast.Call() if any(isinstance(part, ast.Starred) for part in node.args) and _has_await(*node.args):
            yield "await in a call with a starred argument"
        case ast.Dict() if _any_await(node.values):
            yield "await in a dict"
        case ast.For() | ast.While():
            yield from _of_loop(node)
        case ast.Try():
            yield from _of_try(node)
        case ast.AsyncWith():
            yield from _of_async_with(node)
        case ast.Raise():
            yield "bare raise" if node.exc is None else "raise from" if node.cause else "raise"
        case ast.FunctionDef() | ast.Lambda() if _any_await([*node.args.defaults, *node.args.kw_defaults]):
            yield "await in a default"
        case ast.match_case() if _has_await(node.guard):
            yield "await in a guard"
        case ast.ExceptHandler() if _any_await(node.body):
            yield "await in a handler"


def _of_loop(node: ast.For | ast.While) -> Iterator[str]:
    if _any_await(node.body):
        yield "await in a loop"
    if node.orelse:
        yield "loop else"
    if isinstance(node, ast.For) and _has_await(node.target):
        yield "await in a loop's target"
    if isinstance(node, ast.While) and _has_await(node.test):
        yield "await in a loop's condition"


def _of_async_with(node: ast.AsyncWith) -> Iterator[str]:
    yield "await in an async with" if _any_await(node.body) else "async with without an await"
    if len(node.items) > 1:
        yield "async with of several items"
    if any(_has_await(item.optional_vars) for item in node.items):
        yield "await in the target of an async with"
    for statement in node.body:
        for inner in ast.walk(statement):
            if isinstance(inner, ast.Return | ast.Break | ast.Continue | ast.Raise):
                yield f"{type(inner).__name__} through an async with"


def _of_try(node: ast.Try) -> Iterator[str]:
    if _any_await(node.finalbody):
        yield "await in a finally"
    if node.orelse:
        yield "try else"
    for statement in node.finalbody:
        for inner in ast.walk(statement):
            if isinstance(inner, ast.Return | ast.Break | ast.Continue):
                yield f"{type(inner).__name__} in a finally"
    for statement in node.body:
        for inner in ast.walk(statement):
            if node.finalbody and isinstance(inner, ast.Return | ast.Break | ast.Continue):
                yield f"{type(inner).__name__} through a finally"
