"""From the shape of an await to its steps, and back from their outcomes to what the await gives.

The shape of what is awaited is stored with the checkpoint: ``{"one": 3}`` is the step with index 3, ``{"all": [...]}``
a gather of shapes.
"""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any, Protocol

from durableflow import codec
from durableflow.errors import CorruptValue
from durableflow.language.call import Call
from durableflow.language.gathering import Gather
from durableflow.language.lazy import Lazy
from durableflow.language.step import Step
from durableflow.language.timer import Sleep
from durableflow.language.unfit import child, unfit
from durableflow.machine import Error, Value

Shape = dict[str, Any]
ONE: Shape = {"one": 0}
Leaf = Call[Any] | Sleep


class TooEarly(LookupError):
    """A step of the await has not ended."""


class Ended(Protocol):
    """How a step stands. state: ``succeeded`` with an output, ``failed`` with an error (both codec texts), or another
    one while it has not ended; order: its place among those that ended, earliest first."""

    @property
    def state(self) -> str: ...
    @property
    def output(self) -> str | None: ...
    @property
    def error(self) -> str | None: ...
    @property
    def order(self) -> int | None: ...


@dataclass(frozen=True, slots=True)
class Outcome:
    """The plain form of :class:`Ended`."""

    state: str
    output: str | None = None
    error: str | None = None
    order: int | None = None


def flatten(awaited: object, leaves: list[Leaf]) -> Shape:
    """The shape of ``awaited``, whose calls and sleeps are added to ``leaves``.

    Raises:
        TypeError: a workflow cannot await this; for the author, at the await.
    """
    if isinstance(awaited, Lazy):
        awaited._used = True
        if isinstance(awaited, Gather):
            return {"all": [flatten(member, leaves) for member in awaited.calls]}
        if isinstance(awaited, Call) and not isinstance(awaited.definition, Step):
            raise TypeError(child(awaited.definition.name))
        if isinstance(awaited, Call | Sleep):
            leaves.append(awaited)
            return {"one": len(leaves) - 1}
    raise TypeError(unfit(awaited))


def combine(shape: Shape, outcomes: Mapping[int, Ended], blobs: Mapping[str, str]) -> Value | Error:
    """What the await gives: the value, or the error of the step that failed first.

    Raises CorruptValue, and TooEarly where no step failed and one has not ended: then it is too early to ask.
    """
    if "one" in shape:
        ended = outcomes[shape["one"]]
        if ended.state == "succeeded":
            return Value(codec.decode(ended.output or "null", blobs=blobs))
    failed = [outcomes[i] for i in _leaves(shape) if i in outcomes and outcomes[i].state == "failed"]
    if failed:
        first = min(failed, key=lambda ended: ended.order or 0)
        error = codec.decode(first.error or "null", blobs=blobs)
        if not isinstance(error, BaseException):
            raise CorruptValue(f"the stored error of a step is no exception: {str(first.error)[:200]}")
        return Error(error)
    return Value(_assemble(shape, outcomes, blobs))


def nothing(shape: Shape) -> list[Any]:
    """The value of a shape without a single step: nested empty lists."""
    return [nothing(member) for member in shape["all"]]


def _leaves(shape: Shape) -> Iterator[int]:
    if "one" in shape:
        yield shape["one"]
    else:
        for member in shape["all"]:
            yield from _leaves(member)


def _assemble(shape: Shape, outcomes: Mapping[int, Ended], blobs: Mapping[str, str]) -> Any:
    if "all" in shape:
        return [_assemble(member, outcomes, blobs) for member in shape["all"]]
    ended = outcomes.get(shape["one"])
    if ended is None or ended.state != "succeeded":
        raise TooEarly(f"step {shape['one']} of the await has not ended")
    return codec.decode(ended.output or "null", blobs=blobs)
