"""A program of one function, made into one of several: each await goes through routines of its own."""

import ast

HOPS = """

async def _hop(what):
    return await what


async def _hop_with_finally(what):
    try:
        return await what
    finally:
        handling()


async def _hop_that_handles(what):
    try:
        raise Oops("in a hop")
    except Oops:
        handling()
        return await what


async def _hop_that_raises_again(what):
    try:
        return await what
    except Bad:
        handling()
        await nothing()
        raise


async def _hop_through_others(what):
    async with Gate("hop"):
        return await _hop_with_finally(what)


async def _hop_with_a_closure(what):
    held = []

    def hold(value):
        held.append(value)
        return held[0]

    await _hop(nothing())
    return hold(await what)
"""

_NAMES = [line[len("async def ") : line.index("(")] for line in HOPS.splitlines() if line.startswith("async def")]


def split(source: str) -> str:
    """The program with every ``await x`` as ``await _hop(x)``, the hops by turns."""
    tree = _Splitter().visit(ast.parse(source))
    return ast.unparse(ast.fix_missing_locations(tree)) + HOPS


class _Splitter(ast.NodeTransformer):
    def __init__(self) -> None:
        self.count = 0

    def visit_Await(self, node: ast.Await) -> ast.Await:
        hop = _NAMES[self.count % len(_NAMES)]
        self.count += 1
        self.generic_visit(node)
        called = ast.Call(func=ast.Name(id=hop, ctx=ast.Load()), args=[node.value], keywords=[])
        return ast.Await(value=called)
