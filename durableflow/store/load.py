"""load: what others ask about a run, read as it is stored."""

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any
from uuid import UUID

from durableflow import codec
from durableflow.store.successor import Connection


@dataclass(frozen=True, slots=True)
class RunState:
    """A run as its row shows it. state: running, succeeded, failed or cancelled; output, error: codec texts."""

    run_id: UUID
    workflow: str
    state: str
    output: str | None
    error: str | None
    parked_reason: str | None


_RUN = """
SELECT id, workflow, state, output::text, error::text, parked_reason FROM durableflow_core.run WHERE id = %(run_id)s
"""

_RUNS = """
SELECT id, workflow, state, output::text, error::text, parked_reason
FROM durableflow_core.run WHERE id = ANY(%(run_ids)s)
"""

_WAITING_FOR = "SELECT waiting_for FROM durableflow.runs WHERE id = %(run_id)s"

_VALUES = """
SELECT hash, body::text FROM durableflow_core.value WHERE run_id = %(run_id)s AND hash = ANY(%(hashes)s)
"""


def run_state(conn: Connection, run_id: UUID) -> RunState | None:
    """The run's row. None: there is no such run."""
    row = conn.execute(_RUN, {"run_id": run_id}).fetchone()
    return None if row is None else RunState(*row)


def run_states(conn: Connection, run_ids: Iterable[UUID]) -> dict[UUID, RunState]:
    """The rows of several runs, by id. One that is not there is left out."""
    rows: list[tuple[Any, ...]] = conn.execute(_RUNS, {"run_ids": list(run_ids)}).fetchall()
    return {row[0]: RunState(*row) for row in rows}


def waiting_for(conn: Connection, run_id: UUID) -> str | None:
    """What the run waits for, in words. None: for nothing, or there is no such run."""
    row = conn.execute(_WAITING_FOR, {"run_id": run_id}).fetchone()
    return None if row is None or row[0] is None else str(row[0])


def values(conn: Connection, run_id: UUID, texts: Iterable[str | None]) -> dict[str, str]:
    """Every large value that these stored texts refer to, also by way of each other: hash to body.

    A hash that has no row is left out; the codec then refuses the text that needs it.
    """
    found: dict[str, str] = {}
    wanted = {reference for text in texts if text is not None for reference in codec.references(text)}
    while wanted:
        rows: list[tuple[Any, ...]] = conn.execute(_VALUES, {"run_id": run_id, "hashes": sorted(wanted)}).fetchall()
        found.update(rows)
        wanted = {reference for _, body in rows for reference in codec.references(body)} - found.keys()
    return found
