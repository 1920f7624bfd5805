"""sleep: a durable timer. It costs a row, not a worker, and survives restarts and deploys."""

from datetime import UTC, datetime, timedelta

from durableflow.language.lazy import Lazy

LONGEST = 100 * 366 * 86400.0
"""Seconds; a century. What is longer is a mistake, and PostgreSQL's calendar ends somewhere too."""


class Sleep(Lazy[None]):
    """A pause of the workflow. seconds: counted by the database's clock, from the commit of the checkpoint; until: a
    time that this clock has to reach instead."""

    __slots__ = ("seconds", "until")

    def __init__(self, seconds: float = 0.0, until: datetime | None = None) -> None:
        self.seconds = seconds
        self.until = until
        super().__init__()

    async def _evaluate(self) -> None:
        """A unit test does not wait for weeks."""

    def _outside(self) -> str:
        return "durableflow.sleep(...) is awaited outside of a workflow: use asyncio.sleep() or time.sleep() there"

    def _described(self) -> str:
        return f"sleep({self.seconds:g})" if self.until is None else f"sleep_until({self.until.isoformat()})"


def sleep(duration: float | timedelta) -> Sleep:
    """Pause the workflow that awaits it.

    duration: seconds or a timedelta, up to a century; what is not positive ends at the next look.

    Raises:
        TypeError, ValueError: not a duration, or longer than a century.
    """
    return Sleep(seconds_of("sleep", duration))


def sleep_until(moment: datetime) -> Sleep:
    """Pause the workflow that awaits it until a moment; one that has passed ends at the next look.

    moment: with a time zone; the database's clock decides when it has come.

    Raises:
        TypeError, ValueError: not a datetime, or one without a time zone.
    """
    return Sleep(until=moment_of("sleep_until", moment))


def seconds_of(name: str, duration: float | timedelta) -> float:
    """A duration in seconds, at least 0. Raises TypeError or ValueError in the name of the function that took it."""
    if isinstance(duration, timedelta):
        seconds = duration.total_seconds()
    elif isinstance(duration, int | float) and not isinstance(duration, bool):
        seconds = duration
    else:
        raise TypeError(f"{name}() takes seconds or a timedelta, not {type(duration).__name__}")
    if not seconds <= LONGEST:
        raise ValueError(f"{name}({duration}) is longer than a century" if seconds > LONGEST else f"{name}(nan)")
    return float(max(seconds, 0.0))


def moment_of(name: str, moment: datetime) -> datetime:
    """The moment in UTC. Raises TypeError or ValueError in the name of the function that took it."""
    if not isinstance(moment, datetime):
        raise TypeError(f"{name}() takes a datetime, not {type(moment).__name__}")
    if moment.tzinfo is None:
        raise ValueError(f"{name}({moment.isoformat()}) has no time zone: say which one is meant, as in tzinfo=UTC")
    return moment.astimezone(UTC)
