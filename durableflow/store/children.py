"""Children: runs that are steps of other runs, as SQL to be shared.

A child is inserted with the checkpoint that launches it, and tells its parent of its end by a wake; the parent's look
then ends the step (``settle``). Neither ever writes to the other's rows beyond that.
"""

from collections.abc import Sequence
from typing import Any
from uuid import UUID

import psycopg

from durableflow.language.specs import StepSpec
from durableflow.store.messages import Message, advance_message

_CHILDREN = """
born AS (
    INSERT INTO durableflow_core.run
        (id, workflow, version, input, input_digest, priority, queue, parent_id, parent_rev, parent_index, created_at)
    SELECT c.id, c.workflow, c.version, c.input::json, c.digest, c.priority, c.queue, next.run_id, next.rev, c.index,
           durableflow_core.now()
    FROM next, unnest(%(child_keys)s::uuid[], %(child_workflows)s::text[], %(child_versions)s::text[],
                      %(child_inputs)s::text[], %(child_digests)s::text[], %(child_priorities)s::smallint[],
                      %(child_queues)s::text[], %(child_indexes)s::int[])
        AS c(id, workflow, version, input, digest, priority, queue, index)
), beginnings AS (
    INSERT INTO durableflow_core.checkpoint (run_id, rev, kind, state, line, variables, created_at)
    SELECT c.id, 0, 'start', c.state, c.line, c.variables::json, durableflow_core.now()
    FROM next, unnest(%(child_keys)s::uuid[], %(child_states)s::int[], %(child_lines)s::int[],
                      %(child_variables)s::text[]) AS c(id, state, line, variables)
), first_looks AS (
    INSERT INTO durableflow_core.wake (run_id, reason, due_at, visible_at)
    SELECT c.id, 'start', durableflow_core.now(), durableflow_core.now() + interval '2 seconds'
    FROM next, unnest(%(child_keys)s::uuid[], %(child_held)s::bool[]) AS c(id, held) WHERE NOT c.held
)"""

_VALUES = """,
inherited AS (
    INSERT INTO durableflow_core.value (run_id, hash, body)
    SELECT v.run_id, v.hash, v.body::json
    FROM next, unnest(%(child_value_runs)s::uuid[], %(child_hashes)s::text[], %(child_bodies)s::text[])
        AS v(run_id, hash, body)
)"""

_TELL_AGAIN = """
INSERT INTO durableflow_core.wake (run_id, reason, rev, index, due_at, visible_at)
SELECT parent_id, 'child', parent_rev, parent_index, durableflow_core.now(), durableflow_core.now()
FROM durableflow_core.run WHERE id = %(run_id)s AND parent_id IS NOT NULL AND state <> 'running'
"""


def tell_again(conn: psycopg.Connection[tuple[Any, ...]], run_id: UUID) -> None:
    """Have the parent of a child that has ended look at it once more: it did not while the child was to be redriven."""
    conn.execute(_TELL_AGAIN, {"run_id": run_id})


def child_ctes(has_values: bool) -> str:
    """The CTEs that insert the children of ``next``."""
    return _CHILDREN + (_VALUES if has_values else "")


def child_parameters(steps: Sequence[StepSpec]) -> dict[str, object]:
    """The parameters of ``child_ctes``; none where no step is a child."""
    specs = [(spec, spec.child) for spec in steps if spec.child is not None]
    if not specs:
        return {}
    values = [
        (child.id, hash_, body)
        for _, child in specs
        for hash_, body in {**child.input.blobs, **child.variables.blobs}.items()
    ]
    return {
        "child_keys": [child.id for _, child in specs],
        "child_workflows": [child.workflow for _, child in specs],
        "child_versions": [child.version for _, child in specs],
        "child_inputs": [child.input.text for _, child in specs],
        "child_digests": [child.input_digest for _, child in specs],
        "child_priorities": [spec.priority for spec, _ in specs],
        "child_queues": [child.queue for _, child in specs],
        "child_indexes": [spec.index for spec, _ in specs],
        "child_states": [child.state for _, child in specs],
        "child_lines": [child.line for _, child in specs],
        "child_variables": [child.variables.text for _, child in specs],
        "child_held": [spec.held for spec, _ in specs],
        "child_value_runs": [run_id for run_id, _, _ in values],
        "child_hashes": [hash_ for _, hash_, _ in values],
        "child_bodies": [body for _, _, body in values],
    }


def child_messages(steps: Sequence[StepSpec], most: int) -> list[Message]:
    """The messages that have the children looked at; the leader finds those beyond ``most``."""
    children = [(spec, spec.child) for spec in steps if spec.child is not None and not spec.held]
    return [advance_message(child.id, child.queue, spec.priority) for spec, child in children[:most]]


def cancel_messages(rows: Sequence[Sequence[Any]]) -> list[Message]:
    """The messages that have cancelled children looked at; rows: id, queue and priority."""
    return [advance_message(UUID(str(row[0])), row[1], row[2]) for row in rows]
