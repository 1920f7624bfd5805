"""Schedules: what starts a workflow at its times, and what has become of each of these times.

The views are files in the directory ``0004``.

Revision ID: 0004
Revises: 0003
"""

import re
from pathlib import Path

from alembic import op
from sqlalchemy import text

revision: str = "0004"
down_revision: str | None = "0003"
branch_labels: str | None = None
depends_on: str | None = None

SCHEDULE = """
CREATE TABLE durableflow_core.schedule (
    name         text NOT NULL,
    app          text NOT NULL,
    workflow     text NOT NULL,
    expression   text NOT NULL,
    tz           text NOT NULL,
    catch_up     text NOT NULL,
    overlap      text NOT NULL,
    grace        double precision NOT NULL,
    next_at      timestamptz NOT NULL,
    last_run_id  uuid,
    paused_at    timestamptz,
    removed_at   timestamptz,
    created_at   timestamptz NOT NULL DEFAULT durableflow_core.now(),
    CONSTRAINT schedule_pkey PRIMARY KEY (name),
    CONSTRAINT schedule_catch_up CHECK (catch_up IN ('skip', 'one', 'all')),
    CONSTRAINT schedule_overlap CHECK (overlap IN ('allow', 'skip', 'queue')),
    CONSTRAINT schedule_grace CHECK (grace >= 0)
) WITH (fillfactor = 50)
"""

TICK = """
CREATE TABLE durableflow_core.tick (
    schedule  text NOT NULL,
    at        timestamptz NOT NULL,
    state     text NOT NULL,
    run_id    uuid,
    reason    text,
    noted_at  timestamptz NOT NULL DEFAULT durableflow_core.now(),
    CONSTRAINT tick_pkey PRIMARY KEY (schedule, at),
    CONSTRAINT tick_state CHECK (state IN ('started', 'skipped', 'queued', 'missed')),
    CONSTRAINT tick_run CHECK ((state = 'started') = (run_id IS NOT NULL)),
    CONSTRAINT tick_reason CHECK (state <> 'skipped' OR reason IS NOT NULL)
)
"""

TICK_QUEUED = "CREATE INDEX tick_queued ON durableflow_core.tick (schedule, at) WHERE state = 'queued'"

# For what is past its retention.
TICK_BY_TIME = "CREATE INDEX tick_by_time ON durableflow_core.tick (at)"

VIEWS = ("schedules", "ticks")


def upgrade() -> None:
    for statement in (SCHEDULE, TICK, TICK_QUEUED, TICK_BY_TIME):
        op.execute(statement)
    for name in VIEWS:
        for statement in _statements(Path(__file__).with_name("0004") / f"{name}.sql"):
            op.execute(text(statement.replace(":", r"\:")))


def downgrade() -> None:
    for name in reversed(VIEWS):
        op.execute(f"DROP VIEW durableflow.{name}")
    op.execute("DROP TABLE durableflow_core.tick")
    op.execute("DROP TABLE durableflow_core.schedule")


def _statements(file: Path) -> list[str]:
    """The statements of a file: each begins at the start of a line, and what is inside of one is indented."""
    return [part for part in re.split(r";\n+(?=\S|\Z)", file.read_text(encoding="utf-8")) if part.strip()]
