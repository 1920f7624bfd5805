"""Liveness: which variables are still read after a point. Only those are stored at an await.

A backward analysis. Over the blocks it runs to a fixpoint; inside a block it follows the native statements with their
own control flow, so that the handle of a ``with open(...)`` that is over by the next await is not taken for live. An
exception may leave before any statement has done its work, so whatever the handler needs is live before each statement
that it protects.

A variable that is live at the very start, and is not a parameter, is one that some way reads before anything has bound
it; together with what is deleted somewhere these are the names whose reads are guarded (see `guards`): the others
cannot be unbound.
"""

import ast
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, replace

from durableflow.machine.blocks import SENT, Block, Branch, Finish, Goto, Jump, Reraise, Suspend
from durableflow.machine.scope import INNER_SCOPES, Captures

Names = frozenset[str]
NONE: Names = frozenset()


@dataclass(frozen=True, slots=True)
class Ways:
    """What is live at the other ends of the ways out of a statement."""

    raised: Names = NONE
    broken: Names = NONE
    continued: Names = NONE
    through: Callable[[Names], Names] = lambda names: names
    """What a goto needs on its way through the native ``finally`` clauses around it."""


class Liveness:
    """The live variables of each block. Hidden variables are variables like others."""

    def __init__(self, blocks: Sequence[Block], captures: Captures) -> None:
        self.captures = captures
        self.entry: dict[Block, Names] = dict.fromkeys(blocks, NONE)
        changed = True
        while changed:
            changed = False
            for block in reversed(blocks):
                live = self._block(block)
                if live != self.entry[block]:
                    self.entry[block], changed = live, True

    def across(self, block: Block) -> Names:
        """What must be stored while the run waits at the await that ends `block`."""
        assert isinstance(block.end, Suspend)
        return (self.entry[block.end.resume] - {SENT}) | frozenset(block.handling) | self._raised(block)

    def _raised(self, block: Block) -> Names:
        """What must be live wherever an exception may leave `block`, be it at its await."""
        return self.entry[block.region.handler] - {block.region.slot} if block.region else NONE

    def _block(self, block: Block) -> Names:
        raised = self._raised(block)
        match block.end:
            case Jump(target):
                after = self.entry[target]
            case Branch(test, yes, no):
                after = self.expression(test, self.entry[yes] | self.entry[no])
            case Suspend(awaited, resume):
                after = self.expression(awaited, self.entry[resume] - {SENT})
            case Finish(value):
                after = self.expression(value, NONE)
            case Reraise(slot):
                after = frozenset({slot})
            case _:
                after = NONE
        return self.statements(block.body, after, Ways(raised)) | frozenset(block.handling) | raised

    def statements(self, nodes: Iterable[ast.stmt], after: Names, ways: Ways) -> Names:
        for node in reversed(list(nodes)):
            after = self.statement(node, after, ways) | ways.raised
        return after

    def statement(self, node: ast.stmt, after: Names, ways: Ways) -> Names:
        match node:
            case Goto():
                return ways.through(self.entry[node.target])
            case ast.Break():
                return ways.broken
            case ast.Continue():
                return ways.continued
            case ast.Raise():
                return self._all([node.exc, node.cause], NONE)
            case ast.Assign():
                for target in reversed(node.targets):
                    after = self.target(target, after)
                return self.expression(node.value, after)
            case ast.AnnAssign():
                after = self.target(node.target, after)
                return after if node.value is None else self.expression(node.value, after)
            case ast.AugAssign(target=ast.Name(id=identifier)):
                return self.expression(node.value, after - {identifier}) | {identifier}
            case ast.AugAssign():  # unlike in an assignment, the owner and subscript come before the value
                return self.target(node.target, self.expression(node.value, after))
            case ast.If():
                body, orelse = self.statements(node.body, after, ways), self.statements(node.orelse, after, ways)
                return self.expression(node.test, body | orelse)
            case ast.While() | ast.For():
                return self._loop(node, after, ways)
            case ast.With():
                return self._with(node, after, ways)
            case ast.Try() | ast.TryStar():
                return self._try(node, after, ways)
            case ast.Match():
                return self._match(node, after, ways)
            case ast.FunctionDef():
                # its own name is captured, not read: it is bound before the function can be called
                given = [*node.decorator_list, *node.args.defaults, *node.args.kw_defaults]
                return self._all(given, (after | self.captures.of(node)) - {node.name})
            case ast.ClassDef():
                given = [*node.decorator_list, *node.bases, *(keyword.value for keyword in node.keywords)]
                return self._all(given, (after - {node.name}) | self.captures.of(node))
            case ast.Import() | ast.ImportFrom():
                return after - {alias.asname or alias.name.partition(".")[0] for alias in node.names}
            case ast.Delete():
                return after | self._deleted(node)
            case ast.Assert():
                return self.expression(node.test, after | self._all([node.msg], after))
            case _:
                return self._all(list(ast.iter_child_nodes(node)), after)

    def _deleted(self, node: ast.Delete) -> Names:
        found: set[str] = set()
        for target in node.targets:
            for child in ast.walk(target):
                if isinstance(child, ast.Name):
                    found.add(child.id)
        return frozenset(found) & (self.captures.local | {name for name in found if name.startswith("@")})

    def expression(self, node: ast.AST, after: Names) -> Names:
        match node:
            case ast.Name(id=identifier):
                if isinstance(node.ctx, ast.Load) and (identifier in self.captures.local or identifier.startswith("@")):
                    return after | {identifier}
                return after
            case ast.Constant():
                return after
            case ast.NamedExpr():
                return self.expression(node.value, self.target(node.target, after))
            case ast.BoolOp():
                live = after
                for operand in reversed(node.values):
                    live = self.expression(operand, live | after)
                return live
            case ast.IfExp():
                return self.expression(
                    node.test, self.expression(node.body, after) | self.expression(node.orelse, after)
                )
            case ast.Compare():
                live = after
                for operand in reversed(node.comparators):
                    live = self.expression(operand, live | after)
                return self.expression(node.left, live)
            case ast.Dict():
                return self._all([part for pair in zip(node.keys, node.values, strict=True) for part in pair], after)
            case _ if isinstance(node, INNER_SCOPES):
                return after | self.captures.of(node)
            case _:
                return self._all(list(ast.iter_child_nodes(node)), after)

    def _all(self, nodes: Sequence[ast.AST | None], after: Names) -> Names:
        for node in reversed(nodes):
            if node is not None:
                after = self.expression(node, after)
        return after

    def target(self, node: ast.expr, after: Names) -> Names:
        match node:
            case ast.Name(id=identifier):
                return after - {identifier}
            case ast.Tuple() | ast.List():
                for element in reversed(node.elts):
                    after = self.target(element, after)
                return after
            case ast.Starred():
                return self.target(node.value, after)
            case _:
                return self._all(list(ast.iter_child_nodes(node)), after)

    def _loop(self, node: ast.While | ast.For, after: Names, ways: Ways) -> Names:
        done = self.statements(node.orelse, after, ways)
        head = done
        while True:
            inside = replace(ways, broken=after, continued=head)
            body = self.statements(node.body, head, inside)
            if isinstance(node, ast.While):
                around = self.expression(node.test, body | done)
            else:
                around = self.target(node.target, body) | done
            if around | head == head:
                break
            head |= around | ways.raised
        return head if isinstance(node, ast.While) else self.expression(node.iter, head)

    def _with(self, node: ast.With, after: Names, ways: Ways) -> Names:
        # __exit__ may swallow an exception: from anywhere in the body control may come out behind the statement.
        # What an item raises while it is entered only those before it may swallow.
        swallowed = replace(ways, raised=ways.raised | after)
        live = self.statements(node.body, after, swallowed) | swallowed.raised
        for index, item in reversed(list(enumerate(node.items))):
            if item.optional_vars is not None:
                simple = isinstance(item.optional_vars, ast.Name)
                live = self.target(item.optional_vars, live) | (NONE if simple else after)
            live = self.expression(item.context_expr, live) | (swallowed if index else ways).raised
        return live

    def _try(self, node: ast.Try | ast.TryStar, after: Names, ways: Ways) -> Names:
        outer = ways
        if node.finalbody:
            final, outer = node.finalbody, ways

            def leave(names: Names) -> Names:
                return self.statements(final, names, outer)

            ways = Ways(
                leave(ways.raised), leave(ways.broken), leave(ways.continued), lambda names: leave(outer.through(names))
            )
            after = leave(after)
        handled = NONE
        for handler in reversed(node.handlers):
            inside = replace(ways, raised=ways.raised - {handler.name}) if handler.name else ways
            live = self.statements(handler.body, after, inside)
            live = live - {handler.name} if handler.name else live
            handled |= live | (self.expression(handler.type, NONE) if handler.type else NONE)
        orelse = self.statements(node.orelse, after, ways)
        return self.statements(node.body, orelse, replace(ways, raised=ways.raised | handled))

    def _match(self, node: ast.Match, after: Names, ways: Ways) -> Names:
        live = after
        for case in reversed(node.cases):
            body = self.statements(case.body, after, ways)
            if case.guard is not None:
                body = self.expression(case.guard, body | live)
            live = live | self._pattern(case.pattern, body)
        return self.expression(node.subject, live)

    def _pattern(self, node: ast.pattern, after: Names) -> Names:
        bound = {child.name for child in ast.walk(node) if isinstance(child, ast.MatchAs | ast.MatchStar)}
        bound |= {child.rest for child in ast.walk(node) if isinstance(child, ast.MatchMapping)}
        live = after - {name for name in bound if name is not None}
        for child in ast.walk(node):
            if isinstance(child, ast.MatchValue | ast.MatchMapping | ast.MatchClass):
                for part in ast.iter_child_nodes(child):
                    if isinstance(part, ast.expr):
                        live = self.expression(part, live)
        return live
