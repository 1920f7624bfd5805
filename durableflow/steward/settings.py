"""The times and limits of the steward, in seconds unless the name says otherwise."""

from dataclasses import dataclass

from durableflow.errors import ConfigurationError


@dataclass(frozen=True, slots=True)
class StewardSettings:
    """What may be tuned. The defaults find a killed worker, and run its steps elsewhere, in under three seconds.

    worker_timeout: silence after which a worker is dead whatever its lock says; quick_timeout: silence that is enough
    when its session lock is gone as well; heartbeat: between two beats; lease: how long leadership lasts unrenewed;
    renewal: between two renewals; max_losses: workers that one step may lose before it fails; window: most messages
    of a queue that are in the broker at a time; retention: age after its end at which a run is removed, None: never;
    session_locks: False behind PgBouncer in transaction mode, where a lock belongs to nobody.
    """

    worker_timeout: float = 10.0
    quick_timeout: float = 1.5
    heartbeat: float = 0.5
    lease: float = 1.5
    renewal: float = 0.5
    max_losses: int = 3
    window: int = 1000
    retention: float | None = None
    session_locks: bool = True

    def __post_init__(self) -> None:
        if self.worker_timeout < 4 * self.heartbeat:
            raise ConfigurationError(
                f"{self.worker_timeout:g} s of silence do not tell a dead worker from one that beats every "
                f"{self.heartbeat:g} s: set DURABLEFLOW_WORKER_TIMEOUT to {4 * self.heartbeat:g} or more"
            )
        if self.lease < 2 * self.renewal:
            raise ConfigurationError(f"a lease of {self.lease:g} s is too short to be renewed each {self.renewal:g} s")
