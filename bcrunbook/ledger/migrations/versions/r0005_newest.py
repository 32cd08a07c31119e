"""What is known of thousands of customers is found without reading all of it."""

from alembic import op

revision = "0005"
down_revision = "0004"


def upgrade() -> None:
    """Have an index hold all that the newest outcomes are told by, and find facts of a kind."""
    op.drop_index("outcome_found_by", "outcome")
    columns = ["account", "customer", "step", "cloud", "tenant", "instance"]
    op.create_index("outcome_found_by", "outcome", columns)
    op.create_index("fact_elsewhere", "fact", ["kind", "step", "cloud"])
