"""Retry: how often a step is tried again, after which errors, and how long it waits before each try."""

from collections.abc import Callable
from dataclasses import dataclass
from datetime import timedelta
from typing import Literal

Jitter = Literal["full", "equal"]

_LARGEST_DELAY = 365 * 86400.0


@dataclass(frozen=True, slots=True)
class Retry:
    """A retry policy.

    max_attempts: how many attempts may fail before the step does, the first one included (attempts that are lost with
    their worker are counted elsewhere); backoff: seconds before the second attempt; factor: what the wait is multiplied
    with for each further one; max_backoff: the longest wait in seconds; jitter: True or "full" draws the wait between 0
    and the computed one, "equal" between half of it and all of it, False takes it as it is; on: only these exceptions
    are retried; not_on: these never are, even where ``on`` names a base class of theirs.

    Raises:
        ValueError: a number is out of range; TypeError: on or not_on holds something that is not an exception class.
    """

    max_attempts: int = 3
    backoff: float = 1.0
    factor: float = 2.0
    max_backoff: float = 3600.0
    jitter: bool | Jitter = False
    on: tuple[type[BaseException], ...] = (Exception,)
    not_on: tuple[type[BaseException], ...] = ()

    def __post_init__(self) -> None:
        if self.max_attempts < 1:
            raise ValueError(f"max_attempts counts the first attempt, so it is at least 1, not {self.max_attempts}")
        for name in ("backoff", "max_backoff"):
            object.__setattr__(self, name, _seconds(getattr(self, name), name))
        if not self.factor >= 1.0:
            raise ValueError(f"factor is at least 1.0, not {self.factor}")
        if self.jitter not in (True, False, "full", "equal"):
            raise ValueError(f'jitter is True, False, "full" or "equal", not {self.jitter!r}')
        for name in ("on", "not_on"):
            object.__setattr__(self, name, _classes(getattr(self, name), name))

    def delay(self, failures: int, draw: Callable[[], float]) -> float:
        """Seconds to wait after so many failed attempts (1 or more); draw: a random number from [0, 1)."""
        try:
            wait = min(self.backoff * self.factor ** (failures - 1), self.max_backoff)
        except OverflowError:
            wait = self.max_backoff if self.backoff else 0.0
        if self.jitter == "equal":
            return wait / 2 + wait / 2 * draw()
        return wait * draw() if self.jitter else wait

    def retries(self, error: BaseException, failures: int) -> bool:
        """Whether another attempt follows the failure that was number ``failures``."""
        return failures < self.max_attempts and isinstance(error, self.on) and not isinstance(error, self.not_on)


def _seconds(value: float | timedelta, name: str) -> float:
    seconds = value.total_seconds() if isinstance(value, timedelta) else float(value)
    if not 0.0 <= seconds <= _LARGEST_DELAY:
        raise ValueError(f"{name} is between 0 seconds and one year, not {value}")
    return seconds


def _classes(value: object, name: str) -> tuple[type[BaseException], ...]:
    classes = value if isinstance(value, tuple) else (value,)
    for each in classes:
        if not (isinstance(each, type) and issubclass(each, BaseException)):
            raise TypeError(f"{name} takes exception classes, not {each!r}")
    return classes


NEVER = Retry(max_attempts=1)
"""The policy of a step that names none: its first error is its outcome."""
