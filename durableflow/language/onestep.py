"""The machine of a run that is one step: ``charge(order).start()``. It has the face of a compiled one."""

import inspect
from typing import TYPE_CHECKING, Any

from durableflow.codec import Extension
from durableflow.language.call import Call
from durableflow.language.options import NONE
from durableflow.machine import Checkpoint, Error, Failed, Finished, StoredSource, Suspended, Value

if TYPE_CHECKING:
    from durableflow.language.step import Step

VERSION = "step"

_CALL, _END = 0, 1


class OneStep:
    """State 0 awaits the step, state 1 ends with what it came to. The definition may change while a run waits: nothing
    of it is kept in the state, so every such run has the one version."""

    version = VERSION
    names: frozenset[str] = frozenset()
    extensions: tuple[Extension, ...] = ()

    def __init__(self, step: "Step[..., Any]") -> None:
        self._step = step
        self.name = step.name
        code = inspect.unwrap(step.function).__code__
        self.line = code.co_firstlineno
        self.stored = StoredSource(
            name=step.name,
            version=VERSION,
            source="",
            filename=code.co_filename,
            first_line=self.line,
            flags=0,
            states="",
        )

    def start(self, args: tuple[Any, ...], kwargs: dict[str, Any]) -> Checkpoint:
        """The first checkpoint. Raises TypeError as the step's function would."""
        self._step.signature.check(args, kwargs)
        return Checkpoint(_CALL, self.line, {"args": list(args), "kwargs": kwargs})

    def advance(self, checkpoint: Checkpoint, outcome: Value | Error | None) -> Suspended | Finished | Failed:
        """Go on to the step, or from its outcome to the end."""
        if checkpoint.state == _CALL:
            given: dict[str, Any] = checkpoint.variables
            call: Call[Any] = Call(self._step, tuple(given["args"]), given["kwargs"], given.get("use", NONE))
            return Suspended(Checkpoint(_END, self.line, {}), call)
        if isinstance(outcome, Value):
            return Finished(outcome.value)
        if isinstance(outcome, Error) and isinstance(outcome.error, Exception):
            return Failed(outcome.error)
        raise AssertionError("a step ends with a value or an error")
