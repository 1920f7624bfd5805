"""spread: what follows from a step that has failed for good. Those that need it fail too, those that answer it begin.

A step that fails by itself leaves a wake, and whoever looks at that calls this. Everything is asked again in the
updates, so that two may do it, or one of them die half way: the wake is still there.
"""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from uuid import UUID

from durableflow.codec import Encoded
from durableflow.store.countdown import COUNTDOWN_ALL
from durableflow.store.following import EXPIRY, followers
from durableflow.store.messages import Message
from durableflow.store.successor import Connection

_ORIGIN = """
SELECT error::text, feeds IS NOT NULL, errbacks IS NOT NULL FROM durableflow_core.step
WHERE run_id = %(run_id)s AND rev = %(rev)s AND index = %(index)s AND state = 'failed'
"""

# What a step feeds has a larger index than itself, so that this ends.
_DOOMED = """
WITH RECURSIVE doomed(index) AS (
    SELECT unnest(feeds) FROM durableflow_core.step
    WHERE run_id = %(run_id)s AND rev = %(rev)s AND index = %(index)s AND state = 'failed'
    UNION
    SELECT unnest(s.feeds) FROM doomed AS d
    JOIN durableflow_core.step AS s ON s.run_id = %(run_id)s AND s.rev = %(rev)s AND s.index = d.index
)
SELECT s.index, s.sources, (s.options -> 'sending' ->> 'chorded')::int
FROM doomed AS d JOIN durableflow_core.step AS s ON s.run_id = %(run_id)s AND s.rev = %(rev)s AND s.index = d.index
WHERE s.state = 'pending'
ORDER BY s.index
"""

# Steps, shards and roots are locked in order, because two workers may be at it.
_FAIL = f"""
WITH doomed AS (
    SELECT s.run_id, s.rev, s.index FROM durableflow_core.step AS s
    WHERE s.run_id = %(run_id)s AND s.rev = %(rev)s AND s.index = ANY(%(indexes)s::int[]) AND s.state = 'pending'
    ORDER BY s.index FOR UPDATE
), ours AS (
    UPDATE durableflow_core.step AS s
    SET state = 'failed', error = %(error)s::json, finished_at = durableflow_core.now()
    FROM doomed AS d WHERE s.run_id = d.run_id AND s.rev = d.rev AND s.index = d.index AND s.state = 'pending'
    RETURNING s.run_id, s.rev, s.index, s.shard
), large AS (
    INSERT INTO durableflow_core.value (run_id, hash, body)
    SELECT %(run_id)s, v.hash, v.body::json FROM unnest(%(hashes)s::text[], %(bodies)s::text[]) AS v(hash, body)
    ON CONFLICT DO NOTHING
){COUNTDOWN_ALL}
SELECT count(*) FROM ours
"""

_ANSWER = f"""
WITH asked AS (
    SELECT a.run_id, a.rev, a.index FROM durableflow_core.step AS o
    JOIN durableflow_core.step AS a ON a.run_id = o.run_id AND a.rev = o.rev AND a.index = ANY(o.errbacks)
    WHERE o.run_id = %(run_id)s AND o.rev = %(rev)s AND o.index = %(index)s AND o.state = 'failed'
      AND a.state = 'pending'
    ORDER BY a.index FOR UPDATE OF a
), answering AS (
    UPDATE durableflow_core.step AS s
    SET state = 'ready', expires_at = coalesce(s.expires_at, {EXPIRY}), due_at = coalesce(s.due_at,
        durableflow_core.now() + make_interval(secs => (s.options -> 'sending' ->> 'countdown')::float8))
    FROM asked AS a WHERE s.run_id = a.run_id AND s.rev = a.rev AND s.index = a.index AND s.state = 'pending'
    RETURNING s.run_id, s.rev, s.index, s.name, s.queue, s.priority, s.options, s.due_at
), sent AS (
    INSERT INTO durableflow_core.ready
        (run_id, rev, index, name, queue, priority, due_at, dispatched_at, dispatches)
    SELECT run_id, rev, index, name, queue, priority, coalesce(due_at, durableflow_core.now()),
           CASE WHEN due_at IS NULL THEN durableflow_core.now() END, (due_at IS NULL)::int
    FROM answering
    RETURNING index, dispatches
)
SELECT json_agg(json_build_array(run_id, rev, index, name, queue, priority, nullif(options::text, '{{}}')))
FROM answering JOIN sent USING (index) WHERE dispatches = 1
"""

_ALL_ENDED = """
SELECT NOT EXISTS (SELECT FROM durableflow_core.join_counter
                   WHERE run_id = %(run_id)s AND rev = %(rev)s AND shard = 0 AND remaining > 0)
"""


@dataclass(frozen=True, slots=True)
class Spread:
    """failed: how many steps failed with it; messages: to be published, of those that answer."""

    failed: int
    messages: list[Message]


def spread(conn: Connection, run_id: UUID, rev: int, index: int, as_chord: Callable[[str, int], Encoded]) -> Spread:
    """Fail every step that needs a failed one, also by way of others, with its error, and let its errbacks begin.

    as_chord: makes the error of a chord's body of the error, a codec text, of the step of its header with that index.
    """
    place: dict[str, object] = {"run_id": run_id, "rev": rev, "index": index}
    origin = conn.execute(_ORIGIN, place).fetchone()
    if origin is None or not (origin[1] or origin[2]):
        return Spread(0, [])
    error, feeds, answered = origin
    failed = 0
    if feeds:
        errors: dict[int, Encoded] = {index: Encoded(error, {})}
        for doomed, sources, chorded in conn.execute(_DOOMED, place).fetchall():
            source = next(each for each in sources if each in errors)
            in_header = chorded is not None and index >= chorded
            errors[doomed] = as_chord(errors[source].text, source) if in_header else errors[source]
        del errors[index]
        failed = _fail(conn, run_id, rev, errors)
    rows = conn.execute(_ANSWER, place).fetchone() if answered else None
    return Spread(failed, followers(None if rows is None else rows[0], None))


def all_ended(conn: Connection, run_id: UUID, rev: int) -> bool:
    """Whether each step has ended that the join of an await counts."""
    row = conn.execute(_ALL_ENDED, {"run_id": run_id, "rev": rev}).fetchone()
    return row is not None and bool(row[0])


def _fail(conn: Connection, run_id: UUID, rev: int, errors: Mapping[int, Encoded]) -> int:
    together: dict[str, tuple[Encoded, list[int]]] = {}
    for index, error in errors.items():
        together.setdefault(error.text, (error, []))[1].append(index)
    count = 0
    for error, indexes in together.values():
        count += _fail_all(conn, run_id, rev, error, indexes)
    return count


def _fail_all(conn: Connection, run_id: UUID, rev: int, error: Encoded, indexes: Sequence[int]) -> int:
    parameters = {
        "run_id": run_id,
        "rev": rev,
        "indexes": list(indexes),
        "error": error.text,
        "hashes": list(error.blobs),
        "bodies": list(error.blobs.values()),
    }
    row = conn.execute(_FAIL, parameters).fetchone()
    return 0 if row is None else int(row[0])
