"""Mocks: what steps and child workflows come to in a simulation, instead of what they would do."""

import inspect
from collections import deque
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from datetime import timedelta
from enum import Enum
from typing import Any, Final

from durableflow.errors import NotMocked


class _Ending(Enum):
    LOST = "LOST"
    HANGS = "HANGS"

    def __repr__(self) -> str:
        return self.value


LOST: Final = _Ending.LOST
"""An outcome: the attempt loses its worker, and another one is made, as often as the settings allow."""

HANGS: Final = _Ending.HANGS
"""An outcome: the attempt does not end, unless the step has a timeout."""

NOTHING: Final = object()


class Attempts:
    """An outcome of one call that is attempted several times: ``Attempts(ConnectionError(), "paid")``. outcomes: of its
    attempts, in order."""

    def __init__(self, *outcomes: Any) -> None:
        if not outcomes:
            raise ValueError("Attempts() of nothing: a call has one attempt at least")
        self.outcomes = outcomes

    def __repr__(self) -> str:
        return f"Attempts({', '.join(map(repr, self.outcomes))})"


class After:
    """An outcome that takes its time: ``After(timedelta(minutes=3), "paid")``. duration: seconds or a timedelta, in
    virtual time; outcome: a value, an error, or LOST."""

    def __init__(self, duration: float | timedelta, outcome: Any) -> None:
        self.seconds = seconds_of(duration)
        self.outcome = outcome

    def __repr__(self) -> str:
        return f"After({self.seconds:g}, {self.outcome!r})"


@dataclass(frozen=True, slots=True)
class Planned:
    """What one attempt comes to. seconds: how long it takes, None: for ever; lost: whether its worker dies; error,
    value: how it ends; function: what is called for that instead."""

    seconds: float | None = 0.0
    lost: bool = False
    error: BaseException | None = None
    value: Any = None
    function: Callable[..., Any] | None = None


class Call:
    """The outcomes of one call of a mocked step: reserved when the workflow launches it, so that which call gets which
    does not depend on who is tried again first."""

    def __init__(self, mock: "Mock") -> None:
        self._mock = mock
        self._first = mock.take()
        self._own = deque(self._first.outcomes) if isinstance(self._first, Attempts) else None
        self._begun = False

    def next(self) -> Planned:
        """What its next attempt comes to. Raises NotMocked where the mock has no more."""
        if self._own is not None:
            if not self._own:
                raise NotMocked(f"{self._mock.name} is attempted once more than its {self._first!r} has outcomes")
            item = self._own.popleft()
        elif self._begun:
            item = self._mock.take()
        else:
            item, self._begun = self._first, True
        if item is NOTHING:
            raise NotMocked(
                f"{self._mock.name} is called or attempted once more than its mock has outcomes, which are "
                f"{self._mock.count}"
            )
        return self._mock.planned(item)


class Mock:
    """How a step or child workflow behaves; see :meth:`Simulation.mock`. count: outcomes that were listed."""

    def __init__(
        self,
        name: str,
        *,
        returns: Any,
        raises: Any,
        calls: Callable[..., Any] | None,
        outcomes: Iterable[Any] | None,
        times: int | None,
        lost: int,
        takes: float | timedelta,
        own: Callable[..., Any] | None,
    ) -> None:
        given = [given for given in (returns is not NOTHING, calls is not None, outcomes is not None) if given]
        if len(given) > 1:
            raise TypeError(f"mock({name!r}): returns=, calls= and outcomes= exclude each other")
        if times is not None and raises is None:
            raise TypeError(f"mock({name!r}, times=) says how often raises= does, which is missing")
        if raises is not None and times is None and given:
            raise TypeError(f"mock({name!r}, raises=) raises always; times= says how often before the rest counts")
        if raises is not None and not _is_error(raises):
            raise TypeError(f"mock({name!r}, raises=) takes an exception, not {raises!r}")
        if returns is not NOTHING and _is_error(returns):
            raise TypeError(f"mock({name!r}, returns={returns!r}) would return an exception: raises= raises it")
        if calls is not None and not callable(calls):
            raise TypeError(f"mock({name!r}, calls=) takes a function, not {calls!r}")
        self.name = name
        self._seconds = seconds_of(takes)
        listed = None if outcomes is None else list(outcomes)
        self._items: deque[Any] = deque([LOST] * lost + [raises] * (times or 0) + (listed or []))
        self.count = len(self._items)
        self._then = NOTHING if listed is not None else raises if raises is not None and times is None else returns
        self._function = calls if calls is not None else own if self._then is NOTHING and listed is None else None

    def take(self) -> Any:
        """The next outcome that is not reserved yet; NOTHING where there are no more."""
        if self._items:
            return self._items.popleft()
        return self._function if self._function is not None else self._then

    def planned(self, item: Any) -> Planned:
        """An outcome as it was given, in the form that it is carried out."""
        seconds: float | None = self._seconds
        if isinstance(item, After):
            seconds, item = item.seconds, item.outcome
        if item is HANGS:
            return Planned(None)
        if item is LOST:
            return Planned(seconds, lost=True)
        if self._function is not None and item is self._function:
            return Planned(seconds, function=self._function)
        if _is_error(item):
            error: Any = item() if inspect.isclass(item) else item
            return Planned(seconds, error=error)
        return Planned(seconds, value=item)


def seconds_of(duration: float | timedelta) -> float:
    """A duration in seconds. Raises ValueError where it is negative."""
    seconds = duration.total_seconds() if isinstance(duration, timedelta) else float(duration)
    if not 0.0 <= seconds < float("inf"):
        raise ValueError(f"a duration is seconds or a timedelta, from 0 on, not {duration!r}")
    return seconds


def _is_error(value: Any) -> bool:
    return isinstance(value, BaseException) or (inspect.isclass(value) and issubclass(value, BaseException))
