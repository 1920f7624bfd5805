"""What a workflow may not hold, found before it is lowered: each with the place, the reason and the way out.

The check follows scopes: what stands in a local function or a lambda is that function's own business and runs
natively, apart from ``global``.
"""

import ast
import builtins
from collections.abc import Callable
from types import ModuleType
from typing import Any

from durableflow.machine.refusal import Place
from durableflow.machine.scope import local_names
from durableflow.machine.source import Parsed

LOOKS_AT_THE_FRAME = {
    "locals": "a dict of the values that you need.",
    "vars": "a dict of the values that you need.",
    "dir": "a list of the names that you need.",
    "eval": "the expression itself, or `eval(text, namespace)` in a function of its own.",
    "exec": "the statements themselves, or `exec(text, namespace)` in a function of its own.",
    "super": "a function at module level.",
}
"""Builtins that read the frame that calls them, with what to write instead. `vars` and `dir` only do without
arguments."""


def check(parsed: Parsed, namespace: dict[str, Any], is_call_factory: Callable[[object], bool] | None) -> None:
    """Refuse what cannot be compiled.

    Raises:
        WorkflowDefinitionError: at the first such place.
    """
    checker = _Checker(
        parsed.place, local_names(parsed.table, parsed.node), namespace, is_call_factory or (lambda value: False)
    )
    for symbol in parsed.table.get_symbols():
        if symbol.is_free():
            raise checker.place.refuse(
                parsed.node,
                f"the type parameter `{symbol.get_name()}` is used in the body of a workflow",
                f'`{symbol.get_name()} = TypeVar("{symbol.get_name()}")` at module level.',
            )
    for statement in parsed.node.body:
        checker.visit(statement)


