"""What a canvas of Celery's asks of steps: answers to failures, and a time after which a task does not begin any more.

``answers`` names the steps one of whose failures lets a step begin, ``errbacks``, of those, the steps that do so;
``expires_at`` is when it is too late to begin. ``missing`` is what the counter of a bundle still lacks: steps that feed
the same others, of which ``needs`` then counts the counters. So the view counts what a step waits for by itself.

Revision ID: 0005
Revises: 0004
"""

from pathlib import Path

from alembic import op

revision: str = "0005"
down_revision: str | None = "0004"
branch_labels: str | None = None
depends_on: str | None = None

NEEDS = "s.needs AS waits_for"
MISSING = """
  CASE WHEN s.needs = 0 THEN 0 ELSE (
      SELECT count(*)::integer FROM durableflow_core.step AS n
      WHERE n.run_id = s.run_id AND n.rev = s.rev AND n.index = ANY(s.sources) AND n.state <> 'succeeded'
  ) END AS waits_for
"""


def upgrade() -> None:
    op.execute(
        "ALTER TABLE durableflow_core.step ADD COLUMN answers integer[], ADD COLUMN errbacks integer[], "
        "ADD COLUMN expires_at timestamptz"
    )
    op.execute("ALTER TABLE durableflow_core.join_counter ADD COLUMN missing integer")
    op.execute(_view().replace(NEEDS, MISSING))


def downgrade() -> None:
    op.execute(_view())
    op.execute("ALTER TABLE durableflow_core.join_counter DROP COLUMN missing")
    op.execute("ALTER TABLE durableflow_core.step DROP COLUMN answers, DROP COLUMN errbacks, DROP COLUMN expires_at")


def _view() -> str:
    """The view ``steps`` as it was; its comments stay."""
    view, _, _ = (Path(__file__).with_name("0003") / "steps.sql").read_text(encoding="utf-8").partition(";")
    assert NEEDS in view
    return view
