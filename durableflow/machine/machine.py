"""A compiled workflow: its state table, and the two things that can be done with it, `start` and `advance`.

Pure and synchronous: no database, no Celery, no clock. The caller stores the checkpoint between two advances, through
the codec with `Machine.extensions`.
"""

import hashlib
import inspect
import json
from collections.abc import Callable
from types import CellType, CodeType, FunctionType
from typing import Any

from durableflow.codec.extension import Extension
from durableflow.errors import WorkflowDefinitionError
from durableflow.machine.blocks import SENT
from durableflow.machine.check import check
from durableflow.machine.codegen import raiser
from durableflow.machine.frame import Frame, new_frame
from durableflow.machine.functions import (
    CellExtension,
    DescriptorExtension,
    FunctionExtension,
    MethodExtension,
    local_codes,
)
from durableflow.machine.handling import raise_at
from durableflow.machine.held import HeldExtension
from durableflow.machine.imports import ImportedExtension, ModuleExtension, imported_names
from durableflow.machine.interpreter import (
    FINISHES,
    SUSPENDS,
    Stop,
    run,
)
from durableflow.machine.iterators import IteratorExtension
from durableflow.machine.outcome import Checkpoint, Error, Failed, Finished, Suspended, Value
from durableflow.machine.source import Parsed, StoredSource, parse_function, parse_text
from durableflow.machine.table import Table, Waits, build

CELLS = "@cells"
IsCallFactory = Callable[[object], bool]


class Machine:
    """A workflow's state machine.

    Attributes:
        name: the function's ``__qualname__``.
        version: a hash of its source without comments and blank lines.
        stored: what `compile_stored` makes the same machine from.
        states: the state table.
        fingerprint: a hash of the state table, the same on every supported Python.
        names: the global names that the workflow reads, builtins left out.
        signature: of the function. That of a stored version has no defaults and no annotations.
        extensions: how the codec stores local functions, iterators and the like of this workflow.
    """

    def __init__(self, parsed: Parsed, namespace: dict[str, Any], function: FunctionType | None) -> None:
        imports = imported_names(parsed.node, namespace.get("__package__"))  # before lowering takes the tree apart
        table = build(parsed)
        self.name = parsed.name
        self.version = parsed.version
        self.states = table.states
        self.fingerprint = fingerprint(table)
        self.names = table.globals
        self.stored = StoredSource(
            parsed.name,
            self.version,
            parsed.source,
            parsed.filename,
            parsed.first_line,
            parsed.flags,
            self.fingerprint,
        )
        self._namespace = namespace
        self._short_name = parsed.name.rpartition(".")[2]
        self._segments = table.segments
        self._waits = table.waits
        self._raisers: dict[int, CodeType] = {}
        self._collect = FunctionType(table.collector, namespace)
        if function is not None:
            self._collect.__defaults__, self._collect.__kwdefaults__ = function.__defaults__, function.__kwdefaults__
        self.signature = inspect.signature(self._collect if function is None else function)
        self.extensions: tuple[Extension, ...] = (
            CellExtension(),
            FunctionExtension(local_codes([segment.code for segment in table.segments]), namespace),
            MethodExtension(),
            DescriptorExtension(),
            ModuleExtension(imports),
            ImportedExtension(imports),
            HeldExtension(namespace, table.paths),
            IteratorExtension(),
        )

    def __repr__(self) -> str:
        return f"<Machine {self.name}@{self.version} with {len(self.states)} states>"

    def start(self, args: tuple[Any, ...], kwargs: dict[str, Any]) -> Checkpoint:
        """The checkpoint of a run that has not begun.

        Raises:
            TypeError: the arguments do not fit the parameters; the message is CPython's.
        """
        return Checkpoint(0, self.states[0].line, self._collect(*args, **kwargs))

    def advance(self, checkpoint: Checkpoint, outcome: Value | Error | None) -> Suspended | Finished | Failed:
        """Run from a checkpoint to the next await.

        Call it outside of any exception handler: like a coroutine, the workflow would see the handled exception as its
        own context.

        Args:
            checkpoint: where the run is. Its variables are used up: load them again to advance again.
            outcome: what the await gave; None for a run that has not begun.

        Raises:
            ValueError: the checkpoint is not one of this machine's, or the outcome does not belong there.
            BaseException: what the workflow raised, if that is not an Exception (KeyboardInterrupt, SystemExit).
        """
        frame = _frame(checkpoint.variables)
        if checkpoint.state == 0 and outcome is None:
            return self._result(run(self._segments, self._namespace, self._short_name, frame, 0), frame)
        if checkpoint.state not in self._waits:
            raise ValueError(
                f"{self.name}: state {checkpoint.state} does not await anything, so no checkpoint can stand there"
            )
        resume = self._segments[checkpoint.state].resume
        if isinstance(outcome, Value):
            frame[SENT].cell_contents = outcome.value
            return self._result(run(self._segments, self._namespace, self._short_name, frame, resume), frame)
        if not isinstance(outcome, Error):
            raise ValueError(f"{self.name}: the await in state {checkpoint.state} needs its outcome")
        code = self._raiser(checkpoint.state)
        raise_at(code, self._namespace, frame, self._segments[checkpoint.state].handling, outcome.error)
        return self._result(
            run(self._segments, self._namespace, self._short_name, frame, checkpoint.state, outcome.error), frame
        )

    def waits_in(self, state: int) -> bool:
        """Whether a checkpoint can stand in this state."""
        return state == 0 or state in self._waits

    def handled(self, checkpoint: Checkpoint) -> BaseException | None:
        """What ``sys.exception()`` shows at the await of a checkpoint, as far as clauses of this function are about
        it."""
        for slot in self._segments[checkpoint.state].handling:
            error: BaseException | None = checkpoint.variables.get(slot)
            if error is not None:
                return error
        return None

    def _raiser(self, state: int) -> CodeType:
        if state not in self._raisers:
            self._raisers[state] = raiser(self.name, self.stored.filename, self._waits[state].place)
        return self._raisers[state]

    def _result(self, stop: Stop, frame: Frame) -> Suspended | Finished | Failed:
        if stop.ends == SUSPENDS:
            waits = self._waits[stop.state]
            return Suspended(Checkpoint(stop.state, waits.place[0], _variables(frame, waits)), stop.value)
        if stop.ends == FINISHES:
            return Finished(stop.value)
        assert stop.error is not None
        if not isinstance(stop.error, Exception):
            raise stop.error
        return Failed(_as_a_coroutine_raises(stop.error))


