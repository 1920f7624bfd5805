"""The state table of a workflow: lowering, liveness and code generation, one after the other."""

import ast
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from types import CodeType

from durableflow.machine.blocks import SENT, Block, Branch, Finish, Raises, Reraise, Suspend
from durableflow.machine.builder import Builder
from durableflow.machine.codegen import Place, collector, generate, place_of
from durableflow.machine.guards import CELL_OF, deleted_names
from durableflow.machine.helpers import HELPERS
from durableflow.machine.interpreter import FAILS, FINISHES, GOES_ON, SUSPENDS, Segment
from durableflow.machine.liveness import Liveness
from durableflow.machine.outcome import State
from durableflow.machine.scope import Captures, global_names, lasting_scopes, local_names
from durableflow.machine.settle import settle
from durableflow.machine.source import Parsed
from durableflow.machine.statements import Statements


@dataclass(frozen=True, slots=True)
class Waits:
    """Where a state awaits, and what its checkpoint holds: the values of `live`, the cells of `shared`."""

    place: Place
    live: tuple[str, ...]
    shared: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Table:
    states: tuple[State, ...]
    segments: tuple[Segment, ...]
    waits: dict[int, Waits]
    globals: frozenset[str]
    paths: frozenset[str]
    collector: CodeType


def build(parsed: Parsed) -> Table:
    """Compile a parsed function, which `check` has accepted."""
    node, local = parsed.node, local_names(parsed.table, parsed.node)
    parameters = _parameters(node.args)
    deleted = deleted_names(node)
    builder = Builder(parsed.place, node.lineno)
    blocks = settle(Statements(builder, local).function(node))
    captures = Captures(local, parsed.flags)
    liveness = Liveness(blocks, captures)
    unsafe = ((liveness.entry[blocks[0]] - parameters) | deleted) & local
    names = local | _hidden(blocks)
    made, waiting = _captured_before(blocks, captures), [block for block in blocks if isinstance(block.end, Suspend)]
    live = {block: liveness.across(block) for block in waiting}
    codes = generate(blocks, names, unsafe, parsed.name, parsed.filename, parsed.first_line, parsed.flags)
    wanted = _referred_after(blocks, codes)
    waits = {}
    for block in waiting:
        assert isinstance(block.end, Suspend)
        stored, shared = live[block] - set(HELPERS), made[block] & wanted[block]
        waits[block.number] = Waits(place_of(block.end.awaited), tuple(sorted(stored)), tuple(sorted(shared)))
    return Table(
        states=tuple(_state(block, parsed.first_line) for block in blocks),
        segments=tuple(_segment(block, code) for block, code in zip(blocks, codes, strict=True)),
        waits=waits,
        globals=global_names(parsed.table),
        paths=frozenset(builder.paths),
        collector=collector(node.args, parsed.name, node.lineno),
    )


def _parameters(arguments: ast.arguments) -> frozenset[str]:
    every = [*arguments.posonlyargs, *arguments.args, *arguments.kwonlyargs, arguments.vararg, arguments.kwarg]
    return frozenset(argument.arg for argument in every if argument is not None)


def _hidden(blocks: Iterable[Block]) -> frozenset[str]:
    found = {SENT, *HELPERS}
    for block in blocks:
        found |= {block.region.slot} if block.region else set()
        found |= set(block.handling)
        for node in _nodes(block):
            found |= {child.id for child in ast.walk(node) if isinstance(child, ast.Name) and child.id.startswith("@")}
    return frozenset(found)


def _nodes(block: Block) -> list[ast.AST]:
    """Everything that a block evaluates."""
    match block.end:
        case Branch(test=node) | Suspend(awaited=node) | Finish(value=node):
            return [*block.body, node]
    return [*block.body]


def _captured_before(blocks: Sequence[Block], captures: Captures) -> dict[Block, frozenset[str]]:
    """For each block: the variables that a function may have captured by the time that the block has run."""
    own: dict[Block, frozenset[str]] = {}
    for block in blocks:
        inner = [child for node in _nodes(block) for child in lasting_scopes(node)]
        own[block] = frozenset(name for child in inner for name in captures.of(child) if not name.startswith("@"))
    made = dict(own)
    changed = True
    while changed:
        changed = False
        for block in blocks:
            for following in _all_following(block):
                if not made[block] <= made[following]:
                    made[following] |= made[block]
                    changed = True
    return made


def _referred_after(blocks: Sequence[Block], codes: Sequence[CodeType]) -> dict[Block, frozenset[str]]:
    """For each block: the variables that are read or written after it, by any way."""
    entry = {
        block: frozenset(name.removeprefix(CELL_OF) for name in code.co_freevars)
        for block, code in zip(blocks, codes, strict=True)
    }
    after: dict[Block, frozenset[str]] = dict.fromkeys(blocks, frozenset())
    changed = True
    while changed:
        changed = False
        for block in reversed(blocks):
            further = frozenset(name for each in _all_following(block) for name in entry[each] | after[each])
            if further != after[block]:
                after[block], changed = further, True
    return after


def _all_following(block: Block) -> list[Block]:
    handler = [block.region.handler] if block.region else []
    return [*block.following(), *handler]


def _state(block: Block, first_line: int) -> State:
    assert block.number >= 0
    successors = tuple(dict.fromkeys(following.number for following in block.following()))
    on_error = block.region.handler.number if block.region else None
    kind = block.kind
    if kind == "run":
        kind = "return" if isinstance(block.end, Finish) else "raise" if isinstance(block.end, Raises) else kind
    return State(block.number, kind, block.line, block.line - first_line, block.label, successors, on_error)


def _segment(block: Block, code: CodeType) -> Segment:
    end = block.end
    ends = (
        SUSPENDS
        if isinstance(end, Suspend)
        else FINISHES
        if isinstance(end, Finish)
        else FAILS
        if isinstance(end, Reraise)
        else GOES_ON
    )
    return Segment(
        code=code,
        free=code.co_freevars,
        ends=ends,
        handler=block.region.handler.number if block.region else -1,
        slot=block.region.slot if block.region else "",
        handling=block.handling,
        resume=end.resume.number if isinstance(end, Suspend) else -1,
        reraises=end.slot if isinstance(end, Reraise) else "",
    )
