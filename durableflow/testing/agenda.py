"""What is to be done when, in virtual time: nothing waits, the clock jumps from one entry to the next."""

import heapq
from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime

from durableflow.errors import SimulationError

Action = Callable[[], object]


@dataclass(slots=True)
class Entry:
    """Something to be done. action: None where it is not to be done any more."""

    action: Action | None

    def drop(self) -> None:
        """Take it off the agenda."""
        self.action = None


class Agenda:
    """now: the virtual time. Entries of one time are done in the order in which they were made."""

    def __init__(self, now: datetime) -> None:
        self.now = now
        self._entries: list[tuple[datetime, int, Entry]] = []
        self._made = 0
        self._left = 0

    def at(self, moment: datetime, action: Action) -> Entry:
        """Have something done at a time; one that has passed is now."""
        entry = Entry(action)
        self._made += 1
        heapq.heappush(self._entries, (max(moment, self.now), self._made, entry))
        return entry

    def soon(self, action: Action) -> Entry:
        """Have something done now, after what is to be done now already."""
        return self.at(self.now, action)

    def next_at(self) -> datetime | None:
        """The time of the next entry; None: there is none."""
        while self._entries and self._entries[0][2].action is None:
            heapq.heappop(self._entries)
        return self._entries[0][0] if self._entries else None

    def allow(self, most: int) -> None:
        """Let so many entries be done before this counts as running for ever."""
        self._left = most

    def do_next(self) -> None:
        """Do the next entry, at its time. Raises SimulationError where that were too many."""
        self._left -= 1
        if self._left < 0:
            raise SimulationError(
                f"this does not come to an end: it is {self.now.isoformat()} in the simulation, and there is ever more "
                "to do. Does a workflow poll what a mock never gives? run_until() stops at a time, and "
                "Simulation(..., most=) allows more"
            )
        moment, _, entry = heapq.heappop(self._entries)
        action, entry.action = entry.action, None
        assert action is not None, "next_at() has removed what was dropped"
        self.now = moment
        action()
