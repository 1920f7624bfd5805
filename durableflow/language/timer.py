"""sleep: a durable timer. It costs a row, not a worker, and survives restarts and deploys."""

from datetime import timedelta

from durableflow.language.lazy import Lazy

LONGEST = 100 * 366 * 86400.0
"""Seconds; a century. What is longer is a mistake, and PostgreSQL's calendar ends somewhere too."""


class Sleep(Lazy[None]):
    """A pause of the workflow. seconds: counted by the database's clock, from the commit of the checkpoint."""

    __slots__ = ("seconds",)

    def __init__(self, seconds: float) -> None:
        self.seconds = seconds
        super().__init__()

    async def _evaluate(self) -> None:
        """A unit test does not wait for weeks."""

    def _outside(self) -> str:
        return "durableflow.sleep(...) is awaited outside of a workflow: use asyncio.sleep() or time.sleep() there"

    def _described(self) -> str:
        return f"sleep({self.seconds:g})"


def sleep(duration: float | timedelta) -> Sleep:
    """Pause the workflow that awaits it.

    duration: seconds or a timedelta, up to a century; what is not positive ends at the next look.

    Raises:
        TypeError, ValueError: not a duration, or longer than a century.
    """
    if isinstance(duration, timedelta):
        seconds = duration.total_seconds()
    elif isinstance(duration, int | float) and not isinstance(duration, bool):
        seconds = duration
    else:
        raise TypeError(f"sleep() takes seconds or a timedelta, not {type(duration).__name__}")
    if not seconds <= LONGEST:
        raise ValueError(f"sleep({duration}) is longer than a century" if seconds > LONGEST else "sleep(nan)")
    return Sleep(float(max(seconds, 0.0)))
