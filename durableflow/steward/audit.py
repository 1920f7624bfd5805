"""Give back what this worker's own children had claimed and execute no longer."""

import logging
import os
from collections.abc import Callable, Collection
from uuid import UUID

from durableflow.steward import threads
from durableflow.steward.duty import Done, Duty
from durableflow.steward.heartbeat import Holds
from durableflow.steward.settings import StewardSettings
from durableflow.steward.telling import Tell, give_back, tell_at_once
from durableflow.store import audit, release
from durableflow.store.successor import Connection

log = logging.getLogger("durableflow.steward")

# A claim is committed in a child before its parent has heard that the child began, and a broker that is away keeps the
# parent from hearing anything; so a claim without a request must be seen so for this long, by a parent that hears.
_GRACE = 5.0


class Audit(Duty):
    """Two kinds of evidence: the child that claimed is dead; or no request of this worker is about the step any more
    (a child that lives on, but could not commit how the attempt ended)."""

    name = "audit"
    interval = 5.0

    def __init__(
        self,
        settings: StewardSettings,
        worker_id: Callable[[], UUID | None],
        holds: Holds,
        alive: Callable[[int], bool] | None = None,
        tell: Tell = tell_at_once,
    ) -> None:
        self._max_losses = settings.max_losses
        self._worker_id = worker_id
        self._holds = holds
        self._alive = alive or is_alive
        self._tell = tell
        self._unheld_since: dict[UUID, float] = {}

    def run_once(self, conn: Connection) -> Done:
        worker_id = self._worker_id()
        if worker_id is None:
            return Done()
        claims = audit.own_claims(conn, worker_id)
        unheld = self._unheld(claims, self._holds())
        released = 0
        for claim in claims:
            dead = not self._alive(claim.pid)
            if dead or claim.token in unheld or claim.token is None:
                ending = give_back(conn, claim, self._tell, max_losses=self._max_losses, own=True)
                released += ending is not None
                if ending is not None:
                    reason = f"process {claim.pid} died" if dead else "no request is about it any more"
                    log.warning("step %s was lost (%s): %s", claim.step, reason, ending)
        return Done(released)

    def _unheld(self, claims: Collection[release.Held], holds: Collection[str] | None) -> set[UUID]:
        """Attempts for which there has been no request for long enough."""
        if holds is None:
            self._unheld_since.clear()
            return set()
        now = threads.monotonic()
        without = {claim.token for claim in claims if claim.token is not None and str(claim.step) not in holds}
        self._unheld_since = {token: self._unheld_since.get(token, now) for token in without}
        return {token for token, since in self._unheld_since.items() if now - since >= _GRACE}


def is_alive(pid: int) -> bool:
    """Whether a process of this host runs. One that has ended and was not yet waited for does not."""
    try:
        os.kill(pid, 0)
    except ProcessLookupError:
        return False
    except OSError:
        return True  # it is there, and belongs to somebody else
    try:
        with open(f"/proc/{pid}/stat", "rb") as stat:
            state = stat.read().rpartition(b")")[2].split()[0]
    except (OSError, IndexError):
        return not os.path.isdir("/proc/self")
    return state not in (b"Z", b"X")
