"""Waiting for the end of a run: short looks at its row, at first often, then four times a second."""

import time
from collections.abc import Callable
from datetime import timedelta
from typing import Any
from uuid import UUID

from durableflow import codec
from durableflow.client.database import Connection, Database
from durableflow.errors import DatabaseUnreachable, ResultTimeout, RunCancelled, RunFailed, RunNotFound
from durableflow.language.results import described
from durableflow.store import load
from durableflow.store.load import RunState

FIRST_PAUSE = 0.005
LONGEST_PAUSE = 0.25
GROWTH = 1.4

PATIENCE = 60.0
"""Seconds without a database for which a wait goes on: a restart of PostgreSQL is no answer to the question."""


def wait(database: Database, run_id: UUID, timeout: float | timedelta | None) -> RunState:
    """Look until the run has ended. Raises ResultTimeout, RunNotFound, DatabaseUnreachable."""
    seconds = timeout.total_seconds() if isinstance(timeout, timedelta) else timeout
    deadline = None if seconds is None else time.monotonic() + seconds
    away_since: float | None = None
    pause = FIRST_PAUSE
    while True:
        try:
            state = state_of(database, run_id)
            away_since = None
        except DatabaseUnreachable:
            now = time.monotonic()
            away_since = away_since or now
            if now - away_since > PATIENCE or (deadline is not None and now >= deadline):
                raise
        else:
            if state.state != "running":
                return state
        left = pause if deadline is None else min(pause, deadline - time.monotonic())
        if left <= 0 and away_since is None:
            raise timed_out(database, state, seconds or 0.0)
        time.sleep(max(left, 0.0))
        pause = min(pause * GROWTH, LONGEST_PAUSE)


def state_of(database: Database, run_id: UUID) -> RunState:
    """The run's row, with one SELECT. Raises RunNotFound."""
    state = database.transact(lambda conn: load.run_state(conn, run_id))
    if state is None:
        raise not_found(run_id)
    return state


def not_found(run_id: UUID) -> RunNotFound:
    """What to raise where there is no such run."""
    return RunNotFound(f"there is no run {run_id}: its id is wrong, it was pruned, or its start was rolled back")


def outcome(database: Database, ended: RunState) -> Any:
    """What a run that has ended came to. Raises RunFailed with the workflow's exception as cause, or RunCancelled."""
    if ended.state == "cancelled":
        raise RunCancelled(f"run {ended.run_id} of {ended.workflow} was cancelled")
    text = ended.output if ended.state == "succeeded" else ended.error
    if text is None:
        raise AssertionError(f"run {ended.run_id} is {ended.state} and has nothing to show for it")
    decode = _decoder(database, ended.run_id)
    if ended.state == "succeeded":
        return decode(text)
    error = decode(text)
    if not isinstance(error, BaseException):
        raise RunFailed(f"run {ended.run_id} of {ended.workflow} failed: {text[:2000]}")
    raise RunFailed(f"run {ended.run_id} of {ended.workflow} failed: {described(error)}") from error


def _decoder(database: Database, run_id: UUID) -> Callable[[str], Any]:
    def decode(text: str) -> Any:
        blobs = {}
        if codec.references(text):
            blobs = database.transact(lambda conn: load.values(conn, run_id, [text]))
        return codec.decode(text, blobs=blobs)

    return decode


def timed_out(database: Database, state: RunState, seconds: float) -> ResultTimeout:
    """What to raise where a run has not ended in time."""

    def ask(conn: Connection) -> str | None:
        return load.waiting_for(conn, state.run_id)

    waits = f"it is parked: {state.parked_reason}" if state.parked_reason else None
    if waits is None:
        try:
            waits = f"it waits for {database.transact(ask) or 'a worker to look at it'}"
        except DatabaseUnreachable:
            waits = "what it waits for could not be read"
    return ResultTimeout(
        f"run {state.run_id} of {state.workflow} did not finish within {seconds:g} s: {waits}. "
        "The run goes on; ask again with result(), or stop it with cancel()"
    )
