"""Say that this worker lives, and what it holds."""

import logging
import os
import random
import socket
from collections.abc import Callable, Collection, Sequence
from uuid import UUID, uuid4

from durableflow.steward.duty import Done, Duty
from durableflow.steward.settings import StewardSettings
from durableflow.store import heartbeat, register
from durableflow.store.successor import Connection

log = logging.getLogger("durableflow.steward")

Holds = Callable[[], "Collection[str] | None"]


class Heartbeat(Duty):
    """Registers the worker, beats, and registers it anew after it was declared dead.

    The session lock belongs to this duty's connection: a new connection takes a lock of its own under a fresh key, and
    the worker row is made to name that one. (The server may hold the old lock for a while yet, for a peer that it has
    not missed.)
    """

    name = "heartbeat"

    def __init__(
        self, settings: StewardSettings, boot: UUID, queues: Sequence[str], versions: Sequence[str], holds: Holds
    ) -> None:
        self.interval = settings.heartbeat
        self.worker_id: UUID | None = None
        self._settings = settings
        self._boot = boot
        self._queues = queues
        self._versions = versions
        self._holds = holds
        self._lock_key: int | None = None

    def start(self, conn: Connection) -> None:
        if self._settings.session_locks:
            key = random.getrandbits(63)  # a name, not a secret
            register.hold_lock(conn, key)
            self._lock_key = key
        if self.worker_id is None:
            self._register(conn)
        elif not register.rejoin(conn, self.worker_id, lock_key=self._lock_key):
            self._rise(conn)

    def run_once(self, conn: Connection) -> Done:
        assert self.worker_id is not None
        if heartbeat.beat(conn, self.worker_id, self._held()):
            return Done()
        self._rise(conn)
        return Done(1)

    def stop(self, conn: Connection) -> None:
        if self.worker_id is not None:
            register.leave(conn, self.worker_id)

    def _held(self) -> Collection[str]:
        try:
            return self._holds() or ()
        except Exception as error:  # whatever is wrong there, the worker lives
            log.debug("what this worker holds is not known: %s", error)
            return ()

    def _rise(self, conn: Connection) -> None:
        log.warning("worker %s was declared dead while it was silent: it goes on under a new id", self.worker_id)
        self._register(conn)

    def _register(self, conn: Connection) -> None:
        worker_id = uuid4()
        register.register(
            conn,
            worker_id,
            boot=self._boot,
            hostname=socket.gethostname(),
            pid=os.getpid(),
            queues=self._queues,
            versions=self._versions,
            lock_key=self._lock_key,
        )
        self.worker_id = worker_id
