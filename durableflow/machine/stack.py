"""Several machines on one stack, those of a workflow and of the routines that it stands in: how one of them goes on
inside of the others, and how the codec stores the variables of all of them in one document.

Cells, methods and iterators are stored alike by all of them. A local function, and a value that is looked up by a name,
belong to one machine: there the stored form says to which, by its place in the stack.
"""

from collections.abc import Iterator, Sequence
from types import FunctionType
from typing import Any

from durableflow.codec.extension import Extension
from durableflow.errors import CorruptValue, NotStorable
from durableflow.machine.functions import FunctionExtension
from durableflow.machine.handling import attach, inside
from durableflow.machine.held import Held, HeldExtension
from durableflow.machine.imports import ImportedExtension, ModuleExtension
from durableflow.machine.machine import Machine
from durableflow.machine.outcome import Checkpoint, Error, Failed, Finished, Suspended, Value


def advance_in(
    machine: Machine, checkpoint: Checkpoint, outcome: Value | Error | None, handled: BaseException | None
) -> Suspended | Finished | Failed:
    """``machine.advance``, as code that is called where ``handled`` is being handled: there a coroutine sees it as
    ``sys.exception()``, raises it again with a bare ``raise``, and has it as the context of what it raises."""
    if handled is None:
        return machine.advance(checkpoint, outcome)
    if isinstance(outcome, Error) and machine.handled(checkpoint) is None:
        attach(outcome.error, handled)
    return inside(handled, lambda: machine.advance(checkpoint, outcome))  # type: ignore[no-any-return]


def extensions_of(machines: Sequence[Machine]) -> tuple[Extension, ...]:
    """The extensions of a stack of machines, the outermost first. One that stands in it twice counts once."""
    distinct = list(dict.fromkeys(machines))
    combined = (
        _Functions([found for machine in distinct for found in _of(machine, FunctionExtension)]),
        ModuleExtension(
            frozenset(name for machine in distinct for m in _of(machine, ModuleExtension) for name in m.names)
        ),
        ImportedExtension(
            frozenset(name for machine in distinct for i in _of(machine, ImportedExtension) for name in i.names)
        ),
        _Helds([found for machine in distinct for found in _of(machine, HeldExtension)]),
    )
    replaced = (FunctionExtension, ModuleExtension, ImportedExtension, HeldExtension)
    shared = tuple(each for each in distinct[0].extensions if not isinstance(each, replaced))
    return (*combined, *shared)


def _of(machine: Machine, kind: type[Any]) -> Iterator[Any]:
    return (each for each in machine.extensions if isinstance(each, kind))


class _Functions:
    """A local function of any of them."""

    tag = "local"

    def __init__(self, each: Sequence[FunctionExtension]) -> None:
        self._each = each

    def takes(self, value: Any) -> bool:
        return type(value) is FunctionType and any(one.takes(value) for one in self._each)

    def split(self, value: FunctionType) -> tuple[object, object]:
        number = next(number for number, one in enumerate(self._each) if one.takes(value))
        needed, rest = self._each[number].split(value)
        return [number, needed], rest

    def create(self, needed: Any) -> FunctionType:
        number, inner = needed
        if not 0 <= number < len(self._each):
            raise CorruptValue(f"a local function of routine {number}, in a stack of {len(self._each)}")
        function: FunctionType = self._each[number].create(inner)
        return function

    def fill(self, value: FunctionType, rest: Any) -> None:
        self._each[0].fill(value, rest)


class _Helds:
    """A held value of any of them: it belongs to the first that reads this name from these globals."""

    tag = "held"

    def __init__(self, each: Sequence[HeldExtension]) -> None:
        self._each = each

    def takes(self, value: Any) -> bool:
        return type(value) is Held

    def split(self, value: Held) -> tuple[object, object]:
        for number, one in enumerate(self._each):
            if one.reads(value):
                needed, rest = one.split(value)
                return [number, needed], rest
        raise NotStorable(f"{value.path} was read by code that the run does not stand in")

    def create(self, needed: Any) -> Held:
        number, inner = needed
        if not 0 <= number < len(self._each):
            raise CorruptValue(f"a name of routine {number}, in a stack of {len(self._each)}")
        held: Held = self._each[number].create(inner)
        return held

    def fill(self, value: Held, rest: Any) -> None:
        return
