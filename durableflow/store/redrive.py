"""redrive: failed -> running, by a person. The await at which the run failed is launched again, under a new rev.

What had succeeded there is copied with its outcome; the rest gets fresh attempts, at once: a time that a task was put
off to, or had expired at, was the first launch's. The idempotency keys stay those of
the first launch, so that an effect which did happen is recognised by whoever receives it a second time. What was begun
before, and had not succeeded when the run failed, goes on as well.

A child that failed, or that was cancelled because its parent failed, is redriven in turn, by a wake of its own: never
two runs in one transaction. While it has that wake, how it ended before is nobody's business (`settle.ended_child`).
"""

from uuid import UUID

from psycopg import Rollback
from psycopg.errors import UniqueViolation

from durableflow.store.launch import INNER
from durableflow.store.successor import Connection

_WHERE_IT_FAILED = """
SELECT r.state, (SELECT max(rev) FROM durableflow_core.checkpoint WHERE run_id = r.id),
       (SELECT max(rev) FROM durableflow_core.checkpoint
        WHERE run_id = r.id AND kind IN ('start', 'advance', 'redrive'))
FROM durableflow_core.run AS r WHERE r.id = %(run_id)s
FOR UPDATE
"""

# In a statement before the others, which are to see how a cancellation ended that was under way.
_CALL_OFF = """
DELETE FROM durableflow_core.wake AS w USING durableflow_core.step AS s
WHERE s.run_id = %(run_id)s AND s.child_id IS NOT NULL AND s.state = 'cancelled'
      AND (s.begun OR s.rev = %(from_rev)s) AND w.run_id = s.child_id AND w.reason = 'cancel'
"""

# Held until the child goes on: a parent that stops waiting for it does so before, and is seen to, or has it cancelled
# afterwards, when it is running.
_WANTED = """
SELECT FROM durableflow_core.run AS r
JOIN durableflow_core.step AS s ON s.run_id = r.parent_id AND s.child_id = r.id AND s.state = 'pending'
WHERE r.id = %(run_id)s FOR KEY SHARE OF s
"""

