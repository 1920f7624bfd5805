"""Whether the machines agree about the time.

PostgreSQL's clock decides about durable timers. Times that a client or a task computes by itself (deadlines, ETA,
expires) are of that machine's clock.
"""

import time
from collections.abc import Callable, Iterator
from typing import Any

from durableflow.client.database import Connection
from durableflow.doctor.finding import Finding, danger, warning
from durableflow.doctor.patient import Patient

_APART = 1.0
_FAR_APART = 30.0
_LOOKS = 3


def database_clock(patient: Patient) -> Iterator[Finding]:
    """This machine and PostgreSQL agree about the time."""
    # The clock that every statement of durableflow asks, where it is there.
    clock = b"durableflow_core.now()" if patient.has_tables else b"clock_timestamp()"

    def ask(connection: Connection) -> float:
        row = connection.execute(b"SELECT extract(epoch FROM %s)::float8" % clock).fetchone()
        assert row is not None
        return float(row[0])

    yield from _compared("PostgreSQL", lambda: patient.ask_database(lambda connection: _ahead(lambda: ask(connection))))


def broker_clock(patient: Patient) -> Iterator[Finding]:
    """This machine and Redis agree about the time."""

    def ask(client: Any) -> float:
        seconds, microseconds = client.time()
        return float(seconds) + float(microseconds) / 1e6

    yield from _compared("Redis", lambda: patient.ask_redis(lambda _, client: _ahead(lambda: ask(client))))


def _ahead(ask: Callable[[], float]) -> tuple[float, float]:
    """How far a server's clock is ahead of ours, in seconds, and how sure that is: of the quickest answer."""
    looks = []
    for _ in range(_LOOKS):
        before = time.time()
        theirs = ask()
        after = time.time()
        looks.append(((after - before) / 2, theirs - (before + after) / 2))
    uncertain, ahead = min(looks)
    return ahead, uncertain


def _compared(server: str, look: Callable[[], tuple[float, float]]) -> Iterator[Finding]:
    ahead, uncertain = look()
    apart = abs(ahead) - uncertain
    if apart <= _APART:
        return
    find = danger if apart > _FAR_APART else warning
    yield find(
        f"the clock of {server} is {abs(ahead):.1f} s {'ahead of' if ahead > 0 else 'behind'} that of this machine",
        "deadlines, ETA and expiry of tasks are computed by one clock and judged by another: work starts early or "
        "late, or expires before it has begun",
        "let NTP (chrony, systemd-timesyncd) set both clocks",
    )