class _Checker(ast.NodeVisitor):
    def __init__(
        self,
        place: Place,
        local: frozenset[str],
        namespace: dict[str, Any],
        is_call_factory: Callable[[object], bool],
    ) -> None:
        self.place = place
        self.local = local
        self.namespace = namespace
        self.is_call_factory = is_call_factory

    def _yield(self, node: ast.Yield | ast.YieldFrom) -> None:
        raise self.place.refuse(node, "`yield` in a workflow", "collect the values in a list and return it.")

    visit_Yield = visit_YieldFrom = _yield  # noqa: N815

    def visit_AsyncFor(self, node: ast.AsyncFor) -> None:
        raise self.place.refuse(
            node,
            "`async for` in a workflow: its iterator cannot be stored",
            "`for`, over a list that a step returned, with awaits in its body.",
        )

    def visit_Global(self, node: ast.Global) -> None:
        raise self.place.refuse(
            node,
            "`global` in a workflow: the next state may run in another process, which has globals of its own",
            "a variable of the workflow, or a row in your database that a step writes.",
        )

    def visit_AsyncFunctionDef(self, node: ast.AsyncFunctionDef) -> None:
        raise self.place.refuse(
            node,
            "an `async def` inside a workflow",
            f"make `{node.name}` a step or a workflow at module level, or a plain `def` that returns a call to await.",
        )

    def visit_FunctionDef(self, node: ast.FunctionDef) -> None:
        for part in (*node.decorator_list, *node.args.defaults, *node.args.kw_defaults):
            if part is not None:
                self.visit(part)
        every = [*node.args.posonlyargs, *node.args.args, *node.args.kwonlyargs, node.args.vararg, node.args.kwarg]
        for annotation in (node.returns, *(argument.annotation for argument in every if argument is not None)):
            self._no_await(annotation, "an await in an annotation", "await first, into a variable.")
        self._inner(node.body)

    def visit_Lambda(self, node: ast.Lambda) -> None:
        for part in (*node.args.defaults, *node.args.kw_defaults):
            if part is not None:
                self.visit(part)

    def visit_ClassDef(self, node: ast.ClassDef) -> None:
        for part in (*node.decorator_list, *node.bases, *node.keywords):
            self.visit(part)
        self._inner(node.body)

    def _inner(self, body: list[ast.stmt]) -> None:
        """The body of an inner scope: only what it does to the module's globals matters."""
        for statement in body:
            for child in ast.walk(statement):
                if isinstance(child, ast.Global):
                    self.visit_Global(child)

    def _comprehension(self, node: ast.ListComp | ast.SetComp | ast.DictComp | ast.GeneratorExp) -> None:
        for generator in node.generators:
            if generator.is_async:
                raise self.place.refuse(
                    node, "`async for` in a comprehension", "a plain comprehension over a list that a step returned."
                )
        parts: list[ast.AST] = [node.key, node.value] if isinstance(node, ast.DictComp) else [node.elt]
        parts += [part for generator in node.generators for part in generator.ifs]
        parts += [generator.iter for generator in node.generators[1:]]
        for part in parts:
            self._no_await(
                part,
                "an await in a comprehension: it would have to wait half-way through",
                f"`await gather(*({self._suggestion(node)}))` to run them all at once, or a `for` loop for one by one.",
            )
        self.generic_visit(node)

    visit_ListComp = visit_SetComp = visit_DictComp = visit_GeneratorExp = _comprehension  # noqa: N815

    def _suggestion(self, node: ast.ListComp | ast.SetComp | ast.DictComp | ast.GeneratorExp) -> str:
        if isinstance(node, ast.DictComp) or not isinstance(node.elt, ast.Await):
            return "... for item in items"
        generators = "".join(" " + ast.unparse(generator).strip() for generator in node.generators)
        return ast.unparse(node.elt.value) + generators

    def visit_With(self, node: ast.With) -> None:
        rest: list[ast.AST | None] = [*(item.context_expr for item in node.items[1:]), *node.body]
        rest += [item.optional_vars for item in node.items]
        for part in rest:
            self._no_await(
                part,
                "an await inside a `with` block: what it holds open (a file, a lock) cannot wait in the database",
                "end the block before the await, or do all of it in one step.",
            )
        self.generic_visit(node)

    def visit_TryStar(self, node: ast.TryStar) -> None:
        self._no_await(
            node,
            "an await in a `try` with `except*`",
            "`except ExceptionGroup as group:`, and `group.split(...)` in the handler.",
        )
        self.generic_visit(node)

    def visit_Call(self, node: ast.Call) -> None:
        if isinstance(node.func, ast.Name) and self._is_builtin(node.func.id):
            instead = LOOKS_AT_THE_FRAME.get(node.func.id)
            looks = node.func.id not in ("vars", "dir") or not (node.args or node.keywords)
            if instead is not None and looks:
                raise self.place.refuse(
                    node,
                    f"`{node.func.id}()` in a workflow: its variables do not live in one Python frame",
                    instead,
                )
        self.generic_visit(node)

    def _is_builtin(self, identifier: str) -> bool:
        return identifier not in self.local and identifier not in self.namespace

    def visit_Expr(self, node: ast.Expr) -> None:
        if isinstance(node.value, ast.Call) and self._gives_call(node.value.func):
            text = ast.unparse(node.value)
            raise self.place.refuse(node.value, "a call without await does nothing", f"await {text}")
        self.generic_visit(node)

    def _gives_call(self, function: ast.expr) -> bool:
        """Whether calling `function` gives a call, as far as that can be known: a global step, with options or
        without."""
        if isinstance(function, ast.Call) and isinstance(function.func, ast.Attribute):
            return function.func.attr == "options" and self._gives_call(function.func.value)
        found = self._global(function)
        return found is not None and self.is_call_factory(found)

    def _global(self, node: ast.expr) -> object:
        """The value of a global name, or of an attribute of a module; None if that cannot be known."""
        if isinstance(node, ast.Name):
            if node.id in self.local:
                return None
            return self.namespace.get(node.id, getattr(builtins, node.id, None))
        if isinstance(node, ast.Attribute):
            owner = self._global(node.value)
            return vars(owner).get(node.attr) if isinstance(owner, ModuleType) else None
        return None

    def _no_await(self, node: ast.AST | None, problem: str, instead: str) -> None:
        found = _first_await(node)
        if found is not None:
            raise self.place.refuse(found, problem, instead)


def _first_await(node: ast.AST | None) -> ast.Await | ast.AsyncWith | None:
    """The first await in `node` by its place in the file; an ``async with`` is one."""
    if node is None:
        return None
    found = [child for child in ast.walk(node) if isinstance(child, ast.Await | ast.AsyncWith)]
    return min(found, key=lambda each: (each.lineno, each.col_offset), default=None)
