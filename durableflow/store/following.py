"""What may begin because a step has ended: the steps that needed it, and the next one of a gather with a limit.

SQL to be shared by the transitions that end a step: they supply a CTE ``ours`` with the step's run_id, rev, index,
shard, feeds and gate, and give back the messages for afterwards. Steps are locked in the order of their indexes, and
those that a step feeds have larger ones than itself: no two completions wait for each other.

Where many steps feed the same others, as the header of a chord its body, each counts down one of several counters that
they share (``store.launch``), and whoever empties that one counts down what they feed: otherwise each would wait for
the commit of the one before it, which waits for the disk.
"""

from collections.abc import Sequence
from typing import Any
from uuid import UUID

from durableflow.store.countdown import COUNTDOWN_AFTER_FED
from durableflow.store.launch import BUNDLES
from durableflow.store.messages import Message, StepId, advance_message, step_message

EXPIRY = """CASE WHEN json_typeof(s.options -> 'sending' -> 'expires') = 'number' THEN
    durableflow_core.now() + make_interval(secs => (s.options -> 'sending' ->> 'expires')::float8) END"""
"""When a task of a canvas, that may run from now on, does not begin any more."""

_FED = f"""
, fed AS (
    SELECT s.run_id, s.rev, s.index FROM durableflow_core.step AS s
    JOIN {{feeding}} AS f ON s.run_id = f.run_id AND s.rev = f.rev AND s.index = ANY(f.feeds)
    ORDER BY s.index FOR UPDATE OF s
), nearer AS (
    UPDATE durableflow_core.step AS s
    SET needs = s.needs - 1, state = CASE WHEN s.state = 'pending' AND s.needs = 1 THEN 'ready' ELSE s.state END,
        due_at = CASE WHEN s.needs = 1 THEN coalesce(s.due_at, durableflow_core.now() +
            make_interval(secs => (s.options -> 'sending' ->> 'countdown')::float8)) ELSE s.due_at END,
        expires_at = CASE WHEN s.needs = 1 THEN coalesce(s.expires_at, {EXPIRY}) ELSE s.expires_at END
    FROM fed WHERE s.run_id = fed.run_id AND s.rev = fed.rev AND s.index = fed.index
    RETURNING s.run_id, s.rev, s.index, s.name, s.queue, s.priority, s.options, s.state, s.due_at
)"""

_BUNDLED = f"""
, bundled AS (
    UPDATE durableflow_core.join_counter AS j
    SET remaining = j.remaining - 1, missing = j.missing - CASE WHEN ours.feeds IS NULL THEN 0 ELSE 1 END
    FROM ours WHERE ours.shard >= {BUNDLES} AND j.run_id = ours.run_id AND j.rev = ours.rev AND j.shard = ours.shard
    RETURNING j.run_id, j.rev, j.shard, j.remaining, j.missing
), feeding AS (
    SELECT run_id, rev, feeds FROM ours
    WHERE (shard >= {BUNDLES}) IS NOT TRUE OR EXISTS (SELECT FROM bundled WHERE missing = 0)
)"""

_NEXT = """
, turn AS (
    DELETE FROM durableflow_core.queued AS q USING (
        SELECT q.run_id, q.rev, q.gate, q.index FROM durableflow_core.queued AS q, ours
        WHERE q.run_id = ours.run_id AND q.rev = ours.rev AND q.gate = ours.gate
        ORDER BY q.index <> ours.index, q.index LIMIT 1 FOR UPDATE OF q SKIP LOCKED
    ) AS first
    WHERE q.run_id = first.run_id AND q.rev = first.rev AND q.gate = first.gate AND q.index = first.index
    RETURNING q.run_id, q.rev, q.index
), admitted AS (
    UPDATE durableflow_core.step AS s SET state = CASE s.kind WHEN 'task' THEN 'ready' ELSE s.state END
    FROM turn AS t WHERE s.run_id = t.run_id AND s.rev = t.rev AND s.index = t.index AND s.state = 'pending'
    RETURNING s.run_id, s.rev, s.index, s.name, s.queue, s.priority, s.options, s.state, s.due_at, s.child_id
), first_look AS (
    INSERT INTO durableflow_core.wake (run_id, reason, due_at, visible_at)
    SELECT child_id, 'start', durableflow_core.now(), durableflow_core.now() + interval '2 seconds'
    FROM admitted WHERE child_id IS NOT NULL
    RETURNING run_id
), redriven AS (
    UPDATE durableflow_core.wake AS w SET due_at = durableflow_core.now(), visible_at = durableflow_core.now()
    FROM admitted AS a WHERE w.run_id = a.child_id AND w.reason = 'redrive'
)"""

