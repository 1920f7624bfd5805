"""Declare dead workers dead."""

import logging

from durableflow import signals
from durableflow.steward.duty import Done
from durableflow.steward.leadership import LeaderDuty, Leadership
from durableflow.steward.settings import StewardSettings
from durableflow.steward.telling import Tell, tell_at_once
from durableflow.store import bury
from durableflow.store.successor import Connection

log = logging.getLogger("durableflow.steward")


class Bury(LeaderDuty):
    """Looks again when the most silent worker could have been silent for long enough, not before."""

    name = "bury"
    interval = 1.0

    def __init__(self, settings: StewardSettings, leadership: Leadership, tell: Tell = tell_at_once) -> None:
        super().__init__(leadership)
        self._tell = tell
        self._quick = settings.quick_timeout
        self._full = settings.worker_timeout

    def run_once(self, conn: Connection) -> Done:
        since = self.leadership.watch.since
        if since is None:
            return Done()
        signs = bury.signs(conn, since)
        if not self.leadership.watch.look(conn):
            return Done()  # the answer took too long: it tells how the database fared, not the workers
        buried, soonest = 0, self._quick
        for sign in signs:
            if sign.silence < self._quick:
                soonest = min(soonest, self._quick - sign.silence)
            elif bury.bury(conn, sign, since, quick=self._quick, full=self._full):
                buried += 1
                log.warning(
                    "worker %s (%s, process %d) is dead: silent for %.1f s; what it had claimed is run again",
                    sign.worker_id, sign.hostname, sign.pid, sign.silence,
                )  # fmt: skip
                self._tell(
                    signals.worker_lost, sign.hostname,
                    worker_id=sign.worker_id, hostname=sign.hostname, pid=sign.pid, child=False, silence=sign.silence,
                )  # fmt: skip
            else:
                soonest = min(soonest, self.interval / 2)  # silent, but its lock is there: look again soon
        return Done(buried, again=max(min(soonest, self.interval), 0.05))
