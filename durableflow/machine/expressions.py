"""Lowering of expressions that hold an ``await``, in CPython's order of evaluation.

`value` evaluates everything of an expression up to and including its last await, and returns the rest of it: an
expression without an await that finishes the work in the current block. What was evaluated before an await and is
needed after it goes into hidden variables, "spilled": for ``see(1) + await f() + see(2)`` that is ``@1 = see(1)``, the
await, and the rest ``@1 + @sent + see(2)``.

What is lazy stays lazy: `select` follows ``and``, ``or``, ``not``, ternaries and chained comparisons with jumps,
testing each operand once, as CPython does.

A spilled value has to survive being stored. A global (``client.post(await f())``) is spilled as its value together
with its name, see `held`.
"""

import ast
from collections.abc import Sequence

from durableflow.machine.blocks import SENT, Block, Branch, Jump, Suspend, call, constant, name
from durableflow.machine.builder import Builder
from durableflow.machine.calls import Calls


class Expressions:
    """Lowers expressions into the blocks of a builder. `local` holds the workflow's own variables."""

    def __init__(self, builder: Builder, local: frozenset[str]) -> None:
        self.builder = builder
        self.local = local
        self._calls = Calls(self)
        self._awaits: dict[int, tuple[ast.AST, bool]] = {}

    def awaits(self, node: ast.AST | None) -> bool:
        """Whether `node` holds what must become states of its own: an await of the workflow itself, or an
        ``async with``."""
        if node is None:
            return False
        known = self._awaits.get(id(node))
        if known is None or known[0] is not node:
            found = isinstance(node, ast.Await | ast.AsyncWith) or any(
                self.awaits(child) for child in ast.iter_child_nodes(node)
            )
            known = self._awaits[id(node)] = (node, found)
        return known[1]

    def value(self, node: ast.expr) -> ast.expr:
        """Run `node` through its last await; the returned rest must be evaluated in the block that is current then."""
        if not self.awaits(node):
            return node
        match node:
            case ast.Await():
                return self._await(node)
            case ast.BoolOp() | ast.IfExp():
                return self._selected(node)
            case ast.Compare() if len(node.ops) > 1 and any(
                self.awaits(comparator) for comparator in node.comparators[1:]
            ):
                return self._selected(node)
            case ast.Compare():
                node.left, node.comparators[0] = self.operands([node.left, node.comparators[0]])
            case ast.Call():
                self._calls.lower(node)
            case ast.BinOp():
                node.left, node.right = self.operands([node.left, node.right])
            case ast.UnaryOp():
                node.operand = self.value(node.operand)
            case ast.Subscript():
                node.value, node.slice = self.operands([node.value, node.slice])
            case ast.Attribute() | ast.Starred() | ast.NamedExpr():
                node.value = self.value(node.value)
            case ast.Slice():
                node.lower, node.upper, node.step = self._optional([node.lower, node.upper, node.step])
            case ast.Tuple() | ast.List() | ast.Set():
                node.elts = self.elements(node.elts, set if isinstance(node, ast.Set) else list)
            case ast.Dict():
                self._dict(node)
            case ast.JoinedStr():
                self._joined(node)
            case ast.FormattedValue():
                self._formatted(node)
            case ast.Lambda():
                self.defaults(node.args)
            case ast.ListComp() | ast.SetComp() | ast.DictComp() | ast.GeneratorExp():
                node.generators[0].iter = self.value(node.generators[0].iter)
            case _:
                raise self.builder.place.refuse(
                    node, "an await cannot stand in this expression", "await first, into a variable."
                )
        self._awaits[id(node)] = (node, False)
        return node

    def spill(self, node: ast.expr) -> ast.expr:
        """Evaluate `node` now, into a hidden variable; returns what reads it later."""
        if isinstance(node, ast.Slice):
            node.lower, node.upper, node.step = [
                part and self.spill(part) for part in (node.lower, node.upper, node.step)
            ]
            return node
        if isinstance(node, ast.Tuple) and any(isinstance(element, ast.Slice) for element in node.elts):
            node.elts = [self.spill(element) for element in node.elts]
            return node
        if isinstance(node, ast.Constant) or _is_pure_lambda(node) or _is_spilled(node):
            return node
        slot = self.builder.fresh("")
        path = _dotted(node)
        root = path.partition(".")[0]
        if path == "" or root.startswith("@") or (root in self.local and root == path):
            self.builder.set(slot, node, node)
            return name(slot, node)
        self.builder.paths.add(path)
        from_local = [name(root, node)] if root in self.local else []
        self.builder.set(slot, call("@hold", [node, constant(path, node), *from_local], node), node)
        return call("@release", [name(slot, node)], node)

    def operands(self, nodes: Sequence[ast.expr]) -> list[ast.expr]:
        """Operands that are evaluated one after the other: each that comes before the last await is spilled."""
        last = max((index for index, node in enumerate(nodes) if self.awaits(node)), default=-1)
        result = []
        for index, node in enumerate(nodes):
            if index < last:
                result.append(self.spill(self.value(node)))
            else:
                result.append(self.value(node) if index == last else node)
        return result

    def elements(self, nodes: Sequence[ast.expr], display: type) -> list[ast.expr]:
        """The elements of a list, tuple or set display: what a star unpacks before an await is unpacked before it."""
        last = max((index for index, node in enumerate(nodes) if self.awaits(node)), default=-1)
        if not any(isinstance(node, ast.Starred) for node in nodes[: max(last, 0)]):
            return self.operands(nodes)
        kind = ast.Set if display is set else ast.List
        ahead: ast.expr = ast.copy_location(kind(elts=self.elements(nodes[:last], display)), nodes[0])
        if isinstance(ahead, ast.List):
            ahead.ctx = ast.Load()
        unpacked = ast.copy_location(ast.Starred(value=self.spill(ahead), ctx=ast.Load()), nodes[0])
        return [unpacked, self.value(nodes[last]), *nodes[last + 1 :]]

    def defaults(self, arguments: ast.arguments) -> None:
        """Default values of a lambda or local function, evaluated where it is defined."""
        given = [default for default in arguments.kw_defaults if default is not None]
        operands = self.operands([*arguments.defaults, *given])
        arguments.defaults, rest = operands[: len(arguments.defaults)], iter(operands[len(arguments.defaults) :])
        arguments.kw_defaults = [default and next(rest) for default in arguments.kw_defaults]

    def condition(self, test: ast.expr, yes: Block, no: Block) -> None:
        """End the current block with a jump by the truth of `test`."""
        self.select(test, None, yes, no)

    def select(self, node: ast.expr, result: str | None, yes: Block, no: Block) -> None:
        """Go to `yes` or `no` by the truth of `node`, its value left in `result`; when both are the same block the
        truth of the last operand is not asked."""
        builder = self.builder
        if not self.awaits(node) and (result is None or not isinstance(node, ast.BoolOp | ast.Compare | ast.IfExp)):
            self._leaf(node, result, yes, no)
            return
        match node:
            case ast.BoolOp():
                for operand in node.values[:-1]:
                    further = builder.block("branch", operand.lineno)
                    is_and = isinstance(node.op, ast.And)
                    self.select(operand, result, further if is_and else yes, no if is_and else further)
                    builder.begin(further)
                self.select(node.values[-1], result, yes, no)
            case ast.UnaryOp(op=ast.Not()) if result is None:
                self.select(node.operand, None, no, yes)
            case ast.IfExp():
                body, orelse = builder.block("branch", node.body.lineno), builder.block("branch", node.orelse.lineno)
                self.select(node.test, None, body, orelse)
                builder.begin(body)
                self.select(node.body, result, yes, no)
                builder.begin(orelse)
                self.select(node.orelse, result, yes, no)
            case ast.Compare() if len(node.ops) > 1:
                self._chain(node, result, yes, no)
            case _:
                self._leaf(self.value(node), result, yes, no)

    def _leaf(self, node: ast.expr, result: str | None, yes: Block, no: Block) -> None:
        block = self.builder.current
        if block.kind == "run" and yes is not no:
            block.kind, block.line = "branch", node.lineno
            block.label = ast.unparse(node) if not _is_hidden(node) else ""
        if result is None:
            self.builder.finish(Branch(node, yes, no))
            return
        self.builder.set(result, node, node)
        self.builder.finish(Jump(yes) if yes is no else Branch(name(result, node), yes, no))

    def _selected(self, node: ast.expr) -> ast.expr:
        result, join = self.builder.fresh(""), self.builder.block("run", node.end_lineno or node.lineno)
        self.select(node, result, join, join)
        self.builder.begin(join)
        return name(result, node)

    def _chain(self, node: ast.Compare, result: str | None, yes: Block, no: Block) -> None:
        """``a < b < c``: each operand once, and no further than the first comparison that is false."""
        left = node.left
        for index, (operator, comparator) in enumerate(zip(node.ops, node.comparators, strict=True)):
            left, right = self.operands([left, comparator])
            is_last = index == len(node.ops) - 1
            if not is_last:
                left, right = self.spill(left), self.spill(right)
            test = ast.copy_location(ast.Compare(left=left, ops=[operator], comparators=[right]), node)
            further = yes if is_last else self.builder.block("branch", comparator.lineno)
            self._leaf(test, result, further, no)
            if not is_last:
                self.builder.begin(further)
            left = right

    def _await(self, node: ast.Await) -> ast.expr:
        source = ast.unparse(node.value)
        awaited = self.value(node.value)
        resume = self.builder.block("run", node.end_lineno or node.lineno)
        block = self.builder.current
        block.kind, block.label, block.line = "await", source, node.lineno
        awaited = call("@awaitable", [awaited], node)
        if self.builder.within:
            awaited = call("@within", [awaited, *(name(each, node) for each in self.builder.within)], node)
        self.builder.finish(Suspend(awaited, resume))
        self.builder.begin(resume)
        return name(SENT, node)

    def _optional(self, nodes: Sequence[ast.expr | None]) -> list[ast.expr | None]:
        operands = iter(self.operands([node for node in nodes if node is not None]))
        return [node and next(operands) for node in nodes]

    def _dict(self, node: ast.Dict) -> None:
        pairs = list(zip(node.keys, node.values, strict=True))
        last = max(index for index, pair in enumerate(pairs) if any(self.awaits(part) for part in pair))
        stars = [index for index, (key, _) in enumerate(pairs[:last]) if key is None]
        if stars:
            cut = stars[-1] + 1
            ahead = ast.copy_location(ast.Dict(keys=node.keys[:cut], values=node.values[:cut]), node)
            merged = self.spill(self.value(ahead))
            pairs = [(None, merged), *pairs[cut:]]
            done, pairs = pairs[:1], pairs[1:]
        else:
            done = []
        flat = iter(self.operands([part for pair in pairs for part in pair if part is not None]))
        done += [(key and next(flat), next(flat)) for key, _ in pairs]
        node.keys, node.values = [key for key, _ in done], [value for _, value in done]

    def _joined(self, node: ast.JoinedStr) -> None:
        """Parts before the last await are formatted before it."""
        last = max(index for index, part in enumerate(node.values) if self.awaits(part))
        for index, part in enumerate(node.values[: last + 1]):
            rest = self.value(part)
            if index < last and isinstance(rest, ast.FormattedValue):
                text = self.spill(ast.copy_location(ast.JoinedStr(values=[rest]), part))
                rest = ast.copy_location(ast.FormattedValue(value=text, conversion=-1, format_spec=None), part)
            node.values[index] = rest

    def _formatted(self, node: ast.FormattedValue) -> None:
        if node.format_spec is None or not self.awaits(node.format_spec):
            node.value = self.value(node.value)
            return
        node.value = self.spill(self.value(node.value))
        node.format_spec = self.value(node.format_spec)


def _dotted(node: ast.expr) -> str:
    """``client.session`` of a name and its attributes; empty for anything else."""
    parts: list[str] = []
    while isinstance(node, ast.Attribute):
        parts.append(node.attr)
        node = node.value
    return ".".join([node.id, *reversed(parts)]) if isinstance(node, ast.Name) else ""


def _is_hidden(node: ast.expr) -> bool:
    """Whether the source of `node` would show a hidden variable."""
    return any(isinstance(child, ast.Name) and child.id.startswith("@") for child in ast.walk(node))


def is_hidden_name(node: ast.expr) -> bool:
    """Whether `node` is a read of a hidden variable, and nothing else."""
    return isinstance(node, ast.Name) and node.id.startswith("@")


def _is_pure_lambda(node: ast.expr) -> bool:
    return isinstance(node, ast.Lambda) and not node.args.defaults and not any(node.args.kw_defaults)


def _is_spilled(node: ast.expr) -> bool:
    if isinstance(node, ast.Call) and isinstance(node.func, ast.Name) and node.func.id == "@release":
        return True
    return isinstance(node, ast.Name) and is_hidden_name(node) and node.id != SENT
