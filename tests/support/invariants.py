"""The invariants of ARCHITECTURE.md that can be read from the tables, as queries that find nothing."""

from typing import Any

import psycopg

VIOLATIONS = {
    "1: a run's revs grow by one, without gaps": """
        SELECT run_id, min(rev), max(rev), count(*) FROM durableflow_core.checkpoint
        GROUP BY run_id HAVING max(rev) - min(rev) + 1 <> count(*)
    """,
    "1: a step is born of a checkpoint": """
        SELECT s.run_id, s.rev, s.index FROM durableflow_core.step AS s
        WHERE NOT EXISTS (SELECT FROM durableflow_core.checkpoint AS c WHERE c.run_id = s.run_id AND c.rev = s.rev)
    """,
    "2: a running step has one claim, and a claim a running step": """
        SELECT coalesce(s.run_id, c.run_id), coalesce(s.rev, c.rev), coalesce(s.index, c.index), s.state
        FROM (SELECT * FROM durableflow_core.step WHERE state = 'running') AS s
        FULL JOIN durableflow_core.claim AS c USING (run_id, rev, index)
        WHERE s.run_id IS NULL OR c.run_id IS NULL
    """,
    "2: a terminal run has a terminal checkpoint as its newest, and no other run has": """
        SELECT r.id, r.state, c.kind FROM durableflow_core.run AS r
        CROSS JOIN LATERAL (
            SELECT kind FROM durableflow_core.checkpoint WHERE run_id = r.id ORDER BY rev DESC LIMIT 1
        ) AS c
        WHERE (r.state, c.kind) NOT IN (('succeeded', 'finish'), ('failed', 'fail'), ('cancelled', 'cancel'))
              AND NOT (r.state = 'running' AND c.kind IN ('start', 'advance', 'redrive'))
    """,
    "3: no step started before its checkpoint": """
        SELECT s.run_id, s.rev, s.index FROM durableflow_core.step AS s
        JOIN durableflow_core.checkpoint AS c USING (run_id, rev) WHERE s.started_at < c.created_at
    """,
    "4: a run that is not finished has its next wake-up in the tables": """
        SELECT r.id FROM durableflow_core.run AS r
        WHERE r.state = 'running'
              AND NOT EXISTS (SELECT FROM durableflow_core.wake AS w WHERE w.run_id = r.id)
              AND NOT EXISTS (SELECT FROM durableflow_core.ready AS y WHERE y.run_id = r.id)
              AND NOT EXISTS (SELECT FROM durableflow_core.claim AS c WHERE c.run_id = r.id)
              AND NOT EXISTS (SELECT FROM durableflow_core.step AS s WHERE s.run_id = r.id AND s.state = 'pending'
                                                                       AND s.kind IN ('receive', 'child'))
    """,
    "4: an event that somebody waits for has its wake-up in the tables": """
        SELECT e.run_id, e.name FROM durableflow_core.event AS e
        JOIN durableflow_core.run AS r ON r.id = e.run_id AND r.state = 'running'
        JOIN durableflow_core.step AS s ON s.run_id = e.run_id AND s.kind = 'receive' AND s.state = 'pending'
             AND s.name = e.name AND s.rev = (SELECT max(rev) FROM durableflow_core.checkpoint WHERE run_id = e.run_id)
        WHERE e.received_at IS NULL AND e.rejected_at IS NULL
              AND NOT EXISTS (SELECT FROM durableflow_core.wake AS w WHERE w.run_id = e.run_id)
    """,
    "4: a child that has ended has told its parent": """
        SELECT s.run_id, s.rev, s.index, c.id FROM durableflow_core.step AS s
        JOIN durableflow_core.run AS c ON c.id = s.child_id AND c.state <> 'running'
        WHERE s.state = 'pending' AND NOT EXISTS (SELECT FROM durableflow_core.wake AS w WHERE w.run_id = s.run_id)
    """,
    "4: a step whose needs are met is ready": """
        SELECT s.run_id, s.rev, s.index FROM durableflow_core.step AS s
        WHERE s.kind = 'task' AND s.state = 'pending' AND s.needs = 0 AND s.answers IS NULL AND NOT EXISTS (
            SELECT FROM durableflow_core.queued AS q
            WHERE q.run_id = s.run_id AND q.rev = s.rev AND q.index = s.index)
    """,
    "4: a step that answers a failure has begun once that is known": """
        SELECT a.run_id, a.rev, a.index FROM durableflow_core.step AS a
        JOIN durableflow_core.step AS f ON f.run_id = a.run_id AND f.rev = a.rev AND f.index = ANY(a.answers)
        WHERE a.state = 'pending' AND a.needs = 0 AND f.state = 'failed' AND f.attempt > 0
              AND NOT EXISTS (SELECT FROM durableflow_core.wake AS w WHERE w.run_id = a.run_id)
    """,
    "10: a run that has ended has nothing under way": """
        SELECT s.run_id, s.rev, s.index, s.state FROM durableflow_core.step AS s
        JOIN durableflow_core.run AS r ON r.id = s.run_id AND r.state <> 'running'
        WHERE s.state IN ('pending', 'ready') OR (s.state = 'running' AND s.abandoned_at IS NULL)
    """,
    "4: a ready step has its row in ready, and a row in ready its step": """
        SELECT coalesce(s.run_id, y.run_id), coalesce(s.rev, y.rev), coalesce(s.index, y.index)
        FROM (SELECT * FROM durableflow_core.step WHERE state = 'ready') AS s
        FULL JOIN durableflow_core.ready AS y USING (run_id, rev, index)
        WHERE s.run_id IS NULL OR y.run_id IS NULL
    """,
    "5: a join's counter is what is still to come": """
        SELECT j.run_id, j.rev, j.remaining, count(s.index)
        FROM durableflow_core.join_counter AS j
        LEFT JOIN durableflow_core.step AS s ON s.run_id = j.run_id AND s.rev = j.rev AND s.shard = j.shard
             AND s.state IN ('pending', 'ready', 'running')
        WHERE j.shard > 0 OR NOT EXISTS (
            SELECT FROM durableflow_core.join_counter AS k WHERE k.run_id = j.run_id AND k.rev = j.rev AND k.shard > 0)
        GROUP BY j.run_id, j.rev, j.shard, j.remaining
        HAVING j.remaining <> count(s.index) + (
            SELECT count(*) FROM durableflow_core.step AS c
            WHERE c.run_id = j.run_id AND c.rev = j.rev AND c.shard = j.shard AND c.state = 'cancelled')
    """,
    "7: a key names one run": """
        SELECT workflow, key FROM durableflow_core.run WHERE key IS NOT NULL
        GROUP BY workflow, key HAVING count(*) > 1
    """,
}

UNSETTLED = {
    "10: nothing of an ended run is left to be done": """
        SELECT r.id, r.state FROM durableflow_core.run AS r
        WHERE r.state <> 'running' AND (
            EXISTS (SELECT FROM durableflow_core.ready AS y WHERE y.run_id = r.id)
            OR EXISTS (SELECT FROM durableflow_core.claim AS c WHERE c.run_id = r.id))
    """,
}


def violations(connection: psycopg.Connection[Any], *, settled: bool = True) -> dict[str, list[Any]]:
    """What is broken, by invariant; empty where all of them hold. settled: no step is at work any more."""
    queries = VIOLATIONS | UNSETTLED if settled else VIOLATIONS
    found = {name: connection.execute(query).fetchmany(5) for name, query in queries.items()}
    return {name: rows for name, rows in found.items() if rows}