_SENT = """
, beginning AS (
    INSERT INTO durableflow_core.ready
        (run_id, rev, index, name, queue, priority, due_at, dispatched_at, dispatches)
    SELECT run_id, rev, index, name, queue, priority, coalesce(due_at, durableflow_core.now()),
           CASE WHEN fits THEN durableflow_core.now() END, fits::int
    FROM (SELECT b.*, (b.due_at <= durableflow_core.now()) IS NOT FALSE AND NOT EXISTS (
              SELECT FROM durableflow_core.congestion AS g WHERE g.queue = b.queue) AS fits
          FROM ({sources}) AS b WHERE b.state = 'ready' OFFSET 0) AS task
    RETURNING index, dispatches
)"""

_MESSAGES = """(
    SELECT json_agg(json_build_array(b.run_id, b.rev, b.index, b.name, b.queue, b.priority,
               nullif(b.options::text, '{{}}')))
    FROM ({sources}) AS b JOIN beginning USING (index) WHERE beginning.dispatches = 1)"""

_LOOKS = """(
    SELECT json_agg(json_build_array(r.id, r.queue, r.priority))
    FROM first_look AS f JOIN durableflow_core.run AS r ON r.id = f.run_id)"""

_COLUMNS = "SELECT run_id, rev, index, name, queue, priority, options, state, due_at FROM "
_BOTH = f"{_COLUMNS} nearer UNION ALL {_COLUMNS} admitted"

_NEARER = _COLUMNS + "nearer"
_ADMITTED = _COLUMNS + "admitted"

FEED = _FED.format(feeding="ours") + _SENT.format(sources=_NEARER)
"""After a step that succeeded, which feeds others and that no join counts."""

FEED_AND_COUNT = _BUNDLED + _FED.format(feeding="feeding") + COUNTDOWN_AFTER_FED + _SENT.format(sources=_NEARER)
"""The same, with what COUNTDOWN does, for a step that a join counts."""

FED = f"{_MESSAGES.format(sources=_NEARER)}, NULL"
"""The two columns that ``followers`` reads, after FEED or FEED_AND_COUNT."""

FOLLOW = _BUNDLED + _FED.format(feeding="feeding") + COUNTDOWN_AFTER_FED + _NEXT + _SENT.format(sources=_BOTH)
"""After any step; ``ours`` has no feeds where it has not succeeded. Counts a join down, as COUNTDOWN does."""

FOLLOWING = f"{_MESSAGES.format(sources=_BOTH)}, {_LOOKS}"
"""The two columns that ``followers`` reads, after FOLLOW."""

ADMIT = _NEXT + _SENT.format(sources=_ADMITTED)
"""After a step whose place another one of its group takes, while none begins that needs it."""

ADMITTED = f"{_MESSAGES.format(sources=_ADMITTED)}, {_LOOKS}"
"""The two columns that ``followers`` reads, after ADMIT."""


def followers(tasks: Sequence[Sequence[Any]] | None, looks: Sequence[Sequence[Any]] | None) -> list[Message]:
    """The messages of what may begin now, to be published after the commit."""
    steps = [
        step_message(StepId(UUID(run_id), rev, index), name, queue, priority, 1, options)
        for run_id, rev, index, name, queue, priority, options in tasks or ()
    ]
    return steps + [advance_message(UUID(run_id), queue, priority) for run_id, queue, priority in looks or ()]
