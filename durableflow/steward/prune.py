"""Remove what is past its retention."""

import logging
from datetime import datetime
from uuid import UUID

from durableflow.steward.duty import Done
from durableflow.steward.leadership import LeaderDuty, Leadership
from durableflow.steward.settings import StewardSettings
from durableflow.store import prune
from durableflow.store.faults import is_transient
from durableflow.store.successor import Connection

log = logging.getLogger("durableflow.steward")

_KEEP_WORKERS = 24 * 3600.0
_BATCH = 50


class Prune(LeaderDuty):
    """Small batches with a pause between them; goes through all ended runs in the order of their ids."""

    name = "prune"
    interval = 60.0

    def __init__(self, settings: StewardSettings, leadership: Leadership) -> None:
        super().__init__(leadership)
        self._retention = settings.retention
        self._after: UUID | None = None

    def run_once(self, conn: Connection) -> Done:
        removed, more = 0, False
        if self._retention is not None:
            moment = prune.horizon(conn, self._retention)
            batch = prune.ended_before(conn, moment, after=self._after, limit=_BATCH)
            removed = sum(self._prune(conn, run_id, moment) for run_id in batch)
            more = len(batch) == _BATCH
            self._after = batch[-1] if more else None
        if not more:
            prune.prune_workers(conn, keep=_KEEP_WORKERS)
        return Done(removed, again=0.2 if more else None)

    def _prune(self, conn: Connection, run_id: UUID, moment: datetime) -> int:
        try:
            return int(prune.prune(conn, run_id, moment))
        except Exception as error:
            if conn.closed:
                raise
            if not is_transient(error):
                log.error("run %s cannot be pruned: %s", run_id, error)
            return 0
