"""receive: wait for an event that somebody sends to the run. approval: wait for a person's decision."""

import typing
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from functools import lru_cache
from typing import Any, Generic, TypeVar, overload

from pydantic import PydanticSchemaGenerationError, PydanticUserError
from pydantic_core import SchemaError

from durableflow import codec
from durableflow.errors import DurableFlowError, InvalidEvent, OutsideWorkflow
from durableflow.language.fitting import Misfit, adapter_of, validated
from durableflow.language.lazy import Lazy
from durableflow.language.timer import seconds_of

T = TypeVar("T")
T_co = TypeVar("T_co", covariant=True)

LONGEST_NAME = 200
"""Characters of an event's name."""


@dataclass(frozen=True, slots=True)
class Approved(Generic[T_co]):
    """A person's decision. form: what they filled in; by: who it was, as the sender said, None if nobody did; at: when
    it was sent, by the database's clock; id: of the event."""

    form: T_co
    by: str | None
    at: datetime
    id: str | None


class Receive(Lazy[T_co]):
    """A wait for an event. name: of the event; kind: what its payload must be; timeout: seconds, None: for ever;
    signed: whether the result tells who sent it."""

    __slots__ = ("kind", "name", "signed", "timeout")

    def __init__(self, name: str, kind: Any, timeout: float | None, signed: bool) -> None:
        self.name = name
        self.kind = kind
        self.timeout = timeout
        self.signed = signed
        super().__init__()

    async def _evaluate(self) -> Any:
        raise OutsideWorkflow(
            f"{self._described()} waits for an event, which nobody can send to a workflow that runs in place: "
            "test it with durableflow.testing"
        )

    def _outside(self) -> str:
        return f"{self._described()} is awaited outside of a workflow"

    def _described(self) -> str:
        return f"{'approval' if self.signed else 'receive'}({self.name!r})"


@overload
def receive(name: str, kind: type[T], *, timeout: float | timedelta | None = ...) -> Receive[T]: ...
@overload
def receive(name: str, kind: Any = ..., *, timeout: float | timedelta | None = ...) -> Receive[Any]: ...
def receive(name: str, kind: Any = Any, *, timeout: float | timedelta | None = None) -> Receive[Any]:
    """Wait for an event: ``order = await receive("order", Order, timeout=timedelta(days=3))``.

    name: events of one name are received in the order in which they were sent; one that was sent before anybody waited
    is kept until it is received. kind: what the payload must be, validated by pydantic: a model, a dataclass, or any
    type that pydantic knows; an event that does not fit is refused, and the wait goes on. timeout: seconds or a
    timedelta, after which TimeoutError is raised here.

    Raises:
        TypeError, ValueError: the name, kind or timeout is none; or the kind has no stored form, as that of a class
        within a function, or an Annotated type.
    """
    return _receive("receive", name, kind, timeout, signed=False)


def approval(name: str, form: type[T], *, timeout: float | timedelta | None = None) -> Receive[Approved[T]]:
    """Wait for a person's decision: ``decision = await approval("invoice", InvoiceForm)``.

    An event like others (see :func:`receive`), whose result also says who sent it and when; the view
    ``durableflow.inbox`` shows the form, as a JSON schema, to whoever is to fill it in.
    """
    found: Any = _receive("approval", name, form, timeout, signed=True)
    return found  # type: ignore[no-any-return]


def _receive(function: str, name: str, kind: Any, timeout: float | timedelta | None, *, signed: bool) -> Receive[Any]:
    check_name(function, name)
    kind = type(None) if kind is None else kind
    try:
        trouble = _trouble(kind)
    except TypeError:  # not hashable
        trouble = "it is no type"
    if trouble is not None:
        raise TypeError(f"{function}({name!r}) cannot wait for {kind!r}: {trouble}")
    return Receive(name, kind, None if timeout is None else seconds_of(function, timeout), signed)


def check_name(function: str, name: str) -> None:
    """Raise TypeError or ValueError, in the function's name, where this is no name of an event."""
    if not isinstance(name, str):
        raise TypeError(f"{function}() takes the name of an event, not {type(name).__name__}")
    if not name or len(name) > LONGEST_NAME or not name.isprintable():
        raise ValueError(f"an event's name is 1 to {LONGEST_NAME} printable characters, not {name[:80]!r}")


@lru_cache(maxsize=256)
def _trouble(kind: Any) -> str | None:
    """Why events cannot be expected to be of this type; None: they can."""
    if kind is not Any and not isinstance(kind, type) and typing.get_origin(kind) is None:
        return "it is no type"
    try:
        adapter_of(kind)
    except (PydanticUserError, PydanticSchemaGenerationError, SchemaError, TypeError, NameError) as refused:
        return f"pydantic cannot validate it ({str(refused).splitlines()[0]})"
    try:
        codec.encode(kind, where="the type")
    except DurableFlowError as refused:
        return (
            f"it cannot be stored while nothing is sent ({refused}); take a model or dataclass of a module, or list, "
            "dict, tuple, Literal or X | None of such"
        )
    return None


def dump_wait(receive: Receive[Any]) -> str:
    """The stored form of what is waited for (``step.options``)."""
    given = {"kind": receive.kind, "signed": receive.signed, "timeout": receive.timeout, "form": _form(receive.kind)}
    return codec.encode({name: value for name, value in given.items() if value is not None}, where="receive").text


@lru_cache(maxsize=256)
def _form(kind: Any) -> dict[str, Any] | None:
    """The JSON schema of what is expected; None for a type that JSON cannot express."""
    adapter = adapter_of(kind)
    try:
        return None if adapter is None else adapter.json_schema()
    except PydanticUserError:
        return None


def fit_event(
    name: str,
    options: str,
    payload: str,
    blobs: Mapping[str, str],
    *,
    by: str | None,
    at: datetime,
    event_id: str | None,
) -> codec.Encoded:
    """What a receive gives for an event, as it is recorded. options: as ``dump_wait`` wrote them; payload: codec text;
    blobs: its large values.

    Raises:
        InvalidEvent: the payload is not what is waited for. CorruptValue.
    """
    wait: Any = codec.decode(options)
    value = validate(name, wait.get("kind", Any), codec.decode(payload, blobs=blobs))
    if wait.get("signed"):
        value = Approved(value, by, at, event_id)
    return codec.encode(value, where=f"event {name}")


def validate(name: str, kind: Any, payload: Any) -> Any:
    """The payload as the type that is waited for. Raises InvalidEvent, without the value: it may be a secret."""
    adapter = adapter_of(kind)
    if adapter is None:
        return payload
    try:
        return validated(adapter, kind, payload)
    except Misfit as misfit:
        raise InvalidEvent(f"event {name!r} does not fit {getattr(kind, '__name__', kind)}: {misfit}") from None
