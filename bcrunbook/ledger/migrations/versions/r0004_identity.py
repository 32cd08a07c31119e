"""What is known is about a tenant, a cloud and a Codat instance, not about an account's name."""

from typing import Final

import sqlalchemy as sa
from alembic import op

revision = "0004"
down_revision = "0003"

_NEW: Final = {
    "run": ("tenant", "instance"),
    "fact": ("cloud", "tenant", "instance"),
    "outcome": ("cloud", "tenant", "instance"),
}


def upgrade() -> None:
    """Add the columns, empty in what was noted before, and the table of tenants' names."""
    length = {"cloud": 20, "tenant": 255, "instance": 300}
    for table, columns in _NEW.items():
        for column in columns:
            op.add_column(table, sa.Column(column, sa.String(length[column])))
    op.create_table(
        "tenant_name",
        sa.Column("cloud", sa.String(20), primary_key=True),
        sa.Column("name", sa.String(255), primary_key=True),
        sa.Column("id", sa.String(36), nullable=False),
    )
