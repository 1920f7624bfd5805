"""Whether there are workers, and whether what they say of themselves can be."""

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

from durableflow.doctor.finding import Finding, danger, warning
from durableflow.doctor.patient import Patient

_LIVING = """
SELECT hostname, pid, queues, versions, extract(epoch FROM seen_at - durableflow_core.now())::float8
FROM durableflow_core.worker WHERE tombstone_at IS NULL ORDER BY started_at
"""

_LEADER = """
SELECT extract(epoch FROM durableflow_core.now() - max(expires_at))::float8 FROM durableflow_core.leadership
"""

_IN_THE_FUTURE = 2.0
_LEADERLESS = 5.0


@dataclass(frozen=True, slots=True)
class Worker:
    """A registered worker. queues: that it consumes; versions: what it can run, as name@version; seen_in: seconds from
    now to its last sign of life, which is in the past, unless a clock went back."""

    hostname: str
    pid: int
    queues: tuple[str, ...]
    versions: frozenset[str]
    seen_in: float

    def __str__(self) -> str:
        return f"{self.hostname} (pid {self.pid})"


def registered(patient: Patient) -> list[Worker]:
    """The workers that nobody has declared dead. Raises NotMade."""
    rows: list[tuple[Any, ...]] = patient.records(_LIVING)
    return [Worker(host, pid, tuple(queues), frozenset(versions), seen) for host, pid, queues, versions, seen in rows]


def living(patient: Patient) -> list[Worker]:
    """Those of them that have given a sign of life lately. Raises NotMade."""
    return [worker for worker in registered(patient) if worker.seen_in > -patient.settings.worker_timeout]


def workers(patient: Patient) -> Iterator[Finding]:
    """There are workers, one of them leads, and they have this code."""
    alive = living(patient)
    if not alive:
        yield warning(
            "no worker is alive",
            "what is started waits until one is",
            "durableflow worker MODULE:ATTRIBUTE, or celery -A MODULE worker, with the same DURABLEFLOW_ variables",
        )
        return
    if len(alive) == 1:
        yield warning(
            "there is only one worker",
            "when it dies, nobody takes over what it was doing until it is started again",
            "start two or more, on different machines",
        )
    leaderless = patient.records(_LEADER)[0][0]
    if leaderless is None or leaderless > _LEADERLESS:
        yield danger(
            "no worker leads",
            "timers, retries and rescue wait: every worker takes part in the election, but none has won it lately",
            "look into the logs of the workers for durableflow.steward, and whether they reach the database",
        )
    here = set(patient.flow.registry.versions())
    unknown = sorted(here - {version for worker in alive for version in worker.versions})
    if unknown:
        yield warning(
            "no living worker has the code that is here",
            f"{', '.join(unknown[:5])}{' and more' if len(unknown) > 5 else ''}: runs that are started with this code "
            "are parked until a worker has it",
            "deploy this code to the workers first, and then to what starts runs",
        )


def seen_in_the_future(patient: Patient) -> Iterator[Finding]:
    """No worker was last seen at a time that has not come yet."""
    ahead = [worker for worker in registered(patient) if worker.seen_in > _IN_THE_FUTURE]
    if ahead:
        furthest = max(worker.seen_in for worker in ahead)
        yield danger(
            f"workers were last seen in the future, by up to {furthest:.0f} s",
            f"{', '.join(map(str, ahead[:5]))}: the database's clock went back, after a failover perhaps. One of them "
            "that dies is not missed, and its steps are not rescued, until that time has come",
            "set the clock of the database server right, and restart these workers",
        )