# A child may have succeeded after its parent had failed.
_REDRIVE = """
WITH prev AS (
    SELECT run_id FROM durableflow_core.checkpoint WHERE run_id = %(run_id)s AND rev = %(rev)s FOR KEY SHARE
), left_over AS (
    SELECT s.*, (s.state = 'succeeded' OR c.state IS NOT DISTINCT FROM 'succeeded') AND s.answers IS NULL AS done,
           CASE WHEN s.answers IS NOT NULL THEN NULL
                WHEN s.state = 'succeeded' THEN s.output WHEN c.state = 'succeeded' THEN c.output END AS result,
           coalesce(c.state IN ('failed', 'cancelled'), false) AS ended,
           (SELECT count(*)::int FROM durableflow_core.step AS p
             WHERE p.run_id = s.run_id AND p.rev = s.rev AND p.index = ANY(s.sources)
               AND (p.state <> 'succeeded' OR p.answers IS NOT NULL)) AS missing
    FROM durableflow_core.step AS s LEFT JOIN durableflow_core.run AS c ON c.id = s.child_id
    WHERE s.run_id = %(run_id)s AND s.rev = %(from_rev)s AND NOT s.begun
), waiting AS (
    SELECT l.*, l.gate IS NOT NULL AND NOT l.done
                AND row_number() OVER (PARTITION BY l.gate, l.done ORDER BY l.index) > (l.options ->> 'limit')::int
                    AS held
    FROM left_over AS l
), next AS (
    INSERT INTO durableflow_core.checkpoint
        (run_id, rev, kind, state, line, variables, awaits, frames, opens, created_at)
    SELECT prev.run_id, %(rev)s + 1, 'redrive', c.state, c.line, c.variables, c.awaits, c.frames, c.opens,
           durableflow_core.now()
    FROM prev JOIN durableflow_core.checkpoint AS c ON c.run_id = prev.run_id AND c.rev = %(from_rev)s
    RETURNING run_id, rev
), again AS (
    INSERT INTO durableflow_core.step
        (run_id, rev, index, name, kind, state, shard, input, output, options, idempotency_key, queue, priority,
         created_at, due_at, finished_at, needs, sources, feeds, answers, errbacks, gate, child_id)
    SELECT next.run_id, next.rev, s.index, s.name, s.kind,
           CASE WHEN s.done THEN 'succeeded'
                WHEN s.kind = 'task' AND s.missing = 0 AND s.answers IS NULL AND NOT s.held THEN 'ready'
                ELSE 'pending' END,
           CASE WHEN s.shard > 0 THEN 0 ELSE s.shard END, s.input, s.result, s.options,
           coalesce(s.idempotency_key, s.run_id || ':' || s.rev || ':' || s.index), s.queue, s.priority,
           durableflow_core.now(),
           CASE s.kind WHEN 'receive' THEN durableflow_core.now() + (s.due_at - s.created_at)
                       WHEN 'task' THEN NULL ELSE s.due_at END,
           CASE WHEN s.done THEN durableflow_core.now() END, s.missing, s.sources, s.feeds, s.answers, s.errbacks,
           s.gate, s.child_id
    FROM next JOIN waiting AS s ON s.run_id = next.run_id
    RETURNING run_id, rev, index, name, kind, state, shard, queue, priority, due_at, gate, child_id
), turns AS (
    INSERT INTO durableflow_core.queued (run_id, rev, gate, index)
    SELECT next.run_id, next.rev, s.gate, s.index FROM next JOIN waiting AS s ON s.run_id = next.run_id
    WHERE s.held
), children AS (
    INSERT INTO durableflow_core.wake (run_id, reason, due_at, visible_at)
    SELECT s.child_id, 'redrive', t.at, t.at
    FROM next JOIN waiting AS s ON s.run_id = next.run_id,
         LATERAL (SELECT CASE WHEN s.held THEN 'infinity' ELSE durableflow_core.now() END) AS t(at)
    WHERE s.ended AND NOT s.done
), inherited AS (
    INSERT INTO durableflow_core.value (run_id, hash, body)
    SELECT s.run_id, v.hash, v.body FROM next JOIN waiting AS s ON s.run_id = next.run_id
    JOIN durableflow_core.value AS v ON v.run_id = s.child_id WHERE s.done AND s.state <> 'succeeded'
    ON CONFLICT DO NOTHING
), sent AS (
    INSERT INTO durableflow_core.ready (run_id, rev, index, name, queue, priority, due_at)
    SELECT run_id, rev, index, name, queue, priority, durableflow_core.now() FROM again WHERE state = 'ready'
), woken AS (
    INSERT INTO durableflow_core.wake (run_id, reason, rev, index, due_at, visible_at)
    SELECT run_id, 'timer', rev, index, due_at, due_at FROM again WHERE state = 'pending' AND due_at IS NOT NULL
    UNION ALL
    SELECT run_id, 'redrive', NULL, NULL, durableflow_core.now(), durableflow_core.now() FROM next
), counters AS (
    INSERT INTO durableflow_core.join_counter (run_id, rev, shard, remaining)
    SELECT run_id, rev, 0, count(*) FILTER (WHERE state <> 'succeeded') FROM again WHERE shard >= 0
    GROUP BY run_id, rev
), reopened AS (
    UPDATE durableflow_core.run AS r SET state = 'running', error = NULL, finished_at = NULL
    FROM next WHERE r.id = next.run_id AND r.state = ANY(%(states)s)
    RETURNING r.id
)
SELECT count(*) FROM reopened
"""

