"""The loop that runs states, and what makes them see the exceptions that CPython would show them.

A state's function returns the next state's number, or ``(value,)`` where the workflow awaits or returns it, or None
where the exception that it was entered with goes on. When it raises, the exception goes to the state's region. A state
that stands in an ``except`` or ``finally`` clause runs inside a native handler of the exception that the clause
handles, so that ``sys.exception()``, a bare ``raise``, ``logging.exception`` and ``__context__`` are CPython's own
work.

KeyboardInterrupt, SystemExit and GeneratorExit are the process's business, not the run's: the clauses of the workflow
run for them, as they would natively, but no checkpoint is made on their behalf: where the workflow would suspend with
one of them in hand, that one is raised out of the machine.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from types import CodeType, FunctionType
from typing import Any

from durableflow.machine.frame import Frame
from durableflow.machine.handling import OWN, handled_in, inside, strip

GOES_ON, SUSPENDS, FINISHES, FAILS = range(4)
INTERRUPTS = (KeyboardInterrupt, SystemExit, GeneratorExit)


@dataclass(frozen=True, slots=True)
class Segment:
    """A state, as the interpreter needs it."""

    code: CodeType
    free: tuple[str, ...]
    ends: int
    handler: int
    slot: str
    handling: tuple[str, ...]
    resume: int
    reraises: str


@dataclass(frozen=True, slots=True)
class Stop:
    """How far a run got: the state that suspended, finished or failed, and its value or error."""

    state: int
    ends: int
    value: Any = None
    error: BaseException | None = None


def run(
    segments: Sequence[Segment],
    namespace: dict[str, Any],
    name: str,
    frame: Frame,
    state: int,
    error: BaseException | None = None,
) -> Stop:
    """Run from `state` until the workflow awaits, returns or fails. With `error`, that is raised in `state` instead of
    running it."""
    functions: dict[int, Callable[[], Any]] = {}
    while True:
        segment = segments[state]
        if error is None:
            function = functions.get(state)
            if function is None:
                cells = tuple([frame[free] for free in segment.free])
                function = functions[state] = FunctionType(segment.code, namespace, name, None, cells)
            try:
                handled = handled_in(segment.handling, frame) if segment.handling else None
                result = function() if handled is None else inside(handled, function)
            except BaseException as raised:
                strip(raised)
                error = raised
            else:
                if result.__class__ is int:
                    state = result
                    continue
                if result is not None:
                    if segment.ends == SUSPENDS:
                        _check_interrupt(segment, frame)
                    return Stop(state, segment.ends, result[0])
                error = frame.read(segment.reraises)
        if segment.handler < 0:
            return Stop(state, FAILS, None, error)
        frame[segment.slot].cell_contents = error
        state, error = segment.handler, None


def _check_interrupt(segment: Segment, frame: Frame) -> None:
    for slot in segment.handling:
        error = frame.read(slot)
        if isinstance(error, INTERRUPTS):
            raise error


OWN.add(run.__code__)
