"""From blocks to code objects: one function per state, whose variables are all free variables.

Every variable of a run is a cell. A state's code is compiled as a function inside a wrapper that owns all the
variables, so they are free in it, and the interpreter makes a function of that code over the run's cells: the lambdas
and local functions that a state defines share those cells as they would with one native function. The wrapper itself
never runs; its name is taken off every qualified name again.

A state's function returns the number of the next state, or, where the state awaits or returns, a tuple of the object.
"""

import ast
from collections.abc import Sequence, Set
from types import CodeType

from durableflow.machine.blocks import Block, Branch, Finish, Jump, Suspend, constant, name
from durableflow.machine.functions import position
from durableflow.machine.guards import CELL_OF, Guards
from durableflow.machine.inlining import Outlined
from durableflow.machine.scope import compile_inside

WRAPPER = "@.<locals>."
GENERATOR = "<genexpr>"


def generate(
    blocks: Sequence[Block],
    names: frozenset[str],
    unsafe: frozenset[str],
    qualname: str,
    filename: str,
    line: int,
    flags: int,
) -> list[CodeType]:
    """Compile each block.

    Args:
        names: every variable, the hidden ones and the helpers included.
        unsafe: the variables whose reads are guarded.
        qualname: what tracebacks call each of the functions.
        line: first line of the workflow.
    """
    guards, outlined = Guards(unsafe), Outlined(names)
    bodies = {str(block.number): _native(block, guards, outlined) for block in blocks}
    owned = names | {CELL_OF + identifier for identifier in unsafe}
    codes = compile_inside(owned, bodies, filename, flags, line)
    return [
        _renamed(codes[str(block.number)], WRAPPER + str(block.number), qualname, outlined.places) for block in blocks
    ]


def _native(block: Block, guards: Guards, outlined: Outlined) -> list[ast.stmt]:
    for goto in block.exits:
        goto.value = constant(goto.target.number, goto)
    like: ast.AST = (
        block.body[-1]
        if block.body
        else ast.Pass(lineno=block.line, col_offset=0, end_lineno=block.line, end_col_offset=0)
    )
    statements = list(block.body)
    match block.end:
        case Jump(target):
            statements.append(_return(constant(target.number, like), like))
        case Branch(test, yes, no):
            taken = ast.copy_location(
                ast.If(test=test, body=[_return(constant(yes.number, test), test)], orelse=[]), test
            )
            statements += [taken, _return(constant(no.number, test), test)]
        case Suspend(value, _) | Finish(value):
            statements.append(_return(ast.copy_location(ast.Tuple(elts=[value], ctx=ast.Load()), value), value))
    module = ast.Module(body=statements, type_ignores=[])
    guards.visit(module)
    outlined.visit(module)
    return module.body


def _return(value: ast.expr, like: ast.AST) -> ast.stmt:
    return ast.copy_location(ast.Return(value=value), like)


def _renamed(code: CodeType, prefix: str, qualname: str, outlined: Set[tuple[int, int]] = frozenset()) -> CodeType:
    """`code` and everything in it, with `qualname` for the `prefix` of every qualified name.

    A generator expression at one of the places `outlined` stands for an inlined comprehension, which has no name.
    """

    def rename(text: str) -> str:
        return qualname + text[len(prefix) :] if text == prefix or text.startswith(prefix + ".") else text

    inner = prefix, qualname
    if code.co_name == GENERATOR and outlined and position(code) in outlined:
        inner = code.co_qualname, rename(code.co_qualname.removesuffix("." + GENERATOR))
    constants: list[object] = []
    for each in code.co_consts:
        if isinstance(each, CodeType):
            constants.append(_renamed(each, *inner, outlined))
        else:
            constants.append(rename(each) if isinstance(each, str) else each)
    short = qualname.rpartition(".")[2] if code.co_qualname == prefix else code.co_name
    return code.replace(co_consts=tuple(constants), co_name=short, co_qualname=rename(code.co_qualname))


Place = tuple[int, int, int, int]
"""First line, last line, first column, last column."""


def place_of(node: ast.expr) -> Place:
    """Where `node` stands."""
    return node.lineno, node.end_lineno or node.lineno, node.col_offset, node.end_col_offset or node.col_offset


def raiser(qualname: str, filename: str, place: Place) -> CodeType:
    """Code that raises what its free variable ``@sent`` holds, as if an await at `place` had raised it."""
    line, last, column, end = place
    where = ast.Pass(lineno=line, end_lineno=last, col_offset=column, end_col_offset=end)
    statement = ast.copy_location(ast.Raise(exc=name("@sent", where), cause=None), where)
    code = compile_inside(frozenset({"@sent"}), {"0": [statement]}, filename, 0, line)["0"]
    return _renamed(code, WRAPPER + "0", qualname)


def collector(arguments: ast.arguments, qualname: str, line: int) -> CodeType:
    """Code of a function with these parameters that returns them: it raises the TypeErrors that a call of the workflow
    would."""
    every = [*arguments.posonlyargs, *arguments.args, *arguments.kwonlyargs]
    every += [each for each in (arguments.vararg, arguments.kwarg) if each is not None]
    where = ast.Pass(lineno=line, col_offset=0, end_lineno=line, end_col_offset=0)
    plain = [ast.copy_location(ast.arg(arg=each.arg), where) for each in every]
    by_name = {each.arg: each for each in plain}
    stripped = ast.arguments(
        posonlyargs=[by_name[each.arg] for each in arguments.posonlyargs],
        args=[by_name[each.arg] for each in arguments.args],
        vararg=by_name[arguments.vararg.arg] if arguments.vararg else None,
        kwonlyargs=[by_name[each.arg] for each in arguments.kwonlyargs],
        kw_defaults=[None for _ in arguments.kwonlyargs],
        kwarg=by_name[arguments.kwarg.arg] if arguments.kwarg else None,
        defaults=[],
    )
    result = ast.Dict(
        keys=[constant(each.arg, where) for each in plain], values=[name(each.arg, where) for each in plain]
    )
    function = ast.parse("def f(): pass").body[0]
    assert isinstance(function, ast.FunctionDef)
    ast.copy_location(function, where)
    function.name, function.args, function.body = "collect", stripped, [_return(result, where)]
    module = ast.fix_missing_locations(ast.Module(body=[function], type_ignores=[]))
    outer = compile(module, "<durableflow>", "exec", dont_inherit=True)
    code = next(each for each in outer.co_consts if isinstance(each, CodeType))
    return code.replace(co_name=qualname.rpartition(".")[2], co_qualname=qualname)
