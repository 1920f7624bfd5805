"""The stack of a run: the workflow, and the routines that it stands in, each with its own checkpoint.

They are stored as one document, so that what a routine shares with its caller is still shared when it comes back. The
workflow's variables are its top; those of the routines stand under ``@frames``, and the blocks that each was called in
under ``@blocks``. Which routines these are, in which version and state, stands beside it, as JSON::

    [["shop.restock", "1f0c...", 4, 87], ...]           name, version, state, line; the innermost comes last
"""

import json
from collections.abc import Callable, Mapping, Set
from dataclasses import dataclass, field
from typing import Any

from durableflow import codec
from durableflow.codec import Encoded, Extension
from durableflow.errors import CorruptValue
from durableflow.language.deadline import Within
from durableflow.language.registry import Named, Registry
from durableflow.language.routine import DEEPEST, RoutineCall
from durableflow.machine import Checkpoint, Machine
from durableflow.machine.stack import extensions_of

FRAMES, BLOCKS = "@frames", "@blocks"


@dataclass(slots=True)
class Frame:
    """One function of the stack. blocks: those that it was called in, of its caller."""

    definition: Named
    checkpoint: Checkpoint
    blocks: list[Any] = field(default_factory=list)


Stack = list[Frame]


def pushed(stack: Stack, awaited: Any, registry: Registry) -> Frame | None:
    """The frame of the routine that is awaited. None: it is no routine. registry: of the run's application.

    Raises RecursionError where the stack is as deep as it may be; TypeError for a routine of another application, whose
    versions no worker of this one registers.
    """
    blocks: list[Any] = []
    inner = awaited
    while isinstance(inner, Within):
        blocks.append(inner.block)
        inner = inner.inner
    if not isinstance(inner, RoutineCall):
        return None
    inner._used = True
    if inner.definition.registry is not registry:
        raise TypeError(f"{inner._described()} is a routine of another application than the workflow that awaits it")
    if len(stack) > DEEPEST:
        raise RecursionError(f"{inner._described()} would be more than {DEEPEST} routines inside of one another")
    checkpoint = inner.definition.machine.start(inner.args, inner.kwargs)
    return Frame(inner.definition, checkpoint, blocks)


def handled_around(stack: Stack) -> BaseException | None:
    """The exception that is being handled where the innermost function of the stack is awaited."""
    for frame in reversed(stack[:-1]):
        machine = frame.definition.machine
        handled = machine.handled(frame.checkpoint) if isinstance(machine, Machine) else None
        if handled is not None:
            return handled
    return None


def store(stack: Stack, *, known: Set[str] = frozenset(), limit: int | None = None) -> tuple[Encoded, str | None]:
    """The stored form of a stack: all variables, and the routines. Raises NotStorable, ValueTooLarge."""
    bottom, *inner = stack
    variables: dict[str, object] = bottom.checkpoint.variables
    if inner:
        variables = {
            **variables,
            FRAMES: [frame.checkpoint.variables for frame in inner],
            BLOCKS: [frame.blocks for frame in inner],
        }
    encoded = codec.encode(variables, where="", known=known, extensions=_extensions(stack), limit=limit)
    rows = [[f.definition.name, f.definition.machine.version, f.checkpoint.state, f.checkpoint.line] for f in inner]
    return encoded, json.dumps(rows, separators=(",", ":")) if inner else None


def restore(
    definition: Named,
    state: int,
    line: int,
    variables: str,
    frames: str | None,
    find: Callable[[str, str], Named] | None,
    blobs: Mapping[str, str],
) -> Stack:
    """The stack as it was stored. find: gives the routines. Raises CorruptValue."""
    stack = [_frame(definition, state, line)]
    for name, version, inner_state, inner_line in _rows(frames):
        assert find is not None, "a run that stands in a routine is advanced by who can find it"
        stack.append(_frame(find(name, version), inner_state, inner_line))
    found = codec.decode(variables, blobs=blobs, extensions=_extensions(stack))
    if not isinstance(found, dict):
        raise CorruptValue(f"the stored variables of {definition.name} are not a mapping: {variables[:200]}")
    inner = [found.pop(name, None if len(stack) > 1 else []) for name in (FRAMES, BLOCKS)]
    if not all(isinstance(each, list) and len(each) == len(stack) - 1 for each in inner):
        raise CorruptValue(f"{definition.name} stands in {len(stack) - 1} routines, and variables of others are stored")
    for frame, own, blocks in zip(stack, [found, *inner[0]], [[], *inner[1]], strict=True):
        if not isinstance(own, dict) or not isinstance(blocks, list):
            raise CorruptValue(f"the stored variables of {frame.definition.name} are not a mapping")
        frame.checkpoint.variables = own
        frame.blocks = blocks
    return stack


def _frame(definition: Named, state: int, line: int) -> Frame:
    machine = definition.machine
    if isinstance(machine, Machine) and not machine.waits_in(state):
        raise CorruptValue(f"{definition.name} has no state {state} in version {machine.version} that awaits anything")
    return Frame(definition, Checkpoint(state, line, {}))


def routines_of(frames: str | None) -> list[tuple[str, str]]:
    """Name and version of the routines that are needed to go on."""
    return [(name, version) for name, version, _, _ in _rows(frames)]


def _rows(frames: str | None) -> list[tuple[str, str, int, int]]:
    if frames is None:
        return []
    try:
        rows = json.loads(frames)
        found = [(str(name), str(version), int(state), int(line)) for name, version, state, line in rows]
    except (ValueError, TypeError):
        raise CorruptValue(f"the routines that a run stands in cannot be read: {frames[:200]}") from None
    return found


def found(routines: Mapping[tuple[str, str], Named | None], name: str, version: str) -> Named:
    """The routine of a frame among those that were looked up."""
    routine = routines.get((name, version))
    assert routine is not None, "a run whose routine is not here is parked, or left to somebody who has it"
    return routine


def _extensions(stack: Stack) -> tuple[Extension, ...]:
    if len(stack) == 1:
        return stack[0].definition.machine.extensions
    machines = [frame.definition.machine for frame in stack]
    return extensions_of([machine for machine in machines if isinstance(machine, Machine)])
