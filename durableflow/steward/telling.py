"""What the steward tells of by signals (``durableflow.signals``): workers that are dead, and steps that no attempt of
theirs can tell of.

A receiver is somebody else's code, and may hang. It must keep nobody from burying the dead, or from renewing a lease:
so receivers have a thread of their own, which begins with the first thing that there is to tell.
"""

import logging
from collections import deque
from typing import Any, Protocol

from durableflow import signals
from durableflow.steward.threads import Alarm, Thread
from durableflow.store import release
from durableflow.store.attempts import Running, running
from durableflow.store.messages import StepId
from durableflow.store.successor import Connection

log = logging.getLogger("durableflow.steward")

_MOST = 10_000
"""What may wait to be told while a receiver hangs; what comes then is dropped."""

_LONG = 3600.0


class Tell(Protocol):
    """Sends a signal, now or soon, if anybody is connected. Called after the commit of what it tells of."""

    def __call__(self, signal: signals.Signal, sender: str, /, **facts: Any) -> None: ...


def tell_at_once(signal: signals.Signal, sender: str, /, **facts: Any) -> None:
    """Call the receivers here and now."""
    signal.send(sender, **facts)


class Herald:
    """Calls receivers on a thread of its own, in the order in which it was told."""

    def __init__(self, most: int = _MOST) -> None:
        self._most = most
        self._waiting: deque[tuple[signals.Signal, str, dict[str, Any]]] = deque()
        self._alarm = Alarm()
        self._thread = Thread(self._loop)
        self._stopping = False
        self._full = False

    def tell(self, signal: signals.Signal, sender: str, /, **facts: Any) -> None:
        """Have the receivers called soon. From one thread: the one that the duties run on."""
        if not signal.receivers:
            return
        if len(self._waiting) >= self._most:
            if not self._full:
                log.error("a receiver of a signal hangs: %s and what follows is not told", signal.name)
            self._full = True
            return
        self._full = False
        self._waiting.append((signal, sender, facts))
        if not self._thread.alive:
            self._thread.start()
        self._alarm.set()

    def stop(self, seconds: float) -> bool:
        """Tell what there is still to tell, and end. False: a receiver hangs, and the thread was left to itself."""
        self._stopping = True
        self._alarm.set()
        return self._thread.join(seconds)

    def _loop(self) -> None:
        while True:
            while self._waiting:
                signal, sender, facts = self._waiting.popleft()
                signal.send(sender, **facts)
            if self._stopping:
                return
            self._alarm.wait(_LONG)


def give_back(conn: Connection, lost: release.Held, tell: Tell, *, max_losses: int, own: bool) -> release.Ending | None:
    """Release a lost attempt, as ``release`` does, and tell where that makes its step a dead letter."""
    attempt = None
    if lost.token is not None and lost.losses + 1 >= max_losses and signals.step_dead.receivers:
        attempt = running(conn, lost.step, lost.token)  # before its end: a redrive may take the step up after it
    ending = release.release(conn, lost, max_losses=max_losses, own=own)
    if ending == "failed" and attempt is not None:
        error = release.lost_error(lost)
        tell(signals.step_dead, attempt.name, **facts_of(lost.step, attempt), error=error, traceback="")
    return ending


def facts_of(step: StepId, attempt: Running) -> dict[str, Any]:
    """What every signal of a step carries."""
    return {
        "run_id": step.run_id,
        "workflow": attempt.workflow,
        "step": attempt.name,
        "rev": step.rev,
        "index": step.index,
        "attempt": attempt.attempt,
        "idempotency_key": attempt.idempotency_key,
    }
