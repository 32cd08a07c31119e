"""A lease tells on which machine its holder is: two machines of a team may bear one name."""

import sqlalchemy as sa
from alembic import op

revision = "0002"
down_revision = "0001"


def upgrade() -> None:
    """Add the column; it stays empty in leases that an earlier version has taken."""
    op.add_column("lease", sa.Column("machine", sa.String(64)))
