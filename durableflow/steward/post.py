"""The broker's thread. A broker may refuse, or hang; that must keep nobody from burying the dead.

One batch is in hand at a time. While it cannot be delivered it is tried again, and ``free`` is false: the duties that
publish wait, instead of marking more and more rows as dispatched. A batch that cannot be delivered for long is dropped:
its rows are still in PostgreSQL, and are dispatched again.
"""

import logging
from collections.abc import Callable, Collection, Sequence

from durableflow.steward import threads
from durableflow.steward.threads import Alarm, Thread
from durableflow.store.messages import Message

log = logging.getLogger("durableflow.steward")

Publish = Callable[[Sequence[Message]], None]
Depth = Callable[[str], "int | None"]

_FRESH = 1.0
_STALE = 5.0
_PATIENCE = 10.0
_FIRST_PAUSE = 0.1


class Post:
    """Publishes what it is given, in the order in which it was given, and knows how full the queues are.

    publish, depth: as handed to the sidecar; both may raise, block, or take long.
    """

    def __init__(self, publish: Publish, depth: Depth) -> None:
        self._publish = publish
        self._depth = depth
        self._batches: list[list[Message]] = []
        self._depths: dict[str, tuple[float, int | None]] = {}
        self._asked: set[str] = set()
        self._waiting_since: float | None = None
        self._down = False
        self._pause = _FIRST_PAUSE
        self._stopping = False
        self._alarm = Alarm()
        self._thread = Thread(self._loop)

    def start(self) -> None:
        """Begin; returns at once."""
        self._thread.start()

    def stop(self, seconds: float) -> bool:
        """Send what is in hand, and end. False: the broker hangs, and the thread was left to itself."""
        self._stopping = True
        self._alarm.set()
        return self._thread.join(seconds)

    @property
    def free(self) -> bool:
        """Whether everything that was given has been delivered."""
        return not self._batches

    @property
    def stuck_for(self) -> float:
        """Seconds for which the broker has neither taken what there was to send nor answered; 0 where it works."""
        since = self._waiting_since
        return 0.0 if since is None else threads.monotonic() - since

    def send(self, messages: Sequence[Message]) -> None:
        """Publish these soon. Called only after the commit that marked them."""
        if messages:
            self._batches.append(list(messages))
            self._alarm.set()

    def knows(self, queue: str) -> bool:
        """Whether the broker has answered a moment ago how full the queue is. Otherwise it is asked now."""
        fresh = self._age(queue) <= _FRESH
        if not fresh:
            self._asked.add(queue)
            self._alarm.set()
        return fresh

    def depth(self, queue: str) -> int | None:
        """How many messages waited in the queue when the broker last answered. None: it cannot tell, or not lately."""
        return self._depths[queue][1] if self._age(queue) <= _STALE else None

    def busy(self, queues: Collection[str]) -> list[str]:
        """Those queues in which messages are known to wait. Those that are not known are asked about."""
        for queue in queues:
            self.knows(queue)
        return [queue for queue in queues if (self.depth(queue) or 0) > 0]

    def _age(self, queue: str) -> float:
        return threads.monotonic() - self._depths[queue][0] if queue in self._depths else float("inf")

    def _loop(self) -> None:
        while True:
            delivered = all(self._deliver(batch) for batch in list(self._batches))
            if self._stopping:
                return
            while self._asked:
                self._ask(self._asked.pop())
            if not delivered:
                self._alarm.wait(self._pause)
            elif not self._batches:
                self._alarm.wait(3600.0)

    def _deliver(self, batch: list[Message]) -> bool:
        self._waiting_since = self._waiting_since or threads.monotonic()
        try:
            self._publish(batch)
        except Exception as error:
            if not self._down:
                log.warning("cannot publish to the broker: %s; what waits is safe, and is sent when it is back", error)
            self._down = True
            self._pause = min(self._pause * 2, 2.0)
            if self.stuck_for > _PATIENCE:
                self._batches.remove(batch)
                self._waiting_since = None
            return False
        self._batches.remove(batch)
        self._waiting_since = None
        self._pause = _FIRST_PAUSE
        if self._down:
            log.info("the broker takes messages again")
        self._down = False
        return True

    def _ask(self, queue: str) -> None:
        self._waiting_since = self._waiting_since or threads.monotonic()
        try:
            depth = self._depth(queue)
        except Exception as error:
            log.debug("the depth of queue %s is not known: %s", queue, error)
            depth = None
        if not self._batches:
            self._waiting_since = None
        self._depths[queue] = (threads.monotonic(), depth)
