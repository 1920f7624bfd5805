"""Have runs looked at when their wakes are due."""

from collections.abc import Sequence

from durableflow.steward import threads
from durableflow.steward.dispatch import TRICKLE
from durableflow.steward.duty import Done
from durableflow.steward.leadership import LeaderDuty, Leadership
from durableflow.steward.post import Post
from durableflow.steward.settings import StewardSettings
from durableflow.store import wake_due
from durableflow.store.successor import Connection

_BATCH = 500
_AT_ONCE = 0.05
_LOCKED = 0.25  # what is due is being looked at just now, or is to go into a full queue
_SHARE = 10.0  # to find nothing among very many that wait for a full queue takes at the most one part of so many


class WakeDue(LeaderDuty):
    """Sleeps until the next wake is due, or for its interval: a wake may be inserted meanwhile that is due sooner."""

    name = "wake_due"
    interval = 1.0

    def __init__(self, settings: StewardSettings, leadership: Leadership, post: Post, queues: Sequence[str]) -> None:
        super().__init__(leadership)
        self._window = settings.window
        self._post = post
        self._queues = set(queues)  # and those of every run that was seen
        self._trickled_at = 0.0

    def run_once(self, conn: Connection) -> Done:
        if not self._post.free:
            return Done(again=0.2)
        next_in = wake_due.next_due(conn)
        if next_in is None or next_in > 0:
            return Done(again=self._until(next_in))
        busy = self._post.busy(self._queues)
        full, limit = self._full(busy)
        began = threads.monotonic()
        due = wake_due.wake_due(conn, busy=busy, full=full, limit=limit)
        self._post.send(due.messages)
        self._queues.update(message.queue for message in due.messages)
        again = _AT_ONCE if due.count else max(_LOCKED, _SHARE * (threads.monotonic() - began))
        return Done(len(due.messages), again=again)

    def _full(self, busy: Sequence[str]) -> tuple[Sequence[str], int]:
        """The queues that get nothing now. Once in a while they get a little: what fills them may not be ours."""
        full = [queue for queue in busy if (self._post.depth(queue) or 0) >= self._window]
        if full and threads.monotonic() - self._trickled_at >= wake_due.CAP:
            self._trickled_at = threads.monotonic()
            return (), TRICKLE
        return full, _BATCH

    def _until(self, next_in: float | None) -> float:
        return self.interval if next_in is None else min(max(next_in, 0.05), self.interval)
