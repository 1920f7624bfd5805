"""How joins are counted down: SQL to be shared by the transitions that end steps.

They supply a CTE ``ours`` with the run_id, rev and shard of what has ended. ``done`` has a row with 0 where that was
the last of its join. Whoever empties a shard decrements the root in the same transaction: two last finishers on two
shards cannot both see "one left".
"""

from durableflow.store.launch import BUNDLES

_DONE = """, done AS (
    SELECT remaining FROM counted WHERE shard = 0
    UNION ALL
    SELECT remaining FROM emptied
)
"""

_ONE = (
    """
, counted AS (
    UPDATE durableflow_core.join_counter AS j SET remaining = j.remaining - 1
    FROM ours{locked} WHERE {own}j.run_id = ours.run_id AND j.rev = ours.rev AND j.shard = ours.shard
    RETURNING j.run_id, j.rev, j.shard, j.remaining
), emptied AS (
    UPDATE durableflow_core.join_counter AS j SET remaining = j.remaining - 1
    FROM {counters} AS c{locked}
    WHERE c.shard > 0 AND c.remaining = 0 AND j.run_id = c.run_id AND j.rev = c.rev AND j.shard = 0
    RETURNING j.remaining
)"""
    + _DONE
)

COUNTDOWN = _ONE.format(locked="", own="", counters="counted")
"""By the one step in ``ours``."""

COUNTDOWN_AFTER_FED = _ONE.format(
    locked=", (SELECT count(*) FROM fed) AS locked",
    own=f"ours.shard < {BUNDLES} AND ",
    counters="""(SELECT run_id, rev, shard, remaining FROM counted UNION ALL
          SELECT run_id, rev, shard, remaining FROM bundled)""",
)
"""The same after ``bundled`` and ``fed`` (`following`). What is fed is locked before a shard that is no bundle's, and
before the root: so does a failure that spreads."""

COUNTDOWN_ALL = (
    """
, ended AS (
    SELECT run_id, rev, shard, count(*)::int AS steps FROM ours WHERE shard >= 0 GROUP BY run_id, rev, shard
), shards AS (
    SELECT j.run_id, j.rev, j.shard, e.steps
    FROM durableflow_core.join_counter AS j JOIN ended AS e USING (run_id, rev, shard)
    ORDER BY j.rev, j.shard FOR UPDATE OF j
), counted AS (
    UPDATE durableflow_core.join_counter AS j SET remaining = j.remaining - s.steps
    FROM shards AS s WHERE j.run_id = s.run_id AND j.rev = s.rev AND j.shard = s.shard
    RETURNING j.run_id, j.rev, j.shard, j.remaining
), emptied AS (
    UPDATE durableflow_core.join_counter AS j SET remaining = j.remaining - c.shards
    FROM (SELECT run_id, rev, count(*)::int AS shards FROM counted WHERE shard > 0 AND remaining = 0
          GROUP BY run_id, rev) AS c
    WHERE j.run_id = c.run_id AND j.rev = c.rev AND j.shard = 0
    RETURNING j.remaining
)"""
    + _DONE
)
"""By many steps of any joins at once. Shards and roots are locked in order, because two may be at it."""
