"""start: a run, its rev 0 and the wake that will have it advanced, in one statement.

The statement only inserts, so it can run inside the caller's own transaction, on whatever connection holds that; the
message is published after the commit, by the caller of this module or, where nobody can tell when that is, by the
leader, which finds the wake.
"""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from uuid import UUID

from durableflow.codec import Encoded
from durableflow.errors import RunConflict
from durableflow.store.messages import Message, advance_message

Rows = Sequence[Sequence[object]]
Execute = Callable[[str, Mapping[str, object]], Rows]
"""Runs one statement with ``%(name)s`` parameters in the transaction that is open, and gives its rows."""

# A client that publishes by itself hides the wake from the leader for this long, so that it is not published twice.
_PUBLISH_GRACE = 2.0


@dataclass(frozen=True, slots=True)
class NewRun:
    """All that is known of a run when it starts.

    id: uuid v7; workflow, version: the machine; key: the caller's name of the run, or None; input: the arguments by
    parameter name; input_digest: of its canonical form; variables, state, line: rev 0; labels: text to text as JSON;
    priority: 0 to 9; queue: where the workflow's own code runs; deadline: when a run that is still going
    fails; a timedelta counts from the start, by the database's clock.
    """

    id: UUID
    workflow: str
    version: str
    key: str | None
    input: Encoded
    input_digest: str
    variables: Encoded
    state: int
    line: int
    labels: str
    priority: int
    queue: str
    deadline: datetime | timedelta | None = None


@dataclass(frozen=True, slots=True)
class Started:
    """What a start came to. created: False where the key already named a run with the same input, which is then the
    one meant; message: what to publish after the commit, None where nothing is to be."""

    run_id: UUID
    created: bool
    message: Message | None


_START = """
WITH new_run AS (
    INSERT INTO durableflow_core.run
        (id, workflow, version, key, input, input_digest, state, labels, priority, queue, deadline_at, created_at)
    VALUES (%(id)s::uuid, %(workflow)s, %(version)s, %(key)s, %(input)s::json, %(digest)s, 'running', %(labels)s::jsonb,
            %(priority)s, %(queue)s,
            coalesce(%(deadline_at)s::timestamptz,
                     durableflow_core.now() + make_interval(secs => %(deadline_in)s::float8)), durableflow_core.now())
    ON CONFLICT (workflow, key) WHERE key IS NOT NULL DO NOTHING
    RETURNING id, deadline_at
), start AS (
    INSERT INTO durableflow_core.checkpoint (run_id, rev, kind, state, line, variables, created_at)
    SELECT id, 0, 'start', %(state)s, %(line)s, %(variables)s::json, durableflow_core.now() FROM new_run
), large AS (
    INSERT INTO durableflow_core.value (run_id, hash, body)
    SELECT new_run.id, v.hash, v.body::json
    FROM new_run, unnest(%(hashes)s::text[], %(bodies)s::text[]) AS v(hash, body)
), woken AS (
    INSERT INTO durableflow_core.wake (run_id, reason, due_at, visible_at)
    SELECT id, 'start', durableflow_core.now(), durableflow_core.now() + make_interval(secs => %(grace)s) FROM new_run
    UNION ALL
    SELECT id, 'deadline', deadline_at, deadline_at FROM new_run WHERE deadline_at IS NOT NULL
)
SELECT id FROM new_run
"""

_HOLDER = """
SELECT id, input_digest FROM durableflow_core.run WHERE workflow = %(workflow)s AND key = %(key)s
"""


def start(execute: Execute, new: NewRun, *, publishes: bool) -> Started:
    """Insert the run, or find the one that its key names.

    publishes: the caller publishes the message right after the commit. Raises RunConflict where the key names a run
    that was started with other input.
    """
    blobs = {**new.input.blobs, **new.variables.blobs}
    parameters = {
        "id": str(new.id),
        "workflow": new.workflow,
        "version": new.version,
        "key": new.key,
        "input": new.input.text,
        "digest": new.input_digest,
        "variables": new.variables.text,
        "state": new.state,
        "line": new.line,
        "labels": new.labels,
        "priority": new.priority,
        "queue": new.queue,
        "deadline_at": new.deadline if isinstance(new.deadline, datetime) else None,
        "deadline_in": new.deadline.total_seconds() if isinstance(new.deadline, timedelta) else None,
        "hashes": list(blobs),
        "bodies": list(blobs.values()),
        "grace": _PUBLISH_GRACE if publishes else 0.0,
    }
    while True:
        if execute(_START, parameters):
            return Started(new.id, True, advance_message(new.id, new.queue, new.priority))
        holder = execute(_HOLDER, {"workflow": new.workflow, "key": new.key})
        if holder:  # none: that run was pruned between the two statements, so the key is free again
            run_id, digest = holder[0]
            return _existing(UUID(str(run_id)), str(digest), new)


def _existing(run_id: UUID, digest: str, new: NewRun) -> Started:
    if digest != new.input_digest:
        raise RunConflict(
            f"key {new.key!r} of workflow {new.workflow} already names run {run_id}, which was started with other "
            "input: use another key for other input, or start it with the input it had"
        )
    return Started(run_id, False, None)
