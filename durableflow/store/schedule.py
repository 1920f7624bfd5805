"""schedule: what the code has is in the table: registered when a worker starts, removed when it is in no code any more.

``next_at`` is the first tick that nothing is known of. Whoever deals with it moves it on, under a lock on the row:
see ``tick.py``. Times are those of the database's clock.
"""

from collections.abc import Collection
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from durableflow.language.cron import Cron
from durableflow.language.schedules import Entry
from durableflow.store.successor import Connection


@dataclass(frozen=True, slots=True)
class Standing:
    """How a schedule stands. name, workflow, expression, tz, catch_up, overlap, grace: its definition in the table;
    next_at: the next tick; queued_at: the oldest one that waits, None: none does; live: neither paused nor removed;
    now: the database's time."""

    name: str
    workflow: str
    expression: str
    tz: str
    catch_up: str
    overlap: str
    grace: float
    next_at: datetime
    queued_at: datetime | None
    live: bool
    now: datetime

    def is_of(self, entry: Entry) -> bool:
        """Whether the table has it as this code does. Another deploy may have registered it otherwise."""
        mine = _definition(entry)
        return all(getattr(self, column) == value for column, value in mine.items())


_NOW = "SELECT durableflow_core.now()"

# Where the times are others than before, or it had been removed, what was missed until now is not this schedule's.
_REGISTER = """
INSERT INTO durableflow_core.schedule AS s (name, app, workflow, expression, tz, catch_up, overlap, grace, next_at)
VALUES (%(name)s, %(app)s, %(workflow)s, %(expression)s, %(tz)s, %(catch_up)s, %(overlap)s, %(grace)s, %(next_at)s)
ON CONFLICT (name) DO UPDATE SET
    app = excluded.app, workflow = excluded.workflow, expression = excluded.expression, tz = excluded.tz,
    catch_up = excluded.catch_up, overlap = excluded.overlap, grace = excluded.grace, removed_at = NULL,
    next_at = CASE WHEN s.removed_at IS NULL AND (s.expression, s.tz) = (excluded.expression, excluded.tz)
                   THEN s.next_at ELSE excluded.next_at END
    WHERE %(replace)s AND (s.app = excluded.app OR s.removed_at IS NOT NULL)
RETURNING name
"""

# What waits must not start when the schedule comes back, months later perhaps.
_REMOVE = """
WITH removed AS (
    UPDATE durableflow_core.schedule SET removed_at = durableflow_core.now()
    WHERE app = %(app)s AND removed_at IS NULL AND name <> ALL(%(names)s)
    RETURNING name
), let_go AS (
    UPDATE durableflow_core.tick AS t
    SET state = 'skipped', reason = 'the schedule was removed', noted_at = durableflow_core.now()
    FROM removed WHERE t.schedule = removed.name AND t.state = 'queued'
)
SELECT name FROM removed ORDER BY name
"""

_STANDINGS = """
SELECT s.name, s.workflow, s.expression, s.tz, s.catch_up, s.overlap, s.grace, s.next_at,
       (SELECT min(t.at) FROM durableflow_core.tick AS t WHERE t.schedule = s.name AND t.state = 'queued'),
       s.paused_at IS NULL AND s.removed_at IS NULL, durableflow_core.now()
FROM durableflow_core.schedule AS s WHERE s.name = ANY(%(names)s) ORDER BY s.name
"""

_PAUSE = """
UPDATE durableflow_core.schedule SET paused_at = durableflow_core.now() WHERE name = %(name)s AND paused_at IS NULL
"""

_RESUME = """
UPDATE durableflow_core.schedule SET paused_at = NULL, next_at = %(next_at)s
WHERE name = %(name)s AND paused_at IS NOT NULL
"""


def clock(conn: Connection) -> datetime:
    """The database's time."""
    row = conn.execute(_NOW).fetchone()
    assert row is not None
    now: datetime = row[0]
    return now


def register(conn: Connection, app: str, entry: Entry, *, replace: bool = True) -> bool:
    """Have the schedule in the table as the code has it; a change of its times takes effect from now on.

    replace: False leaves one that is there as it is. False: it was left, or another application has the name.
    """
    next_at = entry.cron.next_after(clock(conn))
    given = {**_definition(entry), "name": entry.name, "app": app, "next_at": next_at, "replace": replace}
    return conn.execute(_REGISTER, given).fetchone() is not None


def remove(conn: Connection, app: str, *, keep: Collection[str]) -> list[str]:
    """Mark as removed what the application had, and has no more. Gives the names; their ticks stay, and those that
    wait are skipped."""
    return [row[0] for row in conn.execute(_REMOVE, {"app": app, "names": list(keep)}).fetchall()]


def standings(conn: Connection, names: Collection[str]) -> list[Standing]:
    """How these schedules stand, by name; those that are not in the table are left out."""
    return [Standing(*row) for row in conn.execute(_STANDINGS, {"names": list(names)}).fetchall()]


def pause(conn: Connection, name: str) -> bool:
    """Let it start nothing, what is queued included, until it is resumed. False: it was paused already."""
    return conn.execute(_PAUSE, {"name": name}).rowcount == 1


def resume(conn: Connection, name: str, cron: Cron) -> bool:
    """Let it go on with the next tick from now; nothing is noted of those in between. False: it was not paused."""
    return conn.execute(_RESUME, {"name": name, "next_at": cron.next_after(clock(conn))}).rowcount == 1


def _definition(entry: Entry) -> dict[str, Any]:
    """The columns that say what a schedule is."""
    cron = entry.cron
    return {
        "workflow": entry.workflow,
        "expression": cron.expression,
        "tz": cron.tz,
        "catch_up": cron.catch_up,
        "overlap": cron.overlap,
        "grace": cron.grace_seconds,
    }
