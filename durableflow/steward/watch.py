"""Since when this judge has been watching without a break.

Silence that nobody listened to proves nothing. A judge that was disconnected, frozen, or kept waiting by a database
that stood still begins to count anew.
"""

from datetime import datetime

from durableflow.steward import threads
from durableflow.store import bury
from durableflow.store.successor import Connection

BLIND = 3.0
"""Seconds without an answer from the database that make a judge start again. Longer than a lease, by which workers that
do not lead keep watching: whoever takes over from a dead leader can judge it at once."""


class Watch:
    """The unbroken watch of one connection. since: its beginning, by the database's clock, None before the first."""

    def __init__(self) -> None:
        self.since: datetime | None = None
        self._looked_at = 0.0

    def start(self, conn: Connection) -> None:
        """A connection was made: nothing before it was seen."""
        self.since = bury.clock(conn)
        self._looked_at = threads.monotonic()

    def look(self, conn: Connection) -> bool:
        """The database has just answered. False: the last answer was too long ago, and the watch begins now."""
        unbroken = self.since is not None and threads.monotonic() - self._looked_at <= BLIND
        if not unbroken:
            self.since = bury.clock(conn)
        self._looked_at = threads.monotonic()
        return unbroken
