"""Take back what dead workers had claimed or leased."""

import logging

from durableflow.steward import threads
from durableflow.steward.duty import Done
from durableflow.steward.leadership import LeaderDuty, Leadership
from durableflow.steward.settings import StewardSettings
from durableflow.steward.telling import Tell, give_back, tell_at_once
from durableflow.store import release, rescue
from durableflow.store.faults import is_transient
from durableflow.store.messages import StepId
from durableflow.store.successor import Connection

log = logging.getLogger("durableflow.steward")

_LEASES_EVERY = 5.0


class Rescue(LeaderDuty):
    """Goes through every claim of a dead worker, one short transaction each: a row that cannot be rescued is reported
    once, and keeps no other row waiting."""

    name = "rescue"
    interval = 1.0

    def __init__(
        self, settings: StewardSettings, leadership: Leadership, tell: Tell = tell_at_once, *, page: int = 200
    ) -> None:
        super().__init__(leadership)
        self._tell = tell
        self._max_losses = settings.max_losses
        self._page = page
        self._reported: set[StepId] = set()
        self._leases_at = 0.0

    def run_once(self, conn: Connection) -> Done:
        rescued, after, failed = 0, None, set[StepId]()
        while True:
            page = rescue.orphans(conn, after=after, limit=self._page)
            for orphan in page.orphans:
                try:
                    rescued += self._rescue(conn, orphan)
                except Exception as error:
                    if conn.closed:
                        raise
                    failed.add(orphan.step)
                    self._report(orphan.step, error)
            after = page.after
            if after is None:
                break
        self._reported &= failed
        return Done(rescued + self._leases(conn, bool(rescued)))

    def _rescue(self, conn: Connection, orphan: release.Held) -> int:
        ending = give_back(conn, orphan, self._tell, max_losses=self._max_losses, own=False)
        if ending is not None:
            log.info("step %s was lost with worker %s: %s", orphan.step, orphan.worker_id, ending)
        return int(ending is not None)

    def _report(self, step: StepId, error: Exception) -> None:
        if not is_transient(error) and step not in self._reported:
            self._reported.add(step)
            log.error("step %s cannot be rescued: %s; it is tried again each second", step, error)

    def _leases(self, conn: Connection, now: bool) -> int:
        if not now and threads.monotonic() - self._leases_at < _LEASES_EVERY:
            return 0
        self._leases_at = threads.monotonic()
        return rescue.release_leases(conn)

    def hurried(self) -> None:
        """A worker has just been buried: look at the leases as well."""
        self._leases_at = 0.0
