"""Run one function twice: as CPython awaits it, and by the machine from checkpoint to checkpoint.

Between two advances everything goes through its stored form. What the caller of the machine does in production is done
here too: another worker goes on, with a machine compiled from the stored source, and a turn is run twice from the same
checkpoint (the first worker died before its commit).
"""

import contextlib
import inspect
from collections.abc import Callable, Coroutine, Mapping
from dataclasses import dataclass
from typing import Any

from durableflow.codec import decode, encode
from durableflow.machine import (
    Checkpoint,
    Error,
    Failed,
    Finished,
    Machine,
    Suspended,
    Value,
    compile_function,
    compile_stored,
)
from tests.fidelity.canonical import canonical
from tests.fidelity.prelude import Outcome, Scripted, recording
from tests.fidelity.program import Function
from tests.fidelity.script import Script
from tests.fidelity.trace import Trace, compare


@dataclass(frozen=True)
class Handling:
    """How the machine's caller treats a run.

    Attributes:
        recompile: Every other advance is made by a machine compiled from the stored source.
        repeat: Every advance is made twice from the same stored checkpoint; only the second one counts.
    """

    recompile: bool = False
    repeat: bool = False


PLAIN = Handling()
NOTHING = object()  # what a run that has not begun awaits


def check(
    function: Function,
    script: Script,
    args: tuple[object, ...] = (),
    kwargs: Mapping[str, object] | None = None,
    handling: Handling = PLAIN,
    describe: Callable[[], str] = str,
) -> Trace:
    """Execute both ways and compare; return CPython's trace.

    Raises:
        Divergence: the machine did something else.
    """
    arguments = (args, dict(kwargs or {}))
    expected = run_plain(function, script, *fresh(arguments))
    actual = run_machine(function, script, *fresh(arguments), handling)
    compare(expected, actual, describe, handles_none="try:" not in inspect.getsource(function))
    return expected


def fresh(arguments: tuple[tuple[object, ...], dict[str, object]]) -> tuple[tuple[object, ...], dict[str, object]]:
    """A copy of the arguments that is this execution's own."""
    copied = decode(encode(arguments).text)
    assert isinstance(copied, tuple)
    return copied[0], copied[1]


def run_plain(function: Function, script: Script, args: tuple[object, ...], kwargs: dict[str, object]) -> Trace:
    """Drive the coroutine as an event loop would."""
    with recording() as effects:
        trace = Trace(function.__code__.co_filename, effects)
        try:
            coroutine = function(*args, **kwargs)
        except TypeError as error:
            trace.raised(error)
            return trace
        outcome: Outcome | None = None
        while True:
            try:
                awaited = coroutine.send(outcome)
            except StopIteration as stop:
                trace.returned(stop.value)
                return trace
            except BaseException as error:
                trace.raised(error)
                return trace
            assert isinstance(awaited, Scripted)
            frame = coroutine.cr_frame
            variables = {name: canonical(value) for name, value in frame.f_locals.items()}
            if not trace.awaits(frame.f_lineno, variables, awaited):
                close(coroutine)
                return trace
            outcome = script.outcome(len(trace.places) - 1, awaited)


def close(coroutine: Coroutine[Any, Any, object]) -> None:
    """End a coroutine that is cut off; what it still does, and that it may await again, is nobody's business."""
    with recording():
        while inspect.getcoroutinestate(coroutine) != inspect.CORO_CLOSED:
            with contextlib.suppress(BaseException):
                coroutine.close()


def run_machine(
    function: Function,
    script: Script,
    args: tuple[object, ...],
    kwargs: dict[str, object],
    handling: Handling = PLAIN,
    watch: Callable[["Turn"], None] = lambda turn: None,
) -> Trace:
    """Run the compiled function, every checkpoint through its stored form; ``watch`` is shown each turn first."""
    machine = compile_function(function)
    other = compile_stored(machine.stored, function.__globals__) if handling.recompile else machine
    with recording() as effects:
        trace = Trace(function.__code__.co_filename, effects)
        try:
            checkpoint = machine.start(args, kwargs)
        except TypeError as error:
            trace.raised(error)
            return trace
        awaited: object = NOTHING
        while True:
            text = stored(checkpoint, machine)
            machine, other = other, machine
            position = len(trace.places) - 1
            turn = Turn(machine, text, script, position, awaited)
            watch(turn)
            if handling.repeat:
                with recording(), contextlib.suppress(BaseException):
                    turn.run()
            try:
                result = turn.run()
            except BaseException as error:  # one that is not an Exception goes through the machine
                if isinstance(error, Exception):
                    raise
                trace.raised(error)
                return trace
            match result:
                case Finished(value):
                    trace.returned(value)
                    return trace
                case Failed(error):
                    trace.raised(error)
                    return trace
                case Suspended(checkpoint, awaited):
                    if isinstance(awaited, Scripted) and not trace.awaits(
                        checkpoint.line, user_variables(checkpoint), awaited
                    ):
                        return trace


@dataclass(frozen=True)
class Turn:
    """One advance, as often as one likes."""

    machine: Machine
    stored: tuple[int, int, str, Mapping[str, str]]
    script: Script
    position: int
    awaited: object

    def run(self) -> Suspended | Finished | Failed:
        """Load the checkpoint and the outcome anew, and advance."""
        state, line, text, blobs = self.stored
        variables = decode(text, blobs=blobs, extensions=self.machine.extensions)
        assert isinstance(variables, dict)
        return self.machine.advance(Checkpoint(state, line, variables), self.outcome())

    def outcome(self) -> Value | Error | None:
        """Build what the await gives; None at the start."""
        if self.awaited is NOTHING:
            return None
        if not isinstance(self.awaited, Scripted):  # the caller's part of `await 3`
            return Error(TypeError(f"object {type(self.awaited).__name__} can't be used in 'await' expression"))
        outcome = self.script.outcome(self.position, self.awaited)
        return Value(outcome.value) if outcome.failure is None else Error(outcome.error())


def stored(checkpoint: Checkpoint, machine: Machine) -> tuple[int, int, str, Mapping[str, str]]:
    """The stored form of a checkpoint."""
    encoded = encode(checkpoint.variables, where="variables", extensions=machine.extensions)
    return checkpoint.state, checkpoint.line, encoded.text, encoded.blobs


def user_variables(checkpoint: Checkpoint) -> dict[str, object]:
    """The variables under the names that the user gave them."""
    return {name: canonical(value) for name, value in checkpoint.variables.items() if not name.startswith("@")}
