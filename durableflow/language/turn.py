"""The pure turn: from a stored checkpoint and the outcomes it waited for to what is to be stored next.

No database, no clock, no Celery: text in, text out. Whatever the author's code does is a value here: ``Suspend`` with
the steps to launch, ``Finish``, or ``Fail``. A value that cannot be stored fails the run, and the workflow cannot catch
that: ``while True: try`` would spin. What is raised out of ``turn`` is not the workflow's: a stored text or definition
that this process cannot read (CorruptValue), or the end of the process itself.
"""

import json
import logging
from collections.abc import Mapping, Set
from dataclasses import dataclass
from typing import Any, Literal

from durableflow import codec
from durableflow.codec import Encoded, Extension
from durableflow.errors import CorruptValue, NotAwaited, ValueRefused, ValueTooLarge
from durableflow.language.dropped import may_be_overtaken
from durableflow.language.lazy import Scope, scope
from durableflow.language.onestep import OneStep
from durableflow.language.options import NONE, Options, dump
from durableflow.language.outcomes import ONE, Ended, Leaf, Shape, combine, flatten, nothing
from durableflow.language.registry import Definition
from durableflow.language.results import encode_failure
from durableflow.language.step import Step
from durableflow.language.timer import Sleep
from durableflow.machine import Checkpoint, Error, Failed, Finished, Suspended, Value

_log = logging.getLogger("durableflow")

DEFAULT_QUEUE = "durableflow"


@dataclass(frozen=True, slots=True)
class StepSpec:
    """A step to launch. input: ``{"args": [...], "kwargs": {...}}``; options: those of this call alone, as
    ``options.dump`` writes them; queue, priority: where it goes; delay: seconds, of a timer."""

    name: str
    kind: Literal["task", "timer"]
    input: Encoded
    options: str
    queue: str
    priority: int
    delay: float | None


@dataclass(frozen=True, slots=True)
class Suspend:
    """The run waits. state, line, variables: the checkpoint; awaits: the shape, as JSON text; steps: by index."""

    state: int
    line: int
    variables: Encoded
    awaits: str
    steps: list[StepSpec]


@dataclass(frozen=True, slots=True)
class Finish:
    """The workflow returned."""

    output: Encoded


@dataclass(frozen=True, slots=True)
class Fail:
    """The workflow raised, or did something that it must not."""

    error: Encoded


@dataclass(frozen=True, slots=True)
class Defaults:
    """What the settings and the run decide where a step does not. limit: most bytes of one stored value."""

    queue: str = DEFAULT_QUEUE
    priority: int = 0
    limit: int | None = None


_DEFAULTS = Defaults()


def begin(
    definition: Definition,
    args: tuple[Any, ...],
    kwargs: dict[str, Any],
    *,
    use: Options = NONE,
    limit: int | None = None,
) -> Suspend:
    """Rev 0 of a run: state 0 with the arguments as variables; it awaits nothing.

    Raises TypeError for arguments that the function does not take, NotStorable, ValueTooLarge.
    """
    machine = definition.machine
    checkpoint = machine.start(args, kwargs)
    if isinstance(machine, OneStep) and use is not NONE:
        checkpoint.variables["use"] = use
    variables = codec.encode(checkpoint.variables, where="", extensions=machine.extensions, limit=limit)
    return Suspend(checkpoint.state, checkpoint.line, variables, "null", [])


def turn(
    definition: Definition,
    *,
    state: int,
    line: int,
    variables_text: str,
    blobs: Mapping[str, str],
    awaits: str | None,
    outcomes: Mapping[int, Ended],
    known: Set[str] = frozenset(),
    defaults: Defaults = _DEFAULTS,
) -> Suspend | Finish | Fail:
    """Run the workflow's code from one await to the next.

    state, line, variables_text, awaits: the checkpoint as stored; blobs: the large values that it and the outcomes
    refer to; outcomes: of the steps it awaits, by index; known: hashes of large values that the run has stored already.

    Raises:
        CorruptValue: this process cannot read what is stored. TooEarly: the await is not over.
        BaseException: what is not an Exception passes through (KeyboardInterrupt, SystemExit).
    """
    here = Scope(definition.registry)
    token = scope.set(here)
    try:
        checkpoint = Checkpoint(state, line, _variables(definition, variables_text, blobs))
        shape: Shape | None = ONE if awaits == _ONE else json.loads(awaits or "null")
        outcome = None if shape is None else combine(shape, outcomes, blobs)
        return _Turn(definition, here, {*known, *blobs}, defaults).go(checkpoint, outcome)
    finally:
        here.dismiss()
        scope.reset(token)


