"""abandon: stop waiting for steps. What has not begun is cancelled; what runs is marked, and ends without a retry.

Called inside of the transaction that makes them needless: an await that is left, a handle that is cancelled, a run that
ends. A child that is abandoned is cancelled by a wake of its own, unless it was told to outlive its parent and that is
what ends.
"""

from collections.abc import Sequence
from uuid import UUID

from durableflow.store.children import cancel_messages
from durableflow.store.messages import Message
from durableflow.store.successor import Connection

# A claim takes the row in `ready` and then the step: with the steps first, the two would wait for each other. Ordered,
# because every transition that locks several steps locks them by (rev, index).
_LOCK_READY = """
SELECT FROM durableflow_core.ready AS s WHERE {which} ORDER BY s.rev, s.index FOR UPDATE
"""

# A later statement than the one that locked the steps: a retry, or a rescue, may have given one back until then.
_UNREADY = """
WITH quiet AS (DELETE FROM durableflow_core.queued AS s WHERE {which})
DELETE FROM durableflow_core.ready AS s USING durableflow_core.step AS t
WHERE {which} AND t.run_id = s.run_id AND t.rev = s.rev AND t.index = s.index AND t.state = 'cancelled'
"""

_ABANDON = """
WITH left_behind AS (
    SELECT s.run_id, s.rev, s.index FROM durableflow_core.step AS s
    WHERE {which} AND {also} AND s.state IN ('pending', 'ready', 'running')
    ORDER BY s.rev, s.index FOR UPDATE
), ended AS (
    UPDATE durableflow_core.step AS s
    SET state = CASE WHEN s.state = 'running' THEN s.state ELSE 'cancelled' END,
        finished_at = CASE WHEN s.state = 'running' THEN s.finished_at ELSE durableflow_core.now() END,
        abandoned_at = durableflow_core.now(), begun = s.begun AND NOT %(gives_up)s
    FROM left_behind AS l
    WHERE s.run_id = l.run_id AND s.rev = l.rev AND s.index = l.index AND s.state IN ('pending', 'ready', 'running')
    RETURNING s.run_id, s.rev, s.index, s.kind, s.child_id, s.options
), silent AS (
    DELETE FROM durableflow_core.wake AS w USING left_behind AS l
    WHERE w.run_id = l.run_id AND w.rev = l.rev AND w.index = l.index AND w.reason = 'timer'
), orphaned AS (
    INSERT INTO durableflow_core.wake (run_id, reason, due_at, visible_at)
    SELECT e.child_id, 'cancel', durableflow_core.now(), durableflow_core.now() + interval '2 seconds'
    FROM ended AS e
    WHERE e.child_id IS NOT NULL AND NOT (%(ends)s AND e.options ->> 'leaves' IS NOT DISTINCT FROM 'true')
    RETURNING run_id
)
SELECT r.id, r.queue, r.priority FROM orphaned AS o JOIN durableflow_core.run AS r ON r.id = o.run_id
"""

_OF_REV = "s.run_id = %(run_id)s AND s.rev = %(rev)s"
_OF_RUN = "s.run_id = %(run_id)s"
_NAMED = "s.run_id = %(run_id)s AND (s.rev, s.index) IN (SELECT * FROM unnest(%(revs)s::int[], %(indexes)s::int[]))"


def abandon_await(conn: Connection, run_id: UUID, rev: int) -> list[Message]:
    """Stop waiting for the steps that a checkpoint launched, apart from those that it began without awaiting them."""
    return _abandon(conn, _OF_REV, "NOT s.begun", {"run_id": run_id, "rev": rev, "ends": False, "gives_up": False})


def abandon_run(conn: Connection, run_id: UUID) -> list[Message]:
    """The run ends: stop whatever it has under way."""
    return _abandon(conn, _OF_RUN, "true", {"run_id": run_id, "ends": True, "gives_up": False})


def abandon_steps(conn: Connection, run_id: UUID, places: Sequence[tuple[int, int]]) -> list[Message]:
    """Stop these steps, named by rev and index: their author gave them up, and no redrive takes them up again."""
    parameters = {"revs": [place[0] for place in places], "indexes": [place[1] for place in places]}
    return _abandon(conn, _NAMED, "true", {"run_id": run_id, "ends": False, "gives_up": True, **parameters})


def _abandon(conn: Connection, which: str, also: str, parameters: dict[str, object]) -> list[Message]:
    conn.execute(_LOCK_READY.format(which=which), parameters)
    rows = conn.execute(_ABANDON.format(which=which, also=also), parameters).fetchall()
    conn.execute(_UNREADY.format(which=which), parameters)
    return cancel_messages(rows)
