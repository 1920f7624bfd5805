"""The ticks of a cron expression in a time zone, also where the clock jumps. Pure.

cronsim knows the calendar; it is asked about wall times only. From a wall time to the moment is done here, because
cronsim goes over a change of the clock by whole hours, and loses ticks where the clock changes by half of one.

The rules at a change of the clock are those of Debian's cron. An expression whose minute or hour begins with ``*`` goes
by the time that passes: every quarter of an hour stays that. Any other names times of the day: one that the clock
skips is made up for right after the jump, once; one that comes twice counts the first time.
"""

from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from zoneinfo import ZoneInfo

from cronsim import CronSim

_SECOND = timedelta(seconds=1)

# No zone changes its offset twice within so short a time.
_HOP = timedelta(days=1)


def ticks(expression: str, zone: ZoneInfo, after: datetime) -> Iterator[datetime]:
    """The moments later than ``after``, in their order, as aware datetimes in the zone.

    Ends where the expression names no day within the next fifty years. Raises CronSimError; OverflowError in the year
    9999.
    """
    minute, hour, *_ = expression.split()
    passing = minute.startswith("*") or hour.startswith("*")
    moments = _as_time_passes if passing else _by_the_clock
    # All that is compared is in UTC: two datetimes of one zone are compared by their wall times, whatever their fold.
    return (moment.astimezone(zone) for moment in moments(expression, zone, after.astimezone(UTC)))


def _by_the_clock(expression: str, zone: ZoneInfo, last: datetime) -> Iterator[datetime]:
    for wall in CronSim(expression, last.astimezone(zone).replace(tzinfo=None)):
        moment = _first(zone, wall)
        if moment > last:  # not so for what was skipped together with another, or comes for the second time
            yield moment
            last = moment


def _first(zone: ZoneInfo, wall: datetime) -> datetime:
    """The first moment at which the clocks show this time, or the one after the jump in which they skip it."""
    local = wall.replace(tzinfo=zone)
    moment = local.astimezone(UTC)
    if moment.astimezone(zone).replace(tzinfo=None) == wall:
        return moment
    before, after = local.replace(fold=1).astimezone(UTC), moment
    return _bisect(zone, before, after, _offset(zone, before))


def _as_time_passes(expression: str, zone: ZoneInfo, last: datetime) -> Iterator[datetime]:
    """Between two changes of the clock, wall times and moments differ by a constant."""
    offset = _offset(zone, last)
    more = True
    while more:
        more = False
        for wall in CronSim(expression, (last + offset).replace(tzinfo=None)):
            moment = wall.replace(tzinfo=UTC) - offset
            change = _change(zone, last, moment, offset)
            if change is not None:
                last, offset, more = change - _SECOND, _offset(zone, change), True
                break
            yield moment
            last = moment


def _change(zone: ZoneInfo, after: datetime, until: datetime, offset: timedelta) -> datetime | None:
    """The first moment later than ``after``, and not than ``until``, at which the offset is another one."""
    while after < until:
        hop = min(after + _HOP, until)
        if _offset(zone, hop) != offset:
            return _bisect(zone, after, hop, offset)
        after = hop
    return None


def _bisect(zone: ZoneInfo, before: datetime, after: datetime, offset: timedelta) -> datetime:
    """The second at which the clocks leave the offset that they have at ``before``, and have no more at ``after``."""
    low, high = 0, int((after - before) / _SECOND)
    while high - low > 1:
        middle = (low + high) // 2
        if _offset(zone, before + middle * _SECOND) == offset:
            low = middle
        else:
            high = middle
    return before + high * _SECOND


def _offset(zone: ZoneInfo, moment: datetime) -> timedelta:
    offset = moment.astimezone(zone).utcoffset()
    assert offset is not None
    return offset
