"""The pure turn: from a stored checkpoint and the outcomes it waited for to what is to be stored next.

No database, no clock, no Celery: text in, text out. Whatever the author's code does is a value here: ``Suspend`` with
the steps to launch, ``Finish``, or ``Fail``. A value that cannot be stored fails the run, and the workflow cannot catch
that: ``while True: try`` would spin. What is raised out of ``turn`` is not the workflow's: a stored text or definition
that this process cannot read (CorruptValue), or the end of the process itself.
"""

import asyncio
import json
import logging
from collections.abc import Callable, Mapping, Set
from dataclasses import dataclass
from typing import Any, NamedTuple

from durableflow import codec
from durableflow.codec import Encoded
from durableflow.errors import CorruptValue, NotAwaited, ValueRefused, ValueTooLarge
from durableflow.language.deadline import Expired, Timeout
from durableflow.language.dropped import may_be_overtaken, stands_in
from durableflow.language.frames import Stack, handled_around, pushed, restore, store
from durableflow.language.launching import Launcher, Place, Shape, spawns
from durableflow.language.lazy import Scope, scope
from durableflow.language.onestep import OneStep
from durableflow.language.options import NONE, Options
from durableflow.language.outcomes import ONE, Outcomes, at_once, combine, over_at, places
from durableflow.language.registry import Definition, Named
from durableflow.language.results import encode_failure
from durableflow.language.specs import StepSpec, spec_of
from durableflow.machine import Error, Failed, Finished, StoredSource, Suspended, Value
from durableflow.machine.interpreter import INTERRUPTS
from durableflow.machine.stack import advance_in

_log = logging.getLogger("durableflow")

DEFAULT_QUEUE = "durableflow"


@dataclass(frozen=True, slots=True)
class Suspend:
    """The run waits. state, line, variables: the checkpoint; awaits: the shape, as JSON text; steps: to launch; frames:
    the routines that it stands in, as JSON text; opens: how many things that were begun may still be under way;
    outside: steps of earlier revs, or begun by this one, that the await looks at; cancels: steps of earlier revs that
    are to end; over: the await is over already, as that of a spawn is: the run goes on once this is committed."""

    state: int
    line: int
    variables: Encoded
    awaits: str
    steps: list[StepSpec]
    frames: str | None = None
    opens: int = 0
    outside: tuple[Place, ...] = ()
    cancels: tuple[Place, ...] = ()
    over: bool = False

    @property
    def listens(self) -> bool:
        """Whether it waits for an event."""
        return any(spec.kind == "receive" for spec in self.steps)


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


class Stored(NamedTuple):
    """A checkpoint as it is stored. rev: its number; frames: the routines, as JSON text; opens: see Suspend."""

    rev: int
    state: int
    line: int
    variables: str
    awaits: str | None
    frames: str | None = None
    opens: int = 0


Find = Callable[[str, str], Named]
"""Gives the routine of a name and version, for a frame."""

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
    definition: Named,
    checkpoint: Stored,
    outcomes: Outcomes,
    *,
    blobs: Mapping[str, str],
    find: Find | None = None,
    known: Set[str] = frozenset(),
    defaults: Defaults = _DEFAULTS,
) -> Suspend | Finish | Fail:
    """Run the workflow's code from one await to the next.

    outcomes: of the steps that the checkpoint awaits, by rev and index; blobs: the large values that it and the
    outcomes refer to; find: for the routines that the run stands in; known: hashes of large values that the run has
    stored already.

    Raises:
        CorruptValue: this process cannot read what is stored. TooEarly: the await is not over.
        BaseException: what is neither an Exception nor a CancelledError passes through (KeyboardInterrupt, SystemExit).
    """
    here = Scope(definition.registry, Launcher(checkpoint.rev + 1))
    token = scope.set(here)
    try:
        stack = restore(
            definition, checkpoint.state, checkpoint.line, checkpoint.variables, checkpoint.frames, find, blobs
        )
        shape = shape_of(checkpoint.awaits)
        outcome = None if shape is None else combine(shape, checkpoint.rev, outcomes, blobs)
        return _Turn(stack, here, {*known, *blobs}, checkpoint.opens, defaults).go(outcome)
    finally:
        here.dismiss()
        scope.reset(token)


