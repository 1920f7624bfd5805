"""A run in memory: turns one after the other, with everything in its stored form in between."""

import asyncio
import inspect
from dataclasses import dataclass, field
from typing import Any

from durableflow import codec
from durableflow.language import Call
from durableflow.language.outcomes import Outcome
from durableflow.language.results import encode_failure
from durableflow.language.turn import Defaults, Fail, Finish, Stored, Suspend, begin, turn


@dataclass
class Engine:
    """What a run went through. checkpoints: all of its suspensions; values: large ones by hash."""

    checkpoints: list[Suspend] = field(default_factory=list)
    values: dict[str, str] = field(default_factory=dict)

    def run(self, call: Call[Any], *, defaults: Defaults | None = None) -> Any:
        """Run to the end; gives the workflow's value or raises its error."""
        call._used = True
        definition = call.definition
        at = begin(definition, call.args, call.kwargs, use=call.use)
        self._keep(at.variables)
        outcomes: dict[int, Outcome] = {}
        while True:
            self.checkpoints.append(at)
            rev = len(self.checkpoints) - 1
            moved = turn(
                definition,
                stored(rev, at),
                {(rev, index): outcome for index, outcome in outcomes.items()},
                blobs=self.values,
                defaults=defaults or Defaults(),
            )
            if isinstance(moved, Finish):
                self._keep(moved.output)
                return codec.decode(moved.output.text, blobs=self.values)
            if isinstance(moved, Fail):
                self._keep(moved.error)
                error = codec.decode(moved.error.text, blobs=self.values)
                assert isinstance(error, BaseException)
                raise error
            self._keep(moved.variables)
            outcomes = {index: self._execute(definition, spec, index) for index, spec in enumerate(moved.steps)}
            at = moved

    def _execute(self, definition: Any, spec: Any, order: int) -> Outcome:
        if spec.kind == "timer":
            return Outcome("succeeded", "null", None, order)
        self._keep(spec.input)
        given: Any = codec.decode(spec.input.text, blobs=self.values)
        try:
            value = definition.registry.step(spec.name).run(*given["args"], **given["kwargs"])
            if inspect.iscoroutine(value):
                value = asyncio.run(value)
        except Exception as error:
            failed = encode_failure(error)
            self._keep(failed)
            return Outcome("failed", None, failed.text, order)
        output = codec.encode(value)
        self._keep(output)
        return Outcome("succeeded", output.text, None, order)

    def _keep(self, encoded: codec.Encoded) -> None:
        self.values.update(encoded.blobs)


def first_turn(call: Call[Any], **given: Any) -> Suspend | Finish | Fail:
    """The turn from rev 0."""
    call._used = True
    at = begin(call.definition, call.args, call.kwargs, use=call.use)
    return turn(call.definition, stored(0, at), {}, blobs=at.variables.blobs, **given)


def next_turn(call: Call[Any], at: Suspend, outcomes: dict[int, Outcome], **given: Any) -> Suspend | Finish | Fail:
    """The turn that follows ``at``."""
    placed = {(1, index): outcome for index, outcome in outcomes.items()}
    return turn(call.definition, stored(1, at), placed, blobs=at.variables.blobs, **given)


def stored(rev: int, at: Suspend) -> Stored:
    """The checkpoint as a worker loads it."""
    return Stored(rev, at.state, at.line, at.variables.text, at.awaits, at.frames, at.opens)


def error_of(failed: object) -> BaseException:
    """The error of a turn that must have failed."""
    assert isinstance(failed, Fail), failed
    error = codec.decode(failed.error.text, blobs=failed.error.blobs)
    assert isinstance(error, BaseException)
    return error
