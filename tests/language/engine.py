"""A run in memory: turns one after the other, with everything in its stored form in between."""

import asyncio
import inspect
from dataclasses import dataclass, field
from typing import Any

from durableflow import codec
from durableflow.language import Call
from durableflow.language.outcomes import Outcome
from durableflow.language.results import encode_failure
from durableflow.language.turn import Defaults, Fail, Finish, Suspend, begin, turn


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
            moved = turn(
                definition,
                state=at.state,
                line=at.line,
                variables_text=at.variables.text,
                blobs=self.values,
                awaits=at.awaits,
                outcomes=outcomes,
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
    return turn(
        call.definition,
        state=at.state,
        line=at.line,
        variables_text=at.variables.text,
        blobs=at.variables.blobs,
        awaits=at.awaits,
        outcomes={},
        **given,
    )


def next_turn(call: Call[Any], at: Suspend, outcomes: dict[int, Outcome], **given: Any) -> Suspend | Finish | Fail:
    """The turn that follows ``at``."""
    return turn(
        call.definition,
        state=at.state,
        line=at.line,
        variables_text=at.variables.text,
        blobs=at.variables.blobs,
        awaits=at.awaits,
        outcomes=outcomes,
        **given,
    )


def error_of(failed: object) -> BaseException:
    """The error of a turn that must have failed."""
    assert isinstance(failed, Fail), failed
    error = codec.decode(failed.error.text, blobs=failed.error.blobs)
    assert isinstance(error, BaseException)
    return error
