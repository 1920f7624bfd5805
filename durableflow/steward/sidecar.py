"""The steward of one worker process, put together."""

import socket
from collections.abc import Sequence
from typing import Any
from uuid import UUID

from durableflow import signals
from durableflow.language.schedules import Entry
from durableflow.steward import threads
from durableflow.steward.audit import Audit
from durableflow.steward.bury import Bury
from durableflow.steward.dispatch import Dispatch
from durableflow.steward.duty import Job, Rota
from durableflow.steward.heartbeat import Heartbeat, Holds
from durableflow.steward.leadership import Leadership
from durableflow.steward.link import Link
from durableflow.steward.post import Depth, Post, Publish
from durableflow.steward.prune import Prune
from durableflow.steward.rescue import Rescue
from durableflow.steward.schedules import NewTick, Schedules
from durableflow.steward.settings import StewardSettings
from durableflow.steward.telling import Herald, give_back
from durableflow.steward.unpark import Unpark
from durableflow.steward.wake_due import WakeDue
from durableflow.store import advance, audit
from durableflow.store.successor import Connection

_BROKER_HANGS = 5.0


class Sidecar:
    """Runs the duties of a worker, and those of the leader while it leads. The package's docstring shows its use.

    database: conninfo or URL; boot: the id that the worker's children inherit; queues, versions: what this worker
    consumes, and can advance; publish, depth, holds: how to reach the worker's Celery, see the package; schedules,
    new_tick: those of its application, and what a tick of one starts.
    """

    def __init__(
        self,
        *,
        database: str,
        boot: UUID,
        queues: Sequence[str],
        versions: Sequence[str],
        publish: Publish,
        depth: Depth,
        holds: Holds,
        settings: StewardSettings | None = None,
        schedules: Sequence[Entry] = (),
        new_tick: NewTick | None = None,
    ) -> None:
        settings = settings or StewardSettings()
        self._settings = settings
        self._post = Post(publish, depth)
        self._heartbeat = Heartbeat(settings, boot, queues, versions, holds)
        self._herald = Herald()
        self._audit = Audit(settings, self._known_as, holds, tell=self._herald.tell)
        leadership = Leadership(settings, self._known_as, able=lambda: self._post.stuck_for < _BROKER_HANGS)
        bury = Bury(settings, leadership, self._herald.tell)
        rescue = Rescue(settings, leadership, self._herald.tell)
        unpark, wake_due = Unpark(leadership), WakeDue(settings, leadership, self._post, queues)
        dispatch, prune = Dispatch(settings, leadership, self._post), Prune(settings, leadership)
        own = [Schedules(schedules, new_tick, self._post, settings.retention)] if new_tick is not None else []
        self.leadership = leadership
        leadership.hurries = (bury, rescue, unpark, wake_due, dispatch)
        bury.hurries = (rescue, wake_due, dispatch)
        rescue.hurries = self._audit.hurries = (wake_due, dispatch)
        unpark.hurries = (wake_due,)
        self._pulse = Rota("heartbeat", Link(database, settings, "heartbeat"), [self._heartbeat])
        self._duties = Rota(
            "duties",
            Link(database, settings, "duties"),
            [leadership, self._audit, bury, rescue, unpark, wake_due, dispatch, prune, *own],
        )

    @property
    def worker_id(self) -> UUID | None:
        """The id of the present registration. None: there was none yet."""
        return self._heartbeat.worker_id

    def start(self) -> None:
        """Begin; returns at once, whether or not the database or the broker can be reached."""
        self._post.start()
        self._pulse.start()
        self._duties.start()

    def stop(self, seconds: float = 5.0) -> None:
        """Resign, send what is in hand, mark the worker as stopped. Takes at most about ``seconds``."""
        until = threads.monotonic() + seconds
        self._duties.stop(seconds / 2)
        self._herald.stop(min(seconds / 8, until - threads.monotonic()))
        self._post.stop(min(seconds / 4, until - threads.monotonic()))
        self._pulse.stop(until - threads.monotonic())  # last: what still runs is a living worker's until here

    def submit(self, job: Job) -> None:
        """Run ``job(conn)`` on the steward's thread, as soon as there is a connection. From any thread."""
        self._duties.submit(job)

    def child_lost(self, pid: int) -> None:
        """A pool child died: give back what it had claimed, and only that. From any thread.

        By worker and process, not by step: the step may be running again, under a newer attempt.
        """

        def release(conn: Connection) -> None:
            worker_id = self._known_as()
            if worker_id is None:
                return  # it was never known, and nothing was claimed in its name
            for claim in audit.own_claims(conn, worker_id):
                if claim.pid == pid:
                    give_back(conn, claim, self.tell, max_losses=self._settings.max_losses, own=True)
            for duty in self._audit.hurries:
                self._duties.hurry(duty)
            self._tell_child_lost(worker_id, pid)

        self._duties.submit(release)

    def turn_lost(self, run_id: UUID, pid: int | None = None) -> None:
        """A pool child died that was advancing this run: others may do so soon. From any thread. pid: the child's."""

        def release(conn: Connection) -> None:
            worker_id = self._known_as()
            if worker_id is None:
                return
            advance.shorten_lease(conn, run_id, worker_id)
            if pid is not None:
                self._tell_child_lost(worker_id, pid)

        self._duties.submit(release)

    def tell(self, signal: signals.Signal, sender: str, /, **facts: Any) -> None:
        """Send a signal without waiting for its receivers. From a job, after its commit."""
        self._herald.tell(signal, sender, **facts)

    def _tell_child_lost(self, worker_id: UUID, pid: int) -> None:
        host = socket.gethostname()
        self.tell(signals.worker_lost, host, worker_id=worker_id, hostname=host, pid=pid, child=True, silence=None)

    def _known_as(self) -> UUID | None:
        return self._heartbeat.worker_id
