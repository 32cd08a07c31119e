"""Processes take turns in asking a service, so that all together keep below its limit."""

import sqlalchemy as sa
from alembic import op

revision = "0003"
down_revision = "0002"


def upgrade() -> None:
    """Add the table."""
    op.create_table(
        "turn",
        sa.Column("name", sa.String(300), primary_key=True),
        sa.Column("next", sa.Double, nullable=False),
    )
