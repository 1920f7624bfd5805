"""Lowering of statements: what holds no await stays native, the rest becomes blocks and jumps.

A compound statement without an await is copied as it stands into the current block; only the ways out that leave it
(``return``, and ``break`` or ``continue`` of a loop around it) become gotos. So the cost of the machine is paid at
awaits, not per line.
"""

import ast
from collections.abc import Sequence

from durableflow.machine.blocks import Block, Branch, Finish, Raises, call, constant, name
from durableflow.machine.builder import Builder, Loop
from durableflow.machine.exits import WaysOut
from durableflow.machine.expressions import Expressions, is_hidden_name
from durableflow.machine.targets import Targets, unannotated
from durableflow.machine.tries import Tries
from durableflow.machine.withs import Withs


class Statements:
    """Lowers statements into the blocks of a builder."""

    def __init__(self, builder: Builder, local: frozenset[str]) -> None:
        self.builder = builder
        self.expressions = Expressions(builder, local)
        self.targets = Targets(builder, self.expressions)
        self.tries = Tries(builder, self.expressions, self.body)
        self.withs = Withs(builder, self.expressions, self.targets, self.body)

    def function(self, node: ast.AsyncFunctionDef) -> list[Block]:
        """All blocks of a function; the first one is its start."""
        entry = self.builder.block("run", node.body[0].lineno)
        self.builder.jump(entry)
        self.builder.begin(entry)
        self.body(node.body)
        self.builder.finish(Finish(constant(None, node.body[-1])))
        return self.builder.blocks

    def body(self, statements: Sequence[ast.stmt]) -> None:
        for statement in statements:
            self.statement(statement)

    def statement(self, node: ast.stmt) -> None:
        match node:
            case ast.Return():
                self._return(node)
            case ast.Break() | ast.Continue():
                self.builder.jump(self.builder.way_out("break" if isinstance(node, ast.Break) else "continue", node))
                self.builder.dead(node.lineno)
            case ast.Raise():
                self._raise(node)
            case ast.AnnAssign():
                self.body(unannotated(node))
            case _ if not self.expressions.awaits(node):
                self.builder.emit(WaysOut(self.builder).visit(node))
            case ast.If():
                self._if(node)
            case ast.While():
                self._while(node)
            case ast.For():
                self._for(node)
            case ast.Try():
                self.tries.lower(node)
            case ast.AsyncWith():
                self.withs.lower(node)
            case ast.Match():
                self._match(node)
            case ast.With():
                node.items[0].context_expr = self.expressions.value(node.items[0].context_expr)
                self.builder.emit(WaysOut(self.builder).visit(node))
            case ast.Assert():
                self._assert(node)
            case ast.FunctionDef() | ast.ClassDef():
                self._definition(node)
            case ast.Expr():
                node.value = self.expressions.value(node.value)
                if not is_hidden_name(node.value):  # a bare `await f()` leaves nothing to do
                    self.builder.emit(node)
            case ast.Assign() | ast.AugAssign() | ast.Delete():
                self.targets.lower(node)
            case _:
                raise self.builder.place.refuse(
                    node, "an await cannot stand in this statement", "await first, into a variable."
                )

    def _return(self, node: ast.Return) -> None:
        value = self.expressions.value(node.value) if node.value is not None else constant(None, node)
        if not any(not isinstance(context, Loop) for context in self.builder.contexts):
            self.builder.finish(Finish(value))
        else:
            self.builder.set(self.builder.return_slot(), value, node)
            self.builder.jump(self.builder.way_out("return", node))
        self.builder.dead(node.lineno)

    def _raise(self, node: ast.Raise) -> None:
        operands = self.expressions.operands([operand for operand in (node.exc, node.cause) if operand is not None])
        if node.exc is not None:
            node.exc = operands[0]
        if node.cause is not None:
            node.cause = operands[1]
        self.builder.emit(node)
        self.builder.finish(Raises())
        self.builder.dead(node.lineno)

    def _if(self, node: ast.If) -> None:
        builder, after = self.builder, self.builder.block("run", node.end_lineno or node.lineno)
        body = builder.block("run", node.body[0].lineno)
        orelse = builder.block("run", node.orelse[0].lineno) if node.orelse else after
        self.expressions.condition(node.test, body, orelse)
        builder.begin(body)
        self.body(node.body)
        builder.jump(after)
        if node.orelse:
            builder.begin(orelse)
            self.body(node.orelse)
            builder.jump(after)
        builder.begin(after)

    def _while(self, node: ast.While) -> None:
        builder, after = self.builder, self.builder.block("run", node.end_lineno or node.lineno)
        head = builder.block("loop", node.lineno, "while " + ast.unparse(node.test))
        body = builder.block("run", node.body[0].lineno)
        orelse = builder.block("run", node.orelse[0].lineno) if node.orelse else after
        builder.jump(head)
        builder.begin(head)
        self.expressions.condition(node.test, body, orelse)
        self._loop_body(node, body, head, after)
        self._loop_else(node, orelse, after)

    def _for(self, node: ast.For) -> None:
        """The head fetches one item natively: ``for target in iterator: <go to the body>``."""
        builder, after = self.builder, self.builder.block("run", node.end_lineno or node.lineno)
        head = builder.block("loop", node.lineno, f"for {ast.unparse(node.target)} in {ast.unparse(node.iter)}")
        body = builder.block("run", node.body[0].lineno)
        orelse = builder.block("run", node.orelse[0].lineno) if node.orelse else after
        iterator, label = builder.fresh("for"), constant(ast.unparse(node.iter), node.iter)
        builder.set(iterator, call("@iterate", [self.expressions.value(node.iter), label], node.iter), node.iter)
        builder.jump(head)
        target, first = node.target, body
        if self.expressions.awaits(target):
            item = builder.fresh("")
            target = ast.copy_location(ast.Name(id=item, ctx=ast.Store()), target)
            first = builder.block("run", node.lineno)
            builder.begin(first)
            self.targets.store(node.target, name(item, node.target))
            builder.jump(body)
        builder.begin(head)
        fetch = ast.For(
            target=target, iter=name(iterator, node.iter), body=[builder.goto(first, node.target)], orelse=[]
        )
        builder.emit(ast.copy_location(fetch, node))
        builder.jump(orelse)
        self._loop_body(node, body, head, after)
        self._loop_else(node, orelse, after)

    def _loop_body(self, node: ast.While | ast.For, body: Block, head: Block, after: Block) -> None:
        self.builder.begin(body)
        self.builder.contexts.append(Loop(after, head))
        self.body(node.body)
        self.builder.contexts.pop()
        self.builder.jump(head)

    def _loop_else(self, node: ast.While | ast.For, orelse: Block, after: Block) -> None:
        if node.orelse:
            self.builder.begin(orelse)
            self.body(node.orelse)
            self.builder.jump(after)
        self.builder.begin(after)

    def _match(self, node: ast.Match) -> None:
        """One native ``match`` picks the case; it is cut after each case whose guard awaits."""
        builder, after = self.builder, self.builder.block("run", node.end_lineno or node.lineno)
        subject = self.expressions.spill(self.expressions.value(node.subject))
        bodies: list[tuple[Block, ast.match_case]] = []
        cases = list(node.cases)
        while cases:
            cut = next(
                (index for index, case in enumerate(cases) if self.expressions.awaits(case.guard)), len(cases) - 1
            )
            tried, cases = cases[: cut + 1], cases[cut + 1 :]
            guard = tried[-1].guard if self.expressions.awaits(tried[-1].guard) else None
            targets = [builder.block("run", case.body[0].lineno) for case in tried]
            bodies += zip(targets, tried, strict=True)
            guarded = builder.block("branch", guard.lineno) if guard else targets[-1]
            native = []
            for case, target in zip(tried, [*targets[:-1], guarded], strict=True):
                kept = None if case.guard is guard else case.guard
                native.append(
                    ast.match_case(pattern=case.pattern, guard=kept, body=[builder.goto(target, case.pattern)])
                )
            builder.current.kind = "branch"
            builder.emit(ast.copy_location(ast.Match(subject=subject, cases=native), node))
            rest = builder.block("branch", cases[0].pattern.lineno) if cases else after
            builder.jump(rest)
            if guard is not None:
                builder.begin(guarded)
                self.expressions.condition(guard, targets[-1], rest)
            if cases:
                builder.begin(rest)
        for target, case in bodies:
            builder.begin(target)
            self.body(case.body)
            builder.jump(after)
        builder.begin(after)

    def _assert(self, node: ast.Assert) -> None:
        """``python -O`` drops assertions: the states stay, so that the table is the same, and are not entered."""
        builder, after = self.builder, self.builder.block("run", node.end_lineno or node.lineno)
        check, failed = builder.block("branch", node.lineno), builder.block("run", node.lineno)
        builder.finish(Branch(name("__debug__", node), check, after))
        builder.begin(check)
        self.expressions.condition(node.test, after, failed)
        builder.begin(failed)
        message = self.expressions.value(node.msg) if node.msg is not None else None
        builder.emit(ast.copy_location(ast.Assert(test=constant(False, node), msg=message), node))
        builder.finish(Raises())
        builder.begin(after)

    def _definition(self, node: ast.FunctionDef | ast.ClassDef) -> None:
        """Decorators, then defaults or bases, are evaluated in order where the definition stands."""
        expressions = self.expressions
        parts: list[ast.expr] = list(node.decorator_list)
        if isinstance(node, ast.FunctionDef):
            parts += [*node.args.defaults, *(default for default in node.args.kw_defaults if default is not None)]
        else:
            parts += [*node.bases, *(keyword.value for keyword in node.keywords)]
        operands = iter(expressions.operands(parts))
        node.decorator_list = [next(operands) for _ in node.decorator_list]
        if isinstance(node, ast.FunctionDef):
            node.args.defaults = [next(operands) for _ in node.args.defaults]
            node.args.kw_defaults = [default and next(operands) for default in node.args.kw_defaults]
        else:
            node.bases = [next(operands) for _ in node.bases]
            for keyword in node.keywords:
                keyword.value = next(operands)
        self.builder.emit(node)
