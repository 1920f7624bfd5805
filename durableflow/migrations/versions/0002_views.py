"""The views: what everybody may rely on. One file a view, in the directory ``0002``; ``functions.sql`` comes first.

Revision ID: 0002
Revises: 0001
"""

import re
from pathlib import Path

from alembic import op
from sqlalchemy import text

revision: str = "0002"
down_revision: str | None = "0001"
branch_labels: str | None = None
depends_on: str | None = None

VIEWS = ("runs", "steps", "attempts", "checkpoints", "dead_letters", "workers")


def upgrade() -> None:
    for name in ("functions", *VIEWS):
        for statement in _statements(Path(__file__).with_name("0002") / f"{name}.sql"):
            op.execute(text(statement.replace(":", r"\:")))


def downgrade() -> None:
    for name in reversed(VIEWS):
        op.execute(f"DROP VIEW durableflow.{name}")
    for function in (
        "durableflow_core.shown(uuid, json, boolean)",
        "durableflow_core.readable(jsonb, jsonb, text[], integer, bigint)",
        "durableflow_core.shown_time(timestamptz)",
        "durableflow_core.source_line(text, integer, integer)",
        "durableflow.expand(uuid, json)",
        "durableflow.expand(uuid, jsonb, bigint)",
        "durableflow_core.expanded(uuid, jsonb, integer, bigint)",
        "durableflow_core.joined(jsonb)",
    ):
        op.execute(f"DROP FUNCTION {function}")
    op.execute("DROP SCHEMA durableflow")


def _statements(file: Path) -> list[str]:
    """The statements of a file: each begins at the start of a line, and what is inside of one is indented."""
    return [part for part in re.split(r";\n+(?=\S|\Z)", file.read_text(encoding="utf-8")) if part.strip()]
