"""What a workflow can wait for: events, children, steps that were begun before, steps that need others.

``event`` holds what was sent to runs; ``queued`` the steps of a gather with a limit that wait for their turn. ``step``
learns what a step needs and feeds, and whether the run began it without awaiting it; ``checkpoint`` which routines the
run stands in.

Revision ID: 0003
Revises: 0002
"""

import re
from pathlib import Path

from alembic import op
from sqlalchemy import text

revision: str = "0003"
down_revision: str | None = "0002"
branch_labels: str | None = None
depends_on: str | None = None

# Nothing that is new has a CHECK: PostgreSQL parses those of `step` again with every statement.
STEP = """
ALTER TABLE durableflow_core.step
    ADD COLUMN begun    boolean NOT NULL DEFAULT false,
    ADD COLUMN needs    integer NOT NULL DEFAULT 0,
    ADD COLUMN sources  integer[],
    ADD COLUMN feeds    integer[],
    ADD COLUMN gate     smallint,
    ADD COLUMN child_id uuid
"""

CHECKPOINT = """
ALTER TABLE durableflow_core.checkpoint
    ADD COLUMN frames json,
    ADD COLUMN opens  integer NOT NULL DEFAULT 0
"""

QUEUED = """
CREATE TABLE durableflow_core.queued (
    run_id  uuid NOT NULL,
    rev     integer NOT NULL,
    gate    smallint NOT NULL,
    index   integer NOT NULL,
    CONSTRAINT queued_pkey PRIMARY KEY (run_id, rev, gate, index)
) WITH (autovacuum_vacuum_scale_factor = 0.02, autovacuum_vacuum_threshold = 500,
        autovacuum_analyze_scale_factor = 0.2, autovacuum_vacuum_cost_delay = 0)
"""

EVENT = """
CREATE TABLE durableflow_core.event (
    run_id          uuid NOT NULL,
    id              bigint GENERATED ALWAYS AS IDENTITY,
    name            text NOT NULL,
    event_id        text,
    payload         json NOT NULL,
    sent_by         text,
    sent_at         timestamptz NOT NULL DEFAULT durableflow_core.now(),
    received_at     timestamptz,
    received_rev    integer,
    received_index  integer,
    rejected_at     timestamptz,
    rejection       text,
    CONSTRAINT event_pkey PRIMARY KEY (run_id, id),
    CONSTRAINT event_received CHECK (num_nulls(received_at, received_rev, received_index) IN (0, 3)),
    CONSTRAINT event_rejected CHECK ((rejected_at IS NULL) = (rejection IS NULL)),
    CONSTRAINT event_once CHECK (received_at IS NULL OR rejected_at IS NULL)
)
"""

EVENT_BY_ID = "CREATE UNIQUE INDEX event_by_id ON durableflow_core.event (run_id, event_id) WHERE event_id IS NOT NULL"

EVENT_UNRECEIVED = """
CREATE INDEX event_unreceived ON durableflow_core.event (run_id, name, id)
    WHERE received_at IS NULL AND rejected_at IS NULL
"""

OLD_REASONS = ("start", "step", "timer", "join", "deadline", "cancel", "redrive", "rescue", "unpark")
REASONS = (*OLD_REASONS, "event", "child", "look")

FILES = ("runs", "steps", "checkpoints", "events", "inbox", "send")


def upgrade() -> None:
    for statement in (STEP, CHECKPOINT, QUEUED, EVENT, EVENT_BY_ID, EVENT_UNRECEIVED, *_wake_reasons(REASONS)):
        op.execute(statement)
    for name in FILES:
        _run(Path(__file__).with_name("0003") / f"{name}.sql")


def downgrade() -> None:
    op.execute("DROP FUNCTION durableflow.send(uuid, text, json, text, text)")
    for view in ("inbox", "events", "checkpoints", "steps", "runs"):
        op.execute(f"DROP VIEW durableflow.{view}")
    for name in ("runs", "steps", "checkpoints"):
        _run(Path(__file__).with_name("0002") / f"{name}.sql")
    op.execute("DELETE FROM durableflow_core.wake WHERE reason IN ('event', 'child', 'look')")
    for statement in _wake_reasons(OLD_REASONS):
        op.execute(statement)
    op.execute("DROP TABLE durableflow_core.event")
    op.execute("DROP TABLE durableflow_core.queued")
    op.execute("ALTER TABLE durableflow_core.checkpoint DROP COLUMN frames, DROP COLUMN opens")
    op.execute(
        "ALTER TABLE durableflow_core.step DROP COLUMN begun, DROP COLUMN needs, DROP COLUMN sources, "
        "DROP COLUMN feeds, DROP COLUMN gate, DROP COLUMN child_id"
    )


def _wake_reasons(reasons: tuple[str, ...]) -> tuple[str, str]:
    listed = ", ".join(f"'{reason}'" for reason in reasons)
    return (
        "ALTER TABLE durableflow_core.wake DROP CONSTRAINT wake_reason",
        f"ALTER TABLE durableflow_core.wake ADD CONSTRAINT wake_reason CHECK (reason IN ({listed}))",
    )


def _run(file: Path) -> None:
    """The statements of a file of views: each begins at the start of a line, and what is inside of one is indented."""
    for statement in re.split(r";\n+(?=\S|\Z)", file.read_text(encoding="utf-8")):
        if statement.strip():
            op.execute(text(statement.replace(":", r"\:")))
