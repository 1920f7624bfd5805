"""current: what a step's body may know of the attempt that it is."""

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from dataclasses import dataclass, field
from uuid import UUID

from durableflow.errors import OutsideStep


@dataclass(frozen=True, slots=True)
class Attempt:
    """One attempt of a step. run_id; step: its name; attempt: 1 for the first; idempotency_key: the same for every
    attempt of this step and after a redrive, for the effects that the body has elsewhere; rev, index: its place in the
    run; is_wanted: asks whether somebody still waits for what it gives."""

    run_id: UUID
    step: str
    attempt: int
    idempotency_key: str
    rev: int = 0
    index: int = 0
    is_wanted: Callable[[], bool] = field(default=lambda: True, compare=False, repr=False)


_attempt: ContextVar[Attempt | None] = ContextVar("durableflow_attempt", default=None)


class Current:
    """The attempt that is running in this context. Outside of a step every attribute raises OutsideStep."""

    __slots__ = ()

    @property
    def run_id(self) -> UUID:
        """The run that the step belongs to."""
        return _require("run_id").run_id

    @property
    def step(self) -> str:
        """The step's registered name."""
        return _require("step").step

    @property
    def attempt(self) -> int:
        """1 for the first attempt."""
        return _require("attempt").attempt

    @property
    def idempotency_key(self) -> str:
        """The same text for every attempt of this step, also after a redrive; hand it to the systems that you call."""
        return _require("idempotency_key").idempotency_key

    @property
    def cancelled(self) -> bool:
        """Whether nobody waits for this step any more: its run was cancelled or has ended, or it has lost a race. One
        query each time. A body is never interrupted; one that runs for long may ask now and then, and return early:
        what it gives is not used."""
        return not _require("cancelled").is_wanted()

    def __repr__(self) -> str:
        attempt = _attempt.get()
        return f"<current: {attempt}>" if attempt else "<current: outside of a step>"


current = Current()


@contextmanager
def executing(attempt: Attempt) -> Iterator[None]:
    """Make ``attempt`` the current one for the time of the block."""
    token = _attempt.set(attempt)
    try:
        yield
    finally:
        _attempt.reset(token)


def is_executing(step: str) -> bool:
    """Whether an attempt of this step runs in this context."""
    attempt = _attempt.get()
    return attempt is not None and attempt.step == step


def _require(name: str) -> Attempt:
    attempt = _attempt.get()
    if attempt is None:
        raise OutsideStep(f"durableflow.current.{name} is known while a step runs, and none runs here")
    return attempt
