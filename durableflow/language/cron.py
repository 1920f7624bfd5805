"""Cron: when a workflow starts by itself, and what happens where it could not."""

import difflib
from collections.abc import Iterator
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from typing import Literal, get_args
from zoneinfo import ZoneInfo, available_timezones

from cronsim import CronSim, CronSimError

from durableflow.language.ticks import ticks

CatchUp = Literal["skip", "one", "all"]
Overlap = Literal["allow", "skip", "queue"]

_FIELDS = "minute (0-59) hour (0-23) day of the month (1-31, L) month (1-12, JAN-DEC) day of the week (0-7, SUN-SAT)"
_LONGEST_NAME = 200
_LONGEST_GRACE = 365 * 86400.0


@dataclass(frozen=True, slots=True)
class Cron:
    """A schedule: a cron expression in a time zone.

    expression: five fields, as in crontab(5); tz: a name such as "Europe/Lisbon"; name: of the schedule, instead of the
    workflow's; grace: seconds, or a timedelta, by which a tick may be late and still count as on time; catch_up: what
    becomes of ticks that are later than that, because no worker was there: "skip" notes them as missed, "one" starts
    the latest of all that are due, "all" starts every one in its order; overlap: what becomes of a tick while the run
    that the schedule started before is still going: "allow" starts a second one, "skip" notes it as skipped, "queue"
    starts it when that run has ended.

    Where the clock changes, the rules are those of Debian's cron: a time of the day that is skipped is made up for
    right after the jump, one that comes twice counts once, and ``*/15 * * * *`` stays every quarter of an hour.

    Raises:
        ValueError: the expression, the zone or an option is wrong, or the expression never comes true; TypeError.
    """

    expression: str
    tz: str = "UTC"
    name: str | None = field(default=None, kw_only=True)
    catch_up: CatchUp = field(default="skip", kw_only=True)
    overlap: Overlap = field(default="allow", kw_only=True)
    grace: float | timedelta = field(default=60.0, kw_only=True)

    def __post_init__(self) -> None:
        if not isinstance(self.expression, str) or not isinstance(self.tz, str):
            raise TypeError(f"Cron takes an expression and the name of a zone, not {self.expression!r}, {self.tz!r}")
        object.__setattr__(self, "expression", _checked(self.expression))
        _zone(self.tz)
        if self.name is not None and not (isinstance(self.name, str) and 0 < len(self.name) <= _LONGEST_NAME):
            raise ValueError(f"name is a text of 1 to {_LONGEST_NAME} characters, not {self.name!r}")
        _one_of("catch_up", self.catch_up, get_args(CatchUp))
        _one_of("overlap", self.overlap, get_args(Overlap))
        object.__setattr__(self, "grace", _seconds(self.grace))
        if next(self.ticks(datetime.now(UTC)), None) is None:
            raise ValueError(f"Cron({self.expression!r}) never comes true: no day of the next fifty years is like that")

    @property
    def zone(self) -> ZoneInfo:
        """The time zone."""
        return _zone(self.tz)

    @property
    def grace_seconds(self) -> float:
        """The grace, in seconds."""
        return _seconds(self.grace)

    def ticks(self, after: datetime) -> Iterator[datetime]:
        """All ticks later than a moment (an aware datetime), in their order, as aware datetimes in the zone."""
        if after.tzinfo is None:
            raise ValueError(f"{after.isoformat()} has no time zone; for example tzinfo=UTC")
        return ticks(self.expression, self.zone, after)

    def next_after(self, moment: datetime) -> datetime:
        """The first tick later than a moment."""
        return next(self.ticks(moment))


def _checked(expression: str) -> str:
    """The expression with single spaces; raises ValueError."""
    fields = expression.split()
    if len(fields) != 5:
        hint = "; seconds cannot be given" if len(fields) == 6 else ""
        raise ValueError(f"Cron({expression!r}) has {len(fields)} fields, not five{hint}: write {_FIELDS}")
    try:
        CronSim(expression, datetime(2000, 1, 1))
    except (CronSimError, ValueError) as refused:
        reason = str(refused)[:1].lower() + str(refused)[1:]
        raise ValueError(f"Cron({expression!r}): {reason}: write {_FIELDS}") from None
    return " ".join(fields)


def _zone(name: str) -> ZoneInfo:
    try:
        return ZoneInfo(name)
    except (KeyError, ValueError, OSError):  # what is no name, or names a directory
        pass
    known = {zone.lower(): zone for zone in available_timezones()}
    close = difflib.get_close_matches(name.lower(), known, n=3, cutoff=0.6)
    hint = f"did you mean {' or '.join(known[zone] for zone in close)}?" if close else 'write it as "Europe/Lisbon"'
    raise ValueError(f"there is no time zone {name!r}: {hint}")


def _one_of(option: str, value: object, allowed: tuple[str, ...]) -> None:
    if value not in allowed:
        raise ValueError(f"{option} is {', '.join(map(repr, allowed[:-1]))} or {allowed[-1]!r}, not {value!r}")


def _seconds(grace: float | timedelta) -> float:
    seconds = grace.total_seconds() if isinstance(grace, timedelta) else float(grace)
    if not 0.0 <= seconds <= _LONGEST_GRACE:
        raise ValueError(f"grace is between 0 seconds and one year, not {grace!r}")
    return seconds
