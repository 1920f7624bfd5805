"""Hold the lease, if nobody else does."""

from collections.abc import Callable
from uuid import UUID

from durableflow.steward import threads
from durableflow.steward.duty import Done, Duty
from durableflow.steward.settings import StewardSettings
from durableflow.steward.watch import Watch
from durableflow.store import elect
from durableflow.store.successor import Connection


class Leadership(Duty):
    """One worker leads. The others read the lease when it is about to run out, and take it once it has.

    worker_id: the present registration, None before the first; able: whether this worker could do a leader's work. One
    whose broker hangs lets others try first.
    """

    name = "leadership"

    def __init__(
        self, settings: StewardSettings, worker_id: Callable[[], UUID | None], able: Callable[[], bool] = lambda: True
    ) -> None:
        self.interval = settings.renewal
        self._lease = settings.lease
        self._worker_id = worker_id
        self._able = able
        self._until = 0.0
        self._holder: UUID | None = None
        self._yields_until = 0.0
        self.watch = Watch()

    @property
    def leads(self) -> bool:
        """Whether this worker leads, as far as it can tell by its own clock."""
        return threads.monotonic() < self._until

    def start(self, conn: Connection) -> None:
        self.watch.start(conn)

    def run_once(self, conn: Connection) -> Done:
        done = self._contend(conn)
        self.watch.look(conn)
        return done

    def _contend(self, conn: Connection) -> Done:
        if self.leads and not self._able():
            self.stop(conn)
            self._yields_until = threads.monotonic() + 2 * self._lease
        now = threads.monotonic()
        if not self.leads:
            left = elect.seconds_left(conn)
            if left > 0 or now < self._yields_until:
                return Done(again=max(left, 0.05) if now >= self._yields_until else self._yields_until - now)
        holder = self._worker_id()
        if holder is None:
            return Done(again=0.05)  # not registered yet
        if not elect.hold(conn, holder, seconds=self._lease):
            self._until = 0.0
            return Done()
        first, self._holder = not self.leads, holder
        self._until = now + self._lease
        return Done(int(first))

    def stop(self, conn: Connection) -> None:
        self._until = 0.0
        if self._holder is not None:
            elect.resign(conn, self._holder)
            self._holder = None


class LeaderDuty(Duty):
    """A duty that only the leader does, to save work: each is correct when two do it."""

    def __init__(self, leadership: Leadership) -> None:
        self.leadership = leadership

    def wanted(self) -> bool:
        return self.leadership.leads