def awaited_places(checkpoint: Stored) -> list[Place]:
    """The steps of earlier revs that the checkpoint's await looks at."""
    shape = shape_of(checkpoint.awaits)
    if shape is None or shape is ONE:
        return []
    return [place for place in places(shape, checkpoint.rev) if place[0] != checkpoint.rev]


def decided_at(checkpoint: Stored, outcomes: Outcomes) -> float | None:
    """When the checkpoint's await was over, as the order of the step that decided it. None: it is not."""
    shape = shape_of(checkpoint.awaits)
    return None if shape is None else over_at(shape, checkpoint.rev, outcomes)


class _Turn:
    """One turn; known grows by what it encodes, so that one large value goes into the database once; raised, returned:
    the sources of the routines that were left by an exception, or without."""

    __slots__ = ("_defaults", "_here", "_known", "_opens", "_raised", "_returned", "_stack")

    def __init__(self, stack: Stack, here: Scope, known: set[str], opens: int, defaults: Defaults) -> None:
        self._stack = stack
        self._here = here
        self._known = known
        self._raised: set[StoredSource] = set()
        self._returned: set[StoredSource] = set()
        self._opens = opens
        self._defaults = defaults

    def go(self, outcome: Value | Error | None) -> Suspend | Finish | Fail:
        while True:
            if isinstance(outcome, Error) and isinstance(outcome.error, Expired):
                self._note_expired(outcome.error)
            result = self._advance(outcome)
            try:
                if isinstance(result, Suspended):
                    moved = self._await(result)
                    if isinstance(moved, Suspend):
                        return moved
                    outcome = moved
                elif len(self._stack) > 1:
                    outcome = self._leave(result)
                elif isinstance(result, Finished):
                    return self._finish(result)
                else:
                    return Fail(encode_failure(result.error, limit=self._defaults.limit))
            except (ValueRefused, NotAwaited) as refused:
                return Fail(encode_failure(refused.with_traceback(None)))

    def _advance(self, outcome: Value | Error | None) -> Suspended | Finished | Error:
        """Run the innermost function, inside of whatever those around it handle where they await it."""
        frame = self._stack[-1]
        machine = frame.definition.machine
        try:
            if isinstance(machine, OneStep):
                result = machine.advance(frame.checkpoint, outcome)
            else:
                result = advance_in(machine, frame.checkpoint, outcome, handled_around(self._stack))
        except asyncio.CancelledError as cancelled:  # a deadline's, on its way to its block, or the author's own
            return Error(cancelled)
        except INTERRUPTS:
            raise
        except BaseException as error:
            if isinstance(error, Exception) or len(self._stack) == 1:
                raise
            return Error(error)
        return Error(result.error) if isinstance(result, Failed) else result

    def _leave(self, result: Finished | Error) -> Value | Error:
        """Go back from a routine to where it was awaited."""
        source = self._stack.pop().definition.machine.stored
        if isinstance(result, Finished):
            self._returned.add(source)
            return Value(result.value)
        self._raised.add(source)
        return result

    def _await(self, result: Suspended) -> Suspend | Value | Error | None:
        """Launch what is awaited; what the await gives, where it is over at once, or None in a routine that begins."""
        self._stack[-1].checkpoint = result.checkpoint
        launcher = self._here.launcher
        before = launcher.mark()
        try:
            inner = pushed(self._stack, result.awaited, self._here.registry)
            if inner is not None:
                self._stack.append(inner)
                return None
            shape = launcher.awaited(self._within_all(result.awaited))
            outcome: Value | Error | None = at_once(shape, launcher.rev)
        except (TypeError, RecursionError) as unfit:
            launcher.undo(before)
            outcome = Error(unfit.with_traceback(None))
        else:
            if outcome is not None:
                launcher.drop(before)
            if outcome is None or spawns(shape):  # a child that was spawned is there when its handle is
                return self._suspend(shape, over=outcome is not None)
        self._through_store()
        return outcome

    def _within_all(self, awaited: Any) -> Any:
        """What is awaited, with the deadlines of the blocks that the routines around it were called in."""
        for frame in reversed(self._stack):
            for block in reversed(frame.blocks):
                awaited = block.__wf_await__(awaited)
        return awaited

    def _note_expired(self, error: Expired) -> None:
        for frame in self._stack:
            for value in frame.checkpoint.variables.values():
                if type(value) is Timeout and value.cancels(error.place):
                    return

    def _finish(self, result: Finished) -> Finish:
        self._here.sealed = True
        output = self._encode(result.value, "result")
        self._refuse_dropped()
        return Finish(output)

    def _suspend(self, shape: Shape, *, over: bool) -> Suspend:
        bottom = self._stack[0].checkpoint
        variables, frames = self._store()
        self._refuse_dropped()
        self._here.sealed = True
        launcher = self._here.launcher
        steps = []
        for node in launcher.nodes.values():
            launcher.encoding = node
            steps.append(spec_of(node, self._encode, self._defaults.queue, self._defaults.priority))
        begun = {(launcher.rev, node.index) for node in launcher.nodes.values() if node.begun}
        outside = tuple(p for p in places(shape, launcher.rev) if p[0] != launcher.rev or p in begun)
        return Suspend(
            bottom.state,
            bottom.line,
            variables,
            _text(shape),
            steps,
            frames,
            self._opens + len(begun) - launcher.closed,
            outside,
            tuple(launcher.cancelled),
            over,
        )

    def _store(self) -> tuple[Encoded, str | None]:
        try:
            variables, frames = store(self._stack, known=self._known, limit=self._defaults.limit)
        except ValueTooLarge as large:
            raise ValueTooLarge(f"the workflow's variables{large}") from None
        self._known.update(variables.blobs)
        return variables, frames

    def _through_store(self) -> None:
        """Take the checkpoint of an await that launches nothing through its stored form: what can be awaited does not
        depend on the number of steps that it comes to."""
        variables, frames = store(self._stack)
        bottom = self._stack[0]
        definition, checkpoint = bottom.definition, bottom.checkpoint
        by_name = {(f.definition.name, f.definition.machine.version): f.definition for f in self._stack[1:]}
        self._stack[:] = restore(
            definition,
            checkpoint.state,
            checkpoint.line,
            variables.text,
            frames,
            lambda name, version: by_name[name, version],
            variables.blobs,
        )

    def _encode(self, value: object, where: str) -> Encoded:
        encoded = codec.encode(value, where=where, known=self._known, limit=self._defaults.limit)
        self._known.update(encoded.blobs)
        return encoded

    def _refuse_dropped(self) -> None:
        dropped = self._here.dropped()
        if dropped is None:
            return
        lazy, place = dropped
        told = f"{lazy._described()} in {place} was made and never awaited: `await {lazy._described()}`"
        if not self._may_be_overtaken(place):
            raise NotAwaited(told)
        _log.warning("%s: %s (or did an exception come in between?)", self._stack[0].definition.name, told)

    def _may_be_overtaken(self, place: str) -> bool:
        """Whether an exception that was handled may have come between a call, made in ``place``, and its await."""
        if any(stands_in(source, place) for source in self._raised):
            return True
        sources = {*self._returned, *(frame.definition.machine.stored for frame in self._stack)}
        # A call that no function of the run has made itself, a plain one that they call has made.
        makers = [source for source in sources if stands_in(source, place)] or sources
        return any(may_be_overtaken(source, place) for source in makers)


_ONE = '{"one":0}'


def shape_of(awaits: str | None) -> Shape | None:
    """The shape that a checkpoint awaits; None: it is the first. Raises CorruptValue."""
    if awaits is None or awaits == _ONE:
        return None if awaits is None else ONE
    try:
        shape = json.loads(awaits)
    except ValueError as error:
        raise CorruptValue(f"what a checkpoint awaits cannot be read: {error}") from None
    if shape is not None and not isinstance(shape, dict):
        raise CorruptValue(f"a checkpoint awaits something that this version does not know: {awaits[:200]}")
    return shape


def _text(shape: Shape) -> str:
    return _ONE if shape == ONE else json.dumps(shape, separators=(",", ":"))