class _Turn:
    """One turn; known grows by what it encodes, so that one large value goes into the database once."""

    __slots__ = ("_defaults", "_definition", "_here", "_known")

    def __init__(self, definition: Definition, here: Scope, known: set[str], defaults: Defaults) -> None:
        self._definition = definition
        self._here = here
        self._known = known
        self._defaults = defaults

    def go(self, checkpoint: Checkpoint, outcome: Value | Error | None) -> Suspend | Finish | Fail:
        advance = self._definition.machine.advance
        while True:
            result = advance(checkpoint, outcome)
            if isinstance(result, Failed):
                return Fail(encode_failure(result.error, limit=self._defaults.limit))
            try:
                if isinstance(result, Finished):
                    return self._finish(result)
                leaves: list[Leaf] = []
                try:
                    shape = flatten(result.awaited, leaves)
                except TypeError as unfit:
                    outcome = Error(unfit.with_traceback(None))
                else:
                    if leaves:
                        return self._suspend(result, shape, leaves)
                    outcome = Value(nothing(shape))
                checkpoint = self._through_store(result)
            except (ValueRefused, NotAwaited) as refused:
                return Fail(encode_failure(refused.with_traceback(None)))

    def _finish(self, result: Finished) -> Finish:
        self._here.sealed = True
        output = self._encode(result.value, "result")
        self._refuse_dropped()
        return Finish(output)

    def _suspend(self, result: Suspended, shape: Shape, leaves: list[Leaf]) -> Suspend:
        checkpoint = result.checkpoint
        variables = self._encode(checkpoint.variables, "", self._definition.machine.extensions)
        self._refuse_dropped()
        self._here.sealed = True
        steps = [self._spec(leaf) for leaf in leaves]
        return Suspend(checkpoint.state, checkpoint.line, variables, _text(shape), steps)

    def _through_store(self, result: Suspended) -> Checkpoint:
        """The checkpoint of an await that launches nothing, as if it had been stored: what can be awaited does not
        depend on the number of steps that it comes to."""
        checkpoint, extensions = result.checkpoint, self._definition.machine.extensions
        encoded = codec.encode(checkpoint.variables, where="", extensions=extensions)
        return Checkpoint(checkpoint.state, checkpoint.line, _variables(self._definition, encoded.text, encoded.blobs))

    def _spec(self, leaf: Leaf) -> StepSpec:
        if isinstance(leaf, Sleep):
            return StepSpec("sleep", "timer", _NO_INPUT, "{}", self._defaults.queue, 0, leaf.seconds)
        step, use = leaf.definition, leaf.use
        assert isinstance(step, Step)  # ``flatten`` saw to it
        own = step.defaults
        priority = own.priority if use.priority is None else use.priority
        return StepSpec(
            step.name,
            "task",
            self._encode({"args": list(leaf.args), "kwargs": leaf.kwargs}, step.name),
            dump(use),
            use.queue or own.queue or self._defaults.queue,
            self._defaults.priority if priority is None else priority,
            None,
        )

    def _encode(self, value: object, where: str, extensions: tuple[Extension, ...] = ()) -> Encoded:
        try:
            encoded = codec.encode(
                value, where=where, known=self._known, extensions=extensions, limit=self._defaults.limit
            )
        except ValueTooLarge as large:
            raise large if where else ValueTooLarge(f"the workflow's variables{large}") from None
        self._known.update(encoded.blobs)
        return encoded

    def _refuse_dropped(self) -> None:
        dropped = self._here.dropped()
        if dropped is None:
            return
        lazy, place = dropped
        told = f"{lazy._described()} in {place} was made and never awaited: `await {lazy._described()}`"
        if not may_be_overtaken(self._definition.machine.stored, place):
            raise NotAwaited(told)
        _log.warning("%s: %s (or did an exception come in between?)", self._definition.name, told)


_ONE = '{"one":0}'


def _text(shape: Shape) -> str:
    return _ONE if shape == ONE else json.dumps(shape, separators=(",", ":"))


_NO_INPUT = codec.encode({"args": [], "kwargs": {}})


def _variables(definition: Definition, text: str, blobs: Mapping[str, str]) -> dict[str, object]:
    variables = codec.decode(text, blobs=blobs, extensions=definition.machine.extensions)
    if not isinstance(variables, dict):
        raise CorruptValue(f"the stored variables of {definition.name} are not a mapping: {text[:200]}")
    return variables
