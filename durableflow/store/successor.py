"""The one way in which a run moves on: the insert of rev + 1 and of all that is born of it, as SQL to be shared.

A transition supplies a CTE named ``gate`` that has a row if, and only if, it may move the run on (the step was still
ours, the wakes are still there). Everything else hangs on it:

- ``prev`` locks the checkpoint that is left FOR KEY SHARE: a worker that was frozen while old checkpoints were pruned
  finds nothing, and cannot insert a rev that existed before;
- the primary key (run_id, rev) makes two successors impossible: the loser's statement fails with UniqueViolation;
- a suspended run's steps, their ``ready`` rows, timers and join counters, or a finished run's last state, are in the
  same statement, hence in the same commit.

What the await looks at beyond its own steps is `look_again`'s business, in the same transaction.

Nothing here publishes: the messages of the steps that may go to the broker at once are given back, for afterwards.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from functools import cache
from typing import Any
from uuid import UUID

import psycopg

from durableflow.language.turn import Fail, Finish, Suspend
from durableflow.store.launch import launch_messages, launch_parameters, launch_sql, launched
from durableflow.store.messages import Message, advance_message

Turn = Suspend | Finish | Fail
Connection = psycopg.Connection[tuple[Any, ...]]


@dataclass(frozen=True, slots=True)
class Moved:
    """The run is at rev now. messages: to be published; finished: the run has ended."""

    rev: int
    messages: Sequence[Message]
    finished: bool


_PREV = """
prev AS (
    SELECT c.run_id FROM durableflow_core.checkpoint AS c, gate
    WHERE c.run_id = %(run_id)s AND c.rev = %(rev)s
    FOR KEY SHARE OF c
)"""

_CHECKPOINT = """
next AS (
    INSERT INTO durableflow_core.checkpoint
        (run_id, rev, kind, state, line, variables, awaits, frames, opens, created_at)
    SELECT run_id, %(rev)s + 1, %(next_kind)s, %(state)s, %(line)s, %(variables)s::json, %(awaits)s::json,
           %(frames)s::json, %(opens)s, durableflow_core.now()
    FROM prev
    RETURNING run_id, rev
)"""

_VALUES = """
large AS (
    INSERT INTO durableflow_core.value (run_id, hash, body)
    SELECT prev.run_id, v.hash, v.body::json
    FROM prev, unnest(%(hashes)s::text[], %(bodies)s::text[]) AS v(hash, body)
    ON CONFLICT DO NOTHING
)"""

# A child's parent is told by a wake: never two runs in one transaction, but for the insert of something new.
_END = """
ended AS (
    UPDATE durableflow_core.run AS r
    SET state = %(run_state)s, output = %(run_output)s::json, error = %(run_error)s::json,
        finished_at = durableflow_core.now(), parked_reason = NULL
    FROM next WHERE r.id = next.run_id AND r.state = 'running'
    RETURNING r.parent_id, r.parent_rev, r.parent_index
), quiet AS (
    DELETE FROM durableflow_core.wake AS w USING next WHERE w.run_id = next.run_id
)"""

TELL = """
told AS (
    INSERT INTO durableflow_core.wake (run_id, reason, rev, index, due_at, visible_at)
    SELECT parent_id, 'child', parent_rev, parent_index, durableflow_core.now(),
           durableflow_core.now() + interval '2 seconds'
    FROM ended WHERE parent_id IS NOT NULL
    RETURNING run_id
)"""

TOLD = """(
    SELECT json_build_array(p.id, p.queue, p.priority)
    FROM told JOIN durableflow_core.run AS p ON p.id = told.run_id)"""


def successor_sql(turn: Turn) -> str:
    """The CTEs that follow a transition's ``gate``, with only the parts that this turn needs."""
    if isinstance(turn, Suspend):
        large = bool(turn.variables.blobs) or any(spec.input.blobs for spec in turn.steps)
        return _ctes(large, False) + launch_sql(turn.steps)
    value = turn.output if isinstance(turn, Finish) else turn.error
    return _ctes(bool(value.blobs), True)


@cache
def _ctes(values: bool, ends: bool) -> str:
    ctes = [_PREV, _CHECKPOINT]
    if values:
        ctes.append(_VALUES)
    if ends:
        ctes += [_END, TELL]
    return ",".join(ctes)


def successor_result(turn: Turn) -> str:
    """The columns that ``moved`` reads."""
    if not isinstance(turn, Suspend):
        return f"(SELECT count(*) FROM next), {TOLD}"
    return f"(SELECT count(*) FROM next), {launched(turn.steps)}"


def successor_parameters(run_id: UUID, rev: int, turn: Turn) -> dict[str, object]:
    """The parameters of ``successor_sql``; rev: the one that is left."""
    parameters: dict[str, object] = {"run_id": run_id, "rev": rev}
    if isinstance(turn, Suspend):
        parameters |= {
            "next_kind": "advance",
            "state": turn.state,
            "line": turn.line,
            "variables": turn.variables.text,
            "awaits": turn.awaits,
            "frames": turn.frames,
            "opens": turn.opens,
        }
        blobs = dict(turn.variables.blobs)
        for spec in turn.steps:
            blobs.update(spec.input.blobs)
        parameters |= launch_parameters(turn.steps)
    else:
        finishes = isinstance(turn, Finish)
        value = turn.output if isinstance(turn, Finish) else turn.error
        parameters |= {
            "next_kind": "finish" if finishes else "fail",
            "state": None,
            "line": None,
            "variables": None,
            "awaits": None,
            "frames": None,
            "opens": 0,
            "run_state": "succeeded" if finishes else "failed",
            "run_output": value.text if finishes else None,
            "run_error": None if finishes else value.text,
        }
        blobs = dict(value.blobs)
    parameters["hashes"] = list(blobs)
    parameters["bodies"] = list(blobs.values())
    return parameters


def moved(row: Sequence[Any], run_id: UUID, rev: int, turn: Turn) -> Moved | None:
    """Read ``successor_result``'s columns. None: the gate was shut, or the checkpoint that is left is gone."""
    count, sent = row[0], row[1]
    if count == 0:
        return None
    if not isinstance(turn, Suspend):
        return Moved(rev + 1, told(sent), True)
    return Moved(rev + 1, launch_messages(run_id, rev + 1, turn.steps, sent), False)


def told(parent: Sequence[Any] | None) -> list[Message]:
    """The message that has a parent look, from the column ``TOLD``."""
    return [] if parent is None else [advance_message(UUID(parent[0]), parent[1], parent[2])]