# What was begun keeps its place, because handles name it, and is taken up where the failure stopped it. What the author
# had cancelled, and a failure that the workflow had dealt with, stay as they are. What was at work when the run failed
# may still be, or have ended meanwhile: that counts.
_TAKE_UP = """
WITH place AS (
    SELECT awaits::jsonb AS awaits FROM durableflow_core.checkpoint
    WHERE run_id = %(run_id)s AND rev = %(from_rev)s
), awaited AS (
    SELECT (h ->> 0)::int AS rev, (h ->> 1)::int AS index
    FROM place, jsonb_path_query(place.awaits, 'strict $.**.step', silent => true) AS h
), begun AS (
    SELECT s.run_id, s.rev, s.index, c.id AS child_id, c.state AS child_state, c.output
    FROM durableflow_core.step AS s LEFT JOIN durableflow_core.run AS c ON c.id = s.child_id
    WHERE s.run_id = %(run_id)s AND s.begun
), again AS (
    UPDATE durableflow_core.step AS s
    SET state = CASE WHEN s.state IN ('running', 'succeeded') THEN s.state
                     WHEN b.child_state = 'succeeded' THEN 'succeeded'
                     WHEN s.kind = 'task' AND s.needs = 0 THEN 'ready' ELSE 'pending' END,
        output = CASE WHEN b.child_state = 'succeeded' THEN b.output ELSE s.output END,
        finished_at = CASE WHEN s.state = 'succeeded' OR b.child_state = 'succeeded' THEN s.finished_at END,
        abandoned_at = NULL, error = NULL
    FROM begun AS b
    WHERE s.run_id = b.run_id AND s.rev = b.rev AND s.index = b.index
      AND (s.abandoned_at IS NOT NULL
           OR (s.state = 'failed' AND (s.options ->> 'fails' IS NOT DISTINCT FROM 'true' OR EXISTS (
               SELECT FROM awaited AS a WHERE a.rev = s.rev AND (a.index = s.index OR s.shard = %(inner)s)))))
    RETURNING s.run_id, s.rev, s.index, s.name, s.queue, s.priority, s.state, s.due_at, b.child_id, b.child_state
), sent AS (
    INSERT INTO durableflow_core.ready (run_id, rev, index, name, queue, priority, due_at)
    SELECT run_id, rev, index, name, queue, priority, durableflow_core.now() FROM again WHERE state = 'ready'
), children AS (
    INSERT INTO durableflow_core.wake (run_id, reason, due_at, visible_at)
    SELECT child_id, 'redrive', durableflow_core.now(), durableflow_core.now()
    FROM again WHERE child_state IN ('failed', 'cancelled')
), inherited AS (
    INSERT INTO durableflow_core.value (run_id, hash, body)
    SELECT a.run_id, v.hash, v.body FROM again AS a JOIN durableflow_core.value AS v ON v.run_id = a.child_id
    WHERE a.child_state = 'succeeded'
    ON CONFLICT DO NOTHING
)
INSERT INTO durableflow_core.wake (run_id, reason, rev, index, due_at, visible_at)
SELECT run_id, 'timer', rev, index, due_at, due_at FROM again WHERE state = 'pending' AND due_at IS NOT NULL
"""


def redrive(conn: Connection, run_id: UUID, *, for_parent: bool = False) -> bool | None:
    """Let a failed run go on from the await at which it failed. The leader publishes its steps.

    for_parent: its parent was redriven; then this is one that was cancelled with it, perhaps. False: the run has not
    failed, or its parent has stopped waiting for it; None: there is no such run.
    """
    states = ["failed", "cancelled"] if for_parent else ["failed"]
    while True:
        landed = False
        try:
            with conn.transaction() as transaction:
                if for_parent and conn.execute(_WANTED, {"run_id": run_id}).fetchone() is None:
                    return False
                row = conn.execute(_WHERE_IT_FAILED, {"run_id": run_id}).fetchone()
                if row is None:
                    return None
                state, rev, from_rev = row
                if state not in states:
                    return False
                parameters = {"run_id": run_id, "rev": rev, "from_rev": from_rev, "states": states, "inner": INNER}
                conn.execute(_CALL_OFF, parameters)
                done = conn.execute(_REDRIVE, parameters).fetchone()
                landed = done is not None and bool(done[0])
                conn.execute(_TAKE_UP, parameters)
                if not landed:
                    raise Rollback(transaction)
        except UniqueViolation:
            continue  # two people at once: look again
        return landed
