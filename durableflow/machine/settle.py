"""From the blocks that lowering made to the state table: what cannot be reached dropped, the rest joined and numbered.

Numbers follow the order in which lowering came by, which is the source's. Checkpoints refer to them, so nothing here
may depend on anything but the source.
"""

from collections import Counter
from collections.abc import Sequence

from durableflow.machine.blocks import Block, Branch, Jump, Suspend

PLAIN = ("run", "leave")
"""Kinds that say nothing of their own: what they are joined with gives the kind."""


def settle(blocks: Sequence[Block]) -> list[Block]:
    """The blocks of the state table, the start first."""
    reached = _reached(blocks)
    _join(reached, _arrivals(reached))
    settled = _reached(reached)
    for number, block in enumerate(settled):
        block.number = number
    return settled


def _reached(blocks: Sequence[Block]) -> list[Block]:
    """The blocks that control can come to, with jumps that lead through empty blocks made direct."""
    reached: set[Block] = set()
    pending = [blocks[0]]
    while pending:
        block = pending.pop()
        if block in reached:
            continue
        reached.add(block)
        _shorten(block)
        pending += block.following()
        if block.region is not None:
            pending.append(block.region.handler)
    return [block for block in dict.fromkeys(blocks) if block in reached]


def _shorten(block: Block) -> None:
    for goto in block.exits:
        goto.target = _through(goto.target)
    match block.end:
        case Jump(target):
            block.end = Jump(_through(target))
        case Branch(test, yes, no):
            block.end = Branch(test, _through(yes), _through(no))
        case Suspend(awaited, resume):
            block.end = Suspend(awaited, _through(resume))


def _through(block: Block) -> Block:
    seen = {block}
    while not block.body and isinstance(block.end, Jump) and block.end.target not in seen:
        block = block.end.target
        seen.add(block)
    return block


def _arrivals(blocks: Sequence[Block]) -> Counter[Block]:
    """How many ways lead to each block."""
    found: Counter[Block] = Counter()
    for block in blocks:
        found.update(block.following())
        if block.region is not None:
            found[block.region.handler] += 1
    return found


def _join(blocks: Sequence[Block], arrivals: Counter[Block]) -> None:
    """Append to each block what only it jumps to, where the same exceptions are handled in the same place."""
    for block in blocks[1:]:
        while isinstance(block.end, Jump):
            further = block.end.target
            alike = block.region == further.region and block.handling == further.handling
            plain = block.kind in PLAIN or further.kind in PLAIN
            if further is block or arrivals[further] != 1 or not alike or not plain:
                break
            block.body += further.body
            block.exits += further.exits
            block.end = further.end
            if block.kind in PLAIN and further.kind not in PLAIN:
                block.kind, block.label, block.line = further.kind, further.label, further.line
