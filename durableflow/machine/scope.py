"""Names: what is a variable of the workflow, what is a global, and what an inner function captures.

`symtable` decides about the workflow's own scope. What an inner scope (lambda, local function, class, comprehension)
uses of the workflow's variables is asked of the compiler itself: the inner scope is compiled inside a function that
owns those variables, and its free variables are the answer.
"""

import ast
import builtins
import copy
import symtable
import warnings
from collections.abc import Iterable, Iterator
from types import CodeType

INNER_SCOPES = (
    ast.Lambda,
    ast.FunctionDef,
    ast.AsyncFunctionDef,
    ast.ClassDef,
    ast.ListComp,
    ast.SetComp,
    ast.DictComp,
    ast.GeneratorExp,
)
LASTING_SCOPES = (ast.Lambda, ast.FunctionDef, ast.AsyncFunctionDef, ast.ClassDef, ast.GeneratorExp)
"""Inner scopes that may live on after the statement that they stand in."""


def local_names(table: symtable.SymbolTable, node: ast.AsyncFunctionDef) -> frozenset[str]:
    """The workflow's parameters and variables.

    From 3.12 on `symtable` adds the variables of comprehensions, which are inlined; `node` tells those apart, so that
    the answer is the same on every version.
    """
    known = {symbol.get_name() for symbol in table.get_symbols() if symbol.is_local()}
    parameters = {symbol.get_name() for symbol in table.get_symbols() if symbol.is_parameter()}
    return frozenset(known & (parameters | set(_bound_here(node.body))))


def _bound_here(nodes: Iterable[ast.AST]) -> Iterator[str]:
    """Names that are bound in this scope itself: of comprehensions only what a walrus in them binds."""
    for node in nodes:
        match node:
            case ast.ListComp() | ast.SetComp() | ast.DictComp() | ast.GeneratorExp():
                yield from (child.target.id for child in ast.walk(node) if isinstance(child, ast.NamedExpr))
            case ast.Lambda():
                yield from _bound_here([*node.args.defaults, *filter(None, node.args.kw_defaults)])
            case ast.FunctionDef() | ast.AsyncFunctionDef() | ast.ClassDef():
                yield node.name
                outside = [*node.decorator_list, *getattr(node, "bases", ()), *getattr(node, "keywords", ())]
                if not isinstance(node, ast.ClassDef):
                    outside += [*node.args.defaults, *filter(None, node.args.kw_defaults)]
                yield from _bound_here(outside)
            case _:
                yield from bound_names(node, deep=False)
                yield from _bound_here(ast.iter_child_nodes(node))


def global_names(table: symtable.SymbolTable) -> frozenset[str]:
    """The global names that the workflow and its inner scopes read, builtins left out."""
    found = {symbol.get_name() for symbol in table.get_symbols() if symbol.is_global() and symbol.is_referenced()}
    for child in table.get_children():
        found |= global_names(child)
    return frozenset(found - set(dir(builtins)))


def bound_names(node: ast.AST, *, deep: bool = True) -> Iterator[str]:
    """Every name that something in `node` binds; those of inner scopes too, which does no harm where this is used.

    Not `deep`: only what `node` itself binds, without the nodes in it.
    """
    for child in ast.walk(node) if deep else (node,):
        match child:
            case ast.Name(id=identifier, ctx=ast.Store() | ast.Del()):
                yield identifier
            case (
                ast.FunctionDef(name=identifier) | ast.AsyncFunctionDef(name=identifier) | ast.ClassDef(name=identifier)
            ):
                yield identifier
            case ast.Import(names=aliases) | ast.ImportFrom(names=aliases):
                yield from (alias.asname or alias.name.partition(".")[0] for alias in aliases)
            case (
                ast.ExceptHandler(name=str(identifier))
                | ast.MatchAs(name=str(identifier))
                | ast.MatchStar(name=str(identifier))
            ):
                yield identifier
            case ast.MatchMapping(rest=str(identifier)):
                yield identifier


def lasting_scopes(node: ast.AST) -> Iterator[ast.expr | ast.stmt]:
    """The inner scopes in `node` that may live on after it; not those inside of another."""
    if isinstance(node, LASTING_SCOPES):
        yield node
        return
    for child in ast.iter_child_nodes(node):
        yield from lasting_scopes(child)


class Captures:
    """What inner scopes use of the workflow's variables `local`."""

    def __init__(self, local: frozenset[str], flags: int) -> None:
        self.local = local
        self.flags = flags
        self._known: dict[int, tuple[ast.AST, frozenset[str]]] = {}

    def of(self, node: ast.expr | ast.stmt) -> frozenset[str]:
        """The workflow variables that the inner scope `node` (its defaults and decorators included) refers to."""
        known = self._known.get(id(node))
        if known is None or known[0] is not node:
            known = self._known[id(node)] = (node, self._ask(node))
        return known[1]

    def _ask(self, node: ast.expr | ast.stmt) -> frozenset[str]:
        hidden = {child.id for child in ast.walk(node) if isinstance(child, ast.Name) and child.id.startswith("@")}
        copied = copy.deepcopy(node)
        statement: ast.stmt = ast.Expr(value=copied) if isinstance(copied, ast.expr) else copied
        code = compile_inside(frozenset(self.local | hidden), {"inner": [statement]}, "<captures>", self.flags)["inner"]
        found = set(code.co_freevars)
        if isinstance(node, ast.FunctionDef | ast.ClassDef):  # binds its name, and need not refer to it
            inner = {name for each in code.co_consts if isinstance(each, CodeType) for name in each.co_freevars}
            found -= {node.name} - inner
        return frozenset(found)


def compile_inside(
    names: frozenset[str], functions: dict[str, list[ast.stmt]], filename: str, flags: int, line: int = 1
) -> dict[str, CodeType]:
    """Compile statements as functions for which all of `names` are variables of the function around them."""
    definitions: list[ast.stmt] = []
    for identifier, statements in functions.items():
        bound = sorted({bound for statement in statements for bound in bound_names(statement)} & names)
        body: list[ast.stmt] = [ast.Nonlocal(names=bound)] if bound else []
        body += statements or [ast.Pass()]
        definitions.append(_function(identifier, body, line))
    if names:
        owned: list[ast.expr] = [ast.Name(id=identifier, ctx=ast.Store()) for identifier in sorted(names)]
        definitions.insert(0, ast.Assign(targets=owned, value=ast.Constant(value=None)))
    module = ast.Module(body=[_function("@", definitions, line)], type_ignores=[])
    for child in ast.walk(module):
        if isinstance(child, ast.stmt | ast.expr) and not hasattr(child, "lineno"):
            child.lineno = child.end_lineno = line
            child.col_offset = child.end_col_offset = 0
    ast.fix_missing_locations(module)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # the import of the module has shown them
        outer = compile(module, filename, "exec", flags, dont_inherit=True).co_consts
    wrapper = next(constant for constant in outer if isinstance(constant, CodeType))
    return {constant.co_name: constant for constant in wrapper.co_consts if isinstance(constant, CodeType)}


def _function(identifier: str, body: list[ast.stmt], line: int) -> ast.FunctionDef:
    arguments = ast.arguments(posonlyargs=[], args=[], kwonlyargs=[], kw_defaults=[], defaults=[])
    function = ast.FunctionDef(name=identifier, args=arguments, body=body, decorator_list=[])
    function.lineno = function.end_lineno = line
    function.col_offset = function.end_col_offset = 0
    if "type_params" in function._fields:  # from 3.12 on
        function.type_params = []  # type: ignore[attr-defined]
    return function
