"""From the outcomes of an await's steps to what the await gives, by its shape (`launching`)."""

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from typing import Any, Protocol

from durableflow import codec
from durableflow.errors import CorruptValue, StepCancelled
from durableflow.language.deadline import Expired
from durableflow.language.graph import Gives
from durableflow.language.launching import Place, Shape, members_of, own_steps
from durableflow.machine import Error, Value

ONE: Shape = {"one": 0}


class TooEarly(LookupError):
    """The await is not over."""


class Ended(Protocol):
    """How a step stands. state: ``succeeded`` with an output, ``failed`` with an error (both codec texts),
    ``cancelled``, or another one while it has not ended; order: when it ended, in seconds or as a place among them;
    begun_once: whether an attempt of it was ever made."""

    @property
    def state(self) -> str: ...
    @property
    def output(self) -> str | None: ...
    @property
    def error(self) -> str | None: ...
    @property
    def order(self) -> float | None: ...
    @property
    def begun_once(self) -> bool: ...


@dataclass(frozen=True, slots=True)
class Outcome:
    """The plain form of :class:`Ended`."""

    state: str
    output: str | None = None
    error: str | None = None
    order: float | None = None
    begun_once: bool = True


Outcomes = Mapping[Place, Ended]
Decode = Callable[[], Any]


@dataclass(frozen=True, slots=True)
class _Over:
    """A part of an await that is over. at: when, as the order of the step that decided it; value, error: what makes
    either, once it is known that it is wanted."""

    at: float
    value: Decode | None = None
    error: Callable[[], BaseException] | None = None


def combine(shape: Shape, rev: int, outcomes: Outcomes, blobs: Mapping[str, str]) -> Value | Error:
    """What the await gives: its value, or the error that is raised there.

    rev: of the checkpoint that awaits. Raises CorruptValue, and TooEarly where the await is not over.
    """
    over = _Combiner(rev, outcomes, blobs).over(shape)
    if over is None:
        raise TooEarly("a step of the await has not ended")
    return _given_at(over)


def _given_at(over: "_Over") -> Value | Error:
    if over.error is not None:
        return Error(over.error())
    assert over.value is not None
    return Value(over.value())


def at_once(shape: Shape, rev: int) -> Value | Error | None:
    """What an await gives that is over before anything is launched, as a gather of nothing is. None: it is not."""
    over = None if "one" in shape else _Combiner(rev, {}, {}).over(shape)
    return None if over is None else _given_at(over)


def over_at(shape: Shape, rev: int, outcomes: Outcomes) -> float | None:
    """When the await was over, as the order of the step that decided it. None: it is not."""
    over = _Combiner(rev, outcomes, {}).over(shape)
    return None if over is None else over.at


def places(shape: Shape, rev: int) -> Iterator[Place]:
    """Every step that the shape names."""
    if "one" in shape:
        yield rev, shape["one"]
    elif "step" in shape:
        yield tuple(shape["step"])
    elif "within" in shape:
        yield tuple(shape["within"])
    elif "graph" in shape:
        yield from ((rev, index) for index in own_steps(shape))
    for member in members_of(shape):
        yield from places(member, rev)


