"""What a canvas of Celery's asks of steps: answers to failures, and a time after which a task does not begin any more.

``answers`` names the steps one of whose failures lets a step begin, ``errbacks``, of those, the steps that do so;
``expires_at`` is when it is too late to begin.

Revision ID: 0005
Revises: 0004
"""

from alembic import op

revision: str = "0005"
down_revision: str | None = "0004"
branch_labels: str | None = None
depends_on: str | None = None


def upgrade() -> None:
    op.execute(
        "ALTER TABLE durableflow_core.step ADD COLUMN answers integer[], ADD COLUMN errbacks integer[], "
        "ADD COLUMN expires_at timestamptz"
    )


def downgrade() -> None:
    op.execute("ALTER TABLE durableflow_core.step DROP COLUMN answers, DROP COLUMN errbacks, DROP COLUMN expires_at")
