"""settle: pending -> succeeded or failed, for a step that no worker executes: a timer, an event, a child.

Each tests in its own update that the step is still pending, and counts its join down in the same statement. The caller
holds a wake of the run, so that nothing is lost when it dies in between.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from uuid import UUID

from durableflow.codec import Encoded
from durableflow.store.countdown import COUNTDOWN_ALL
from durableflow.store.following import FOLLOW, FOLLOWING, followers
from durableflow.store.messages import Message
from durableflow.store.successor import Connection

# Ten thousand timers may be due in one moment, of one gather. Steps, shards and roots are locked in order, because two
# workers may be at it.
_FIRE = f"""
WITH due AS (
    SELECT s.run_id, s.rev, s.index FROM durableflow_core.step AS s
    JOIN unnest(%(revs)s::int[], %(indexes)s::int[]) AS t(rev, index) ON s.rev = t.rev AND s.index = t.index
    WHERE s.run_id = %(run_id)s AND s.state = 'pending' AND s.kind = 'timer' AND s.due_at <= durableflow_core.now()
    ORDER BY s.rev, s.index FOR UPDATE OF s
), ours AS (
    UPDATE durableflow_core.step AS s
    SET state = 'succeeded', output = 'null', finished_at = durableflow_core.now()
    FROM due WHERE s.run_id = due.run_id AND s.rev = due.rev AND s.index = due.index AND s.state = 'pending'
    RETURNING s.run_id, s.rev, s.index, s.shard
){COUNTDOWN_ALL}
SELECT count(*), coalesce(bool_and(shard >= 0) AND NOT EXISTS (SELECT FROM done WHERE remaining = 0), false) FROM ours
"""

_SETTLE = f"""
WITH ours AS (
    UPDATE durableflow_core.step
    SET state = %(state)s, output = %(output)s::json, error = %(error)s::json, finished_at = durableflow_core.now()
    WHERE run_id = %(run_id)s AND rev = %(rev)s AND index = %(index)s AND state = 'pending'
    RETURNING run_id, rev, index, shard, gate, CASE %(state)s WHEN 'succeeded' THEN feeds END AS feeds
), large AS (
    INSERT INTO durableflow_core.value (run_id, hash, body)
    SELECT ours.run_id, v.hash, v.body::json
    FROM ours, unnest(%(hashes)s::text[], %(bodies)s::text[]) AS v(hash, body)
    ON CONFLICT DO NOTHING
){FOLLOW}
SELECT (SELECT count(*) FROM ours), {FOLLOWING},
       EXISTS (SELECT FROM ours WHERE shard >= 0) AND NOT EXISTS (SELECT FROM done WHERE remaining = 0)
"""

# A redrive has the same child awaited under a later rev, while the child knows the one that it was born with. One that
# is to be redriven itself has not ended.
_CHILD = """
SELECT s.rev, s.child_id, s.options ->> 'fails', r.workflow, r.state, r.output::text, r.error::text
FROM durableflow_core.step AS o
JOIN durableflow_core.step AS s ON s.run_id = o.run_id AND s.rev >= o.rev AND s.index = o.index
                               AND s.child_id = o.child_id AND s.state = 'pending'
JOIN durableflow_core.run AS r ON r.id = s.child_id AND r.state <> 'running'
WHERE o.run_id = %(run_id)s AND o.rev = %(rev)s AND o.index = %(index)s
  AND NOT EXISTS (SELECT FROM durableflow_core.wake AS w WHERE w.run_id = s.child_id AND w.reason = 'redrive')
ORDER BY s.rev DESC LIMIT 1
"""

# Under whichever rev it was awaited last.
_FAILED_CHILD = """
SELECT s.rev FROM durableflow_core.step AS o
JOIN durableflow_core.step AS s ON s.run_id = o.run_id AND s.rev >= o.rev AND s.index = o.index
                               AND s.child_id = o.child_id
WHERE o.run_id = %(run_id)s AND o.rev = %(rev)s AND o.index = %(index)s AND s.state = 'failed'
ORDER BY s.rev DESC LIMIT 1
"""


@dataclass(frozen=True, slots=True)
class Settled:
    """messages: to be published, of what begins in its place; waits: the step is one of a join that still waits for
    others."""

    messages: list[Message]
    waits: bool


@dataclass(frozen=True, slots=True)
class Fired:
    """count: timers that were ended now; waits: all of these are of joins that still wait for others."""

    count: int
    waits: bool


@dataclass(frozen=True, slots=True)
class EndedChild:
    """A child that has ended. rev: of the step that waits for it; fails: its failure is its parent's; state, output,
    error: of its run, as stored."""

    rev: int
    run_id: UUID
    workflow: str
    fails: bool
    state: str
    output: str | None
    error: str | None


def fire(conn: Connection, run_id: UUID, places: Sequence[tuple[int, int]]) -> Fired:
    """End timers whose time has come, named by rev and index. One that was ended or abandoned before, or is not due, is
    left as it is."""
    revs, indexes = [place[0] for place in places], [place[1] for place in places]
    row = conn.execute(_FIRE, {"run_id": run_id, "revs": revs, "indexes": indexes}).fetchone()
    assert row is not None
    return Fired(*row)


def succeed(conn: Connection, run_id: UUID, rev: int, index: int, output: Encoded) -> Settled | None:
    """End a pending step with a result. None: it was ended or abandoned before."""
    return _settle(conn, run_id, rev, index, "succeeded", output)


def fail(conn: Connection, run_id: UUID, rev: int, index: int, error: Encoded) -> Settled | None:
    """End a pending step with an error. None: it was ended or abandoned before."""
    return _settle(conn, run_id, rev, index, "failed", error)


def ended_child(conn: Connection, run_id: UUID, rev: int, index: int) -> EndedChild | None:
    """How the child that a step waits for has ended. None: it has not, or nobody waits for it any more."""
    row = conn.execute(_CHILD, {"run_id": run_id, "rev": rev, "index": index}).fetchone()
    if row is None:
        return None
    waiting, child_id, fails, workflow, state, output, error = row
    return EndedChild(waiting, child_id, workflow, fails == "true", state, output, error)


def failed_child(conn: Connection, run_id: UUID, rev: int, index: int) -> int | None:
    """The rev under which the step has failed that this child is. None: it has not."""
    row = conn.execute(_FAILED_CHILD, {"run_id": run_id, "rev": rev, "index": index}).fetchone()
    return None if row is None else int(row[0])


def _settle(conn: Connection, run_id: UUID, rev: int, index: int, state: str, value: Encoded) -> Settled | None:
    parameters = {
        "run_id": run_id,
        "rev": rev,
        "index": index,
        "state": state,
        "output": value.text if state == "succeeded" else None,
        "error": value.text if state == "failed" else None,
        "hashes": list(value.blobs),
        "bodies": list(value.blobs.values()),
    }
    row = conn.execute(_SETTLE, parameters).fetchone()
    return Settled(followers(row[1], row[2]), bool(row[3])) if row is not None and row[0] else None