class _Combiner:
    def __init__(self, rev: int, outcomes: Outcomes, blobs: Mapping[str, str]) -> None:
        self._rev = rev
        self._outcomes = outcomes
        self._blobs = blobs

    def over(self, shape: Shape) -> _Over | None:
        """How this part of the await has ended. None: it has not."""
        if "one" in shape:
            return self._step((self._rev, shape["one"]))
        if "all" in shape:
            return self._all(shape["all"], bool(shape.get("errors")))
        if "race" in shape:
            return self._race(shape["race"])
        if "step" in shape:
            return self._step(tuple(shape["step"]))
        if "within" in shape:
            return self._within(tuple(shape["within"]), shape["of"])
        if "graph" in shape:
            return self._graph(shape)
        if "is" in shape:
            return _Over(0, lambda: self._decode(shape["is"]))
        if "cancelled" in shape:
            return _Over(0, error=_cancelled)
        raise CorruptValue(f"a checkpoint awaits something that this version does not know: {str(shape)[:200]}")

    def _step(self, place: Place) -> _Over | None:
        ended = self._outcomes.get(place)
        if ended is None:
            return None
        at = ended.order or 0
        if ended.state == "succeeded":
            return _Over(at, lambda: self._decode(ended.output))
        if ended.state == "failed":
            return _Over(at, error=lambda: self._error(ended))
        if ended.state == "cancelled":
            return _Over(at, error=_cancelled)
        return None

    def _all(self, members: list[Shape], errors: bool) -> _Over | None:
        found = [self.over(member) for member in members]
        if not errors:
            failed = [over for over in found if over is not None and over.error is not None]
            if failed:
                return min(failed, key=lambda over: over.at)
        ended = [over for over in found if over is not None]
        if len(ended) < len(found):
            return None
        return _Over(max((over.at for over in ended), default=0), lambda: [_given(over) for over in ended])

    def _race(self, members: list[Shape]) -> _Over | None:
        found = [(number, over) for number, member in enumerate(members) if (over := self.over(member)) is not None]
        if not found:
            return None
        winner, first = min(found, key=lambda each: each[1].at)
        value = first.value
        return first if value is None else _Over(first.at, lambda: (winner, value()))

    def _graph(self, shape: Shape) -> _Over | None:
        """Over when each step has ended, and each answer that is due. The error is the first one in the order of the
        results, not of time: what a canvas raises does not depend on who was faster."""
        at = 0.0
        for index in range(*shape["graph"]):
            ended = self._outcomes.get((self._rev, index))
            if ended is None or ended.state not in _ENDS:
                return None
            at = max(at, ended.order or 0.0)
        for first, last, failed in shape["answers"]:
            if any(map(self._failed_by_itself, failed)):
                for index in range(first, last):
                    answer = self._outcomes.get((self._rev, index))
                    if answer is None or answer.state not in _ENDS:
                        return None
                    at = max(at, answer.order or 0.0)
        gives = shape["gives"]
        if gives is None:
            return _Over(at, lambda: None)
        for index in _leaves(gives):
            over = self._step((self._rev, index))
            if over is not None and over.error is not None:
                return _Over(at, error=over.error)
        return _Over(at, lambda: self._gathered(gives))

    def _failed_by_itself(self, index: int) -> bool:
        ended = self._outcomes.get((self._rev, index))
        return ended is not None and ended.state == "failed" and ended.begun_once

    def _gathered(self, gives: Gives) -> Any:
        if isinstance(gives, int):
            return self._decode(self._outcomes[self._rev, gives].output)
        return [self._gathered(member) for member in gives]

    def _within(self, timer: Place, inner: Shape) -> _Over | None:
        over, alarm = self.over(inner), self._step(timer)
        if alarm is None or alarm.error is not None or (over is not None and over.at <= alarm.at):
            return over
        return _Over(alarm.at, error=lambda: Expired(timer))

    def _decode(self, text: str | None) -> Any:
        return codec.decode(text or "null", blobs=self._blobs)

    def _error(self, ended: Ended) -> BaseException:
        error = self._decode(ended.error)
        if not isinstance(error, BaseException):
            raise CorruptValue(f"the stored error of a step is no exception: {str(ended.error)[:200]}")
        return error


_ENDS = frozenset(("succeeded", "failed", "cancelled"))


def _leaves(gives: Gives) -> Iterator[int]:
    """The steps whose results are given, in their order."""
    if isinstance(gives, int):
        yield gives
    else:
        for member in gives:
            yield from _leaves(member)


def _cancelled() -> StepCancelled:
    return StepCancelled("what is awaited here was cancelled")


def _given(over: _Over) -> Any:
    if over.error is not None:
        return over.error()
    assert over.value is not None
    return over.value()
