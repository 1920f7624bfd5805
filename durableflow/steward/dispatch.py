"""Keep a window of each queue in the broker, and send again what got lost there."""

from durableflow.steward import threads
from durableflow.steward.duty import Done
from durableflow.steward.leadership import LeaderDuty, Leadership
from durableflow.steward.post import Post
from durableflow.steward.settings import StewardSettings
from durableflow.store import dispatch
from durableflow.store.dispatch import Load
from durableflow.store.successor import Connection

# While steps come and go, a wide fan-out may be next: what its own transaction did not send waits here.
_LIVELY = 0.2
_LIVELY_FOR = 5.0
_SOON = 0.05

# Where the broker holds a window already, so many repetitions are let in each half minute: a queue that nobody serves
# must not fill up with them, and one that others fill must not keep a lost message from being sent again.
TRICKLE = 10


class Dispatch(LeaderDuty):
    """Both halves live on one look at ``ready``: what was never sent, and what was sent long ago."""

    name = "dispatch"
    interval = 1.0

    def __init__(self, settings: StewardSettings, leadership: Leadership, post: Post) -> None:
        super().__init__(leadership)
        self._window = settings.window
        self._post = post
        self._lively_until = 0.0
        self._seen: list[tuple[str, int, bool]] = []
        self._trickled_at: dict[str, float] = {}

    def run_once(self, conn: Connection) -> Done:
        if not self._post.free:
            return Done(again=_LIVELY)
        sent, again = 0, self.interval
        loads = dispatch.loads(conn)
        seen = [(load.queue, load.dispatched, load.due) for load in loads]
        if seen != self._seen:
            self._seen, self._lively_until = seen, threads.monotonic() + _LIVELY_FOR
        for load in loads:
            sent += self._fill(conn, load)
            if load.overdue and self._post.knows(load.queue):
                sent += self._repeat(conn, load)
            elif load.overdue:
                again = min(again, _SOON)  # the broker has been asked how full the queue is
            if load.next_in is not None:
                again = min(again, max(load.next_in, 0.01))
        return Done(sent, again=min(again, _LIVELY) if threads.monotonic() < self._lively_until else again)

    def _fill(self, conn: Connection, load: Load) -> int:
        room = self._window - load.dispatched
        messages = dispatch.dispatch(conn, load.queue, limit=room) if load.due and room > 0 else []
        self._post.send(messages)
        full = len(messages) >= room
        if full and not load.congested:
            dispatch.congest(conn, load.queue)
        elif load.congested and not full:
            dispatch.relieve(conn, load.queue)
        return len(messages)

    def _repeat(self, conn: Connection, load: Load) -> int:
        depth = self._post.depth(load.queue)
        room = self._window - (depth or 0)
        if room <= 0:
            if threads.monotonic() - self._trickled_at.get(load.queue, 0.0) < dispatch.REDISPATCH_CAP:
                return 0
            self._trickled_at[load.queue], room = threads.monotonic(), TRICKLE
        messages = dispatch.redispatch(conn, load.queue, depth=depth, limit=room)
        self._post.send(messages)
        return len(messages)
