"""What Celery's rules make of a canvas: a few lines of Python that call the tasks' functions, one after the other.

It is a third opinion: where Celery and durableflow differ, it says who keeps the rules. The rules are those that
``docs/reference/canvas-conformance.md`` has scenarios for.
"""

from collections import Counter
from typing import Any

from celery import Signature, chord, group
from celery.canvas import _chain, maybe_signature
from celery.exceptions import ChordError

from tests.conformance.scenario import Outcome
from tests.conformance.tasks import Refused, app, becomes, breaks, shortened, tally


class Failed(Exception):
    """A part of the canvas fails. error: as which type; of: the tasks' own error."""

    def __init__(self, error: type[BaseException], of: type[BaseException] | None = None) -> None:
        self.error, self.of = error, of


def outcome(canvas: Signature) -> Outcome:
    """What the canvas comes to, and what its tasks record."""
    run = _Run()
    try:
        value = run.part(canvas, (), ())
    except Failed as failed:
        return Outcome(errors=(failed.error,), of=failed.of, effects=run.stages())
    return Outcome(value=value, effects=run.stages())


class _Run:
    def __init__(self) -> None:
        self.effects: Counter[str] = Counter()

    def stages(self) -> tuple[Counter[str], ...]:
        return (self.effects,) if self.effects else ()

    def part(self, sig: Any, given: tuple[Any, ...], errbacks: tuple[Any, ...]) -> Any:
        """The value of a part of the canvas that is given these arguments. errbacks: of what it is a part of."""
        sig = maybe_signature(sig, app=app)
        errbacks = (*errbacks, *(sig.options.get("link_error") or ()))
        if isinstance(sig, _chain):
            return self.chain(_steps(sig), given, errbacks)
        if isinstance(sig, group):
            return self.group(sig, given, errbacks)
        if isinstance(sig, chord):
            return self.chain([group(sig.tasks), *_steps(sig.body)], given, errbacks)
        return self.task(sig, given, errbacks)

    def chain(self, steps: list[Any], given: tuple[Any, ...], errbacks: tuple[Any, ...]) -> Any:
        value = None
        for number, step in enumerate(steps):
            following = steps[number + 1 :]
            if isinstance(step, group) and following:
                try:
                    value = self.group(step, given, ())
                except Failed as failed:
                    self.answer(following[0], errbacks)
                    raise Failed(ChordError, failed.of or failed.error) from None
            else:
                value = self.part(step, given, errbacks)
            given = (value,)
        return value

    def group(self, sig: Any, given: tuple[Any, ...], errbacks: tuple[Any, ...]) -> Any:
        values, failures = [], []
        for member in _members(sig):
            try:
                values.append(self.part(member, given, errbacks))
            except Failed as failed:
                failures.append(failed)
        if failures:
            raise failures[0]
        return values

    def task(self, sig: Any, given: tuple[Any, ...], errbacks: tuple[Any, ...]) -> Any:
        args = tuple(sig.args) if sig.immutable else (*given, *sig.args)
        label = sig.kwargs["label"]
        self.effects[label] += 1
        if sig.task == breaks.name:
            self.call(errbacks)
            raise Failed(Refused)
        value = shortened([label, list(args), sig.kwargs.get("more")])
        if sig.task == becomes.name:
            for again in ("first", "second"):
                self.effects[f"{label} {again}"] += 1
                value = shortened([f"{label} {again}", [value], None])
        for callback in sig.options.get("link") or ():
            self.part(callback, (value,), ())
        return value

    def answer(self, body: Any, errbacks: tuple[Any, ...]) -> None:
        """The header before this body has failed."""
        body = maybe_signature(body, app=app)
        errbacks = (*errbacks, *(body.options.get("link_error") or ()))
        if isinstance(body, group):
            for member in _members(body):
                self.answer(member, errbacks)
        elif isinstance(body, chord):
            self.answer(body.body, errbacks)
        else:
            self.call(errbacks)

    def call(self, errbacks: tuple[Any, ...]) -> None:
        for what in {errback["kwargs"]["what"] for errback in errbacks if errback["task"] == tally.name}:
            self.effects[what] += 1


def _steps(sig: Any) -> list[Any]:
    """The members of a chain, chains in it opened; what is no chain is one step."""
    sig = maybe_signature(sig, app=app)
    if not isinstance(sig, _chain):
        return [sig]
    steps: list[Any] = []
    for task in sig.tasks:
        step = maybe_signature(task, app=app)
        if isinstance(step, group) and len(step.tasks) == 1:  # a group of one in a chain is that one
            step = maybe_signature(step.tasks[0], app=app)
        steps += _steps(step)
    return steps


def _members(sig: Any) -> list[Any]:
    """The members of a group, groups in it opened."""
    members: list[Any] = []
    for task in sig.tasks:
        member = maybe_signature(task, app=app)
        members += _members(member) if isinstance(member, group) else [member]
    return members