def _as_a_coroutine_raises(error: Exception) -> Exception:
    """CPython lets no StopIteration out of a coroutine."""
    if not isinstance(error, StopIteration):
        return error
    instead = RuntimeError("coroutine raised StopIteration")
    instead.__cause__ = instead.__context__ = error
    return instead


def compile_function(function: Callable[..., Any], is_call_factory: IsCallFactory | None = None) -> Machine:
    """Compile an ``async def`` at module level.

    Args:
        function: the workflow.
        is_call_factory: says of a global's value whether calling it gives a call that must be awaited; a bare
            statement that calls one is refused.

    Raises:
        WorkflowDefinitionError: with file, line, caret and the way out.
    """
    parsed = parse_function(function)
    assert isinstance(function, FunctionType)
    return _compiled(parsed, function.__globals__, function, is_call_factory)


def compile_stored(stored: StoredSource, namespace: dict[str, Any]) -> Machine:
    """Compile a version from its stored source, to run against the globals of its module.

    Raises:
        WorkflowDefinitionError: the source cannot be compiled, or does not give the state table that was stored with
            it.
    """
    parsed = parse_text(stored.name, stored.source, stored.filename, stored.first_line, stored.flags)
    machine = _compiled(parsed, namespace, None, None)
    if (machine.version, machine.fingerprint) != (stored.version, stored.states):
        raise WorkflowDefinitionError(
            f"{stored.name}: the stored source of version {stored.version} does not compile to the state table that "
            "was stored with it; it was changed, or stored by another release of durableflow."
        )
    return machine


def _compiled(
    parsed: Parsed, namespace: dict[str, Any], function: FunctionType | None, is_call_factory: IsCallFactory | None
) -> Machine:
    try:
        check(parsed, namespace, is_call_factory)
        return Machine(parsed, namespace, function)
    except RecursionError:
        raise parsed.place.refuse(
            parsed.node, "expressions or statements are nested too deeply", "several statements, or a loop."
        ) from None


def fingerprint(table: Table) -> str:
    """A hash of what a checkpoint depends on: the states, their ways, and what each await stores."""
    rows = [[state.kind, state.offset, list(state.successors), state.on_error] for state in table.states]
    waits = [[number, sorted(waits.live), sorted(waits.shared)] for number, waits in sorted(table.waits.items())]
    return hashlib.sha256(json.dumps([rows, waits], separators=(",", ":")).encode()).hexdigest()[:32]


def _frame(variables: dict[str, Any]) -> Frame:
    frame = new_frame()
    for name, value in variables.items():
        if name != CELLS:
            frame[name] = CellType(value)
    frame.update(variables.get(CELLS, {}))
    return frame


def _variables(frame: Frame, waits: Waits) -> dict[str, Any]:
    variables: dict[str, Any] = {}
    for name in waits.live:
        cell = frame.get(name)
        if cell is not None:
            try:
                variables[name] = cell.cell_contents
            except ValueError:
                continue
    if waits.shared:
        variables[CELLS] = {name: frame[name] for name in waits.shared}
    return variables
