"""The steward: the duties that run beside the work, in every worker's parent process.

It knows PostgreSQL and no Celery; what it needs of the worker is handed in::

    sidecar = Sidecar(
        database="postgresql://...",   # conninfo; its two connections are its own
        boot=boot,                     # uuid.UUID, the value of DURABLEFLOW_BOOT that the pool children inherit
        queues=["durableflow", ...],   # the queues that this worker consumes
        versions=["checkout@3f2a..."], # the workflow versions that it can advance, as "name@version"
        publish=publish,               # publish(messages: Sequence[Message]) -> None; raises where the broker is away
        depth=depth,                   # depth(queue: str) -> int | None; None: this broker cannot tell
        holds=holds,                   # holds() -> set[str] | None: "<run_id>:<rev>:<index>" of reserved and active
                                       # requests; None while that is not known (the consumer is reconnecting)
        settings=StewardSettings(worker_timeout=10.0, window=1000, ...),
        schedules=entries,             # those of the worker's application
        new_tick=new_tick,             # new_tick(entry, at) -> NewRun: what a tick of one starts
    )
    sidecar.start()            # returns at once; works before the database or the broker can be reached
    sidecar.worker_id          # UUID of the present registration, None until the first one
    sidecar.child_lost(pid)    # a pool child died: what it had claimed is given back as lost, now
    sidecar.turn_lost(run_id, pid)  # a pool child died that was advancing this run: its lease ends soon
    sidecar.submit(job)        # job(conn) runs on the sidecar's thread and connection: for hooks of the event loop
    sidecar.tell(signal, ...)  # from a job, after its commit: has the receivers of a signal called
    sidecar.stop()             # at worker_shutdown, after the pool has drained: marks the worker as stopped

``start`` and ``stop`` never raise for a database that is away. Until ``stop`` the worker heartbeats, also during a warm
shutdown. ``publish`` and ``depth`` are called from a thread of their own, because a broker may hang: nothing else waits
for them. Where the process is patched by gevent, the threads and locks are the real ones.

Threads, each with its own reason: the *pulse* (connection 1: session lock and heartbeat, which nothing may delay), the
*duties* (connection 2: audit, leadership, and what a leader does), the *post* (the broker), and, where somebody is
connected to ``durableflow.signals``, the *herald* (receivers, which may hang). After a fork, the child's copies of both
sockets are closed by themselves; a child must never hold its dead parent's session lock.

What it costs: an idle worker sends about 190 statements a minute (120 of them beats), the one that leads about 520,
whatever the number of workers, sleeping timers and waiting steps; one that has schedules, 12 more.
``tests/steward/test_an_idle_system_is_asked_little`` counts them.
"""

from durableflow.steward.settings import StewardSettings
from durableflow.steward.sidecar import Sidecar

__all__ = ["Sidecar", "StewardSettings"]
