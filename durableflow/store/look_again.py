"""look_again: for an await that looks at something that was not born with it: a step that was begun before, an event.

Whoever ends that leaves a wake, always; but the wake may be looked at before the checkpoint that awaits it has
committed, and be found to be about nothing. Both sides lock the run's row: whoever finds nothing to do
(`advance.let_go`) deletes wakes only where the run has not moved on, and the commit of such an await looks, after its
insert and under that lock, for what is there already. Either that one sees this checkpoint, or this sees what that one
did.
"""

from uuid import UUID

from durableflow.language.turn import Suspend
from durableflow.store.successor import Connection, Turn

_LOCK_RUN = "SELECT FROM durableflow_core.run WHERE id = %(run_id)s FOR NO KEY UPDATE"

_LOOK_AGAIN = """
INSERT INTO durableflow_core.wake (run_id, reason, due_at, visible_at)
SELECT %(run_id)s, 'look', durableflow_core.now(), durableflow_core.now() + interval '2 seconds'
WHERE %(over)s OR EXISTS (
    SELECT FROM durableflow_core.step AS s, unnest(%(revs)s::int[], %(indexes)s::int[]) AS o(rev, index)
    WHERE s.run_id = %(run_id)s AND s.rev = o.rev AND s.index = o.index
      AND (s.finished_at IS NOT NULL OR s.abandoned_at IS NOT NULL)
) OR EXISTS (
    SELECT FROM durableflow_core.event AS e
    WHERE e.run_id = %(run_id)s AND e.name = ANY(%(events)s) AND e.received_at IS NULL AND e.rejected_at IS NULL)
RETURNING 1
"""


def looks_outside(turn: Turn) -> bool:
    """Whether the new await looks at something that was not born with it: then call ``look_again``."""
    return isinstance(turn, Suspend) and (turn.over or bool(turn.outside) or turn.listens)


def lock_run(conn: Connection, run_id: UUID) -> None:
    """Keep others from deciding that a wake of this run is about nothing, or wait for those who are at it."""
    conn.execute(_LOCK_RUN, {"run_id": run_id})


def look_again(conn: Connection, run_id: UUID, turn: Turn) -> bool:
    """After the successor's statement, in its transaction: leave a wake if what the await looks at is there already.

    Whoever ended it left a wake too, but that may have been looked at before this await was committed. Both sides lock
    the run's row: either that one sees this checkpoint, or this sees what that one did. True: there is a wake.
    """
    assert isinstance(turn, Suspend)
    lock_run(conn, run_id)
    parameters = {
        "run_id": run_id,
        "over": turn.over,
        "revs": [place[0] for place in turn.outside],
        "indexes": [place[1] for place in turn.outside],
        "events": [spec.name for spec in turn.steps if spec.kind == "receive"],
    }
    return conn.execute(_LOOK_AGAIN, parameters).fetchone() is not None
