"""timeout: a deadline for whatever a block of workflow code awaits.

``async with timeout(...)`` begins a durable timer, and each await inside of the block is over when that timer is. As
with ``asyncio.timeout`` the await is then cancelled, by an error that ``except Exception`` does not catch, and the
block turns that into TimeoutError where it ends. The machine calls ``__wf_enter__``, ``__wf_await__`` and
``__wf_exit__``.
"""

import asyncio
from datetime import datetime, timedelta
from types import TracebackType
from typing import TYPE_CHECKING, Any, NoReturn

from durableflow.errors import OutsideWorkflow
from durableflow.language.begun import Handle
from durableflow.language.inline import inline
from durableflow.language.lazy import Lazy, scope
from durableflow.language.timer import Sleep, moment_of, seconds_of


class Expired(asyncio.CancelledError):
    """Cancels an await whose deadline has passed. place: of the block's timer, as [rev, index]."""

    def __init__(self, place: tuple[int, int]) -> None:
        super().__init__("the deadline of a timeout() block has passed")
        self.place = place


class Timeout:
    """A block with a deadline. seconds: from its beginning; until: a moment instead; None, None: no deadline."""

    __slots__ = ("_cancelled", "_entered", "_expired", "_timer", "seconds", "until")

    def __init__(self, seconds: float | None, until: datetime | None = None) -> None:
        self.seconds = seconds
        self.until = until
        self._timer: Handle[None] | None = None
        self._entered = False
        self._cancelled = False
        self._expired = False

    def cancels(self, place: tuple[int, int]) -> bool:
        """Note that the deadline has cancelled an await, if this is the block's timer. It does so once: what the block
        awaits afterwards, to clean up, takes its time, as with asyncio."""
        if self._timer is None or (self._timer.rev, self._timer.index) != place:
            return False
        self._cancelled = True
        return True

    def expired(self) -> bool:
        """Whether the deadline has passed while the block awaited something, as with asyncio."""
        return self._expired or self._cancelled

    def __wf_enter__(self) -> "Timeout":
        if self._entered:
            raise RuntimeError(f"this {self} was entered before: make a new one for each block")
        self._entered = True
        here = scope.get()
        assert here is not None, "the machine enters blocks inside of a turn"
        if self.seconds is not None or self.until is not None:
            sleep = Sleep(self.seconds or 0.0, self.until)
            sleep._used = True
            self._timer = here.launcher.begin(sleep)
        return self

    def __wf_await__(self, awaited: Any) -> Any:
        return awaited if self._timer is None or self._cancelled else Within(self, awaited)

    def __wf_exit__(self, error: BaseException | None) -> None:
        timer = self._timer
        if timer is None:
            return
        here = scope.get()
        assert here is not None, "the machine leaves blocks inside of a turn"
        here.launcher.close(timer)
        if self._is_over_by(error):
            self._expired = True
            raise TimeoutError(f"{self} is over") from error

    def _is_over_by(self, error: BaseException | None) -> bool:
        """Whether this is how the block's own deadline ends it: the error that cancelled its await, or another
        CancelledError that the body has raised since in its place."""
        assert self._timer is not None
        if isinstance(error, Expired):
            return tuple(error.place) == (self._timer.rev, self._timer.index)
        return self._cancelled and isinstance(error, asyncio.CancelledError)

    async def __aenter__(self) -> "Timeout":
        if not inline.get():
            raise OutsideWorkflow("durableflow.timeout(...) outside of a workflow: use asyncio.timeout() there")
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        """Nothing waits where a workflow runs in place, so that no deadline passes."""

    if not TYPE_CHECKING:  # a type checker reports a plain `with` by itself, as long as these are not declared

        def __enter__(self) -> NoReturn:
            raise TypeError("timeout(...) is entered with `async with`, not with `with`")

        def __exit__(self, *_: object) -> None:
            raise AssertionError("it cannot be entered")

    def __repr__(self) -> str:
        if self.until is not None:
            return f"timeout_at({self.until.isoformat()})"
        return "timeout(None)" if self.seconds is None else f"timeout({self.seconds:g})"


class Within(Lazy[Any]):
    """Something that is awaited inside of a block with a deadline. block: with its timer; inner: what is awaited."""

    __slots__ = ("block", "inner")

    def __init__(self, block: Timeout, inner: Any) -> None:
        self.block = block
        self.inner = inner
        self._used = True

    @property
    def timer(self) -> Handle[None]:
        """The block's timer."""
        assert self.block._timer is not None
        return self.block._timer

    def _described(self) -> str:
        return self.inner._described() if isinstance(self.inner, Lazy) else repr(self.inner)


def timeout(duration: float | timedelta | None) -> Timeout:
    """A deadline for everything that a block awaits: ``async with timeout(timedelta(hours=1)): ...``.

    When it passes, what is awaited is abandoned and TimeoutError is raised where the block ends; ``finally`` and
    ``except asyncio.CancelledError`` inside of the block run as with ``asyncio.timeout``. The timer is a row: it
    survives restarts, and counts by the database's clock from the first checkpoint inside of the block.

    duration: seconds or a timedelta; None: no deadline.

    Raises:
        TypeError, ValueError: not a duration.
    """
    return Timeout(None if duration is None else seconds_of("timeout", duration))


def timeout_at(moment: datetime | None) -> Timeout:
    """As :func:`timeout`, at a moment (with a time zone). Raises TypeError, ValueError."""
    return Timeout(None, None if moment is None else moment_of("timeout_at", moment))
