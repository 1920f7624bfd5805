"""Let parked runs go on when a worker is there that can run them."""

import logging
from uuid import UUID

from durableflow.steward import threads
from durableflow.steward.duty import Done
from durableflow.steward.leadership import LeaderDuty, Leadership
from durableflow.store import unpark
from durableflow.store.successor import Connection

log = logging.getLogger("durableflow.steward")

_PAGE = 500


class Unpark(LeaderDuty):
    """Looks at intervals, not only when a worker registers: a run may be parked by one worker that cannot run it while
    another, which could, has long been there.

    again_after: seconds after which runs are tried again whose very version, or that of a routine that they stand in,
    nobody has. What a worker lacks is not in the tables: the secret key under which the stored source may be run, or a
    step that the source uses. A wasted look costs a message, and parks the run again without using up a try.
    """

    name = "unpark"
    interval = 5.0

    def __init__(self, leadership: Leadership, *, again_after: float = 30.0) -> None:
        super().__init__(leadership)
        self._again_after = again_after
        self._due = threads.monotonic() + again_after
        self._page: UUID | None = None

    def run_once(self, conn: Connection) -> Done:
        freed = 0
        for run_id in unpark.parked_but_able(conn):
            if unpark.unpark(conn, run_id):
                freed += 1
                log.info("run %s goes on: a worker that has its version is there", run_id)
        if threads.monotonic() >= self._due:
            freed += self._try_again(conn)
        return Done(freed)

    def _try_again(self, conn: Connection) -> int:
        found = unpark.parked_but_hopeful(conn, after=self._page, limit=_PAGE)
        self._page = found[-1] if len(found) == _PAGE else None
        if self._page is None:
            self._due = threads.monotonic() + self._again_after
        return sum(unpark.unpark(conn, run_id) for run_id in found)
