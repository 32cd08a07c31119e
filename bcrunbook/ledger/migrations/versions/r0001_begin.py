"""The first shape: runs, facts, outcomes and leases."""

import sqlalchemy as sa
from alembic import op

revision = "0001"
down_revision = None


def upgrade() -> None:
    """Make the four tables."""
    time = sa.DateTime(timezone=True)
    op.create_table(
        "run",
        sa.Column("id", sa.String(36), primary_key=True),
        sa.Column("account", sa.String(30), nullable=False),
        sa.Column("customer", sa.String(200)),
        sa.Column("step", sa.String(60), nullable=False),
        sa.Column("mode", sa.String(20), nullable=False),
        sa.Column("cloud", sa.String(20), nullable=False),
        sa.Column("started_at", time, nullable=False),
        sa.Column("ended_at", time),
        sa.Column("state", sa.String(20)),
        sa.Column("version", sa.String(60), nullable=False),
    )
    op.create_table(
        "fact",
        sa.Column("id", sa.Integer, primary_key=True),
        sa.Column("run_id", sa.String(36), sa.ForeignKey("run.id", name="fact_run")),
        sa.Column("at", time, nullable=False),
        sa.Column("account", sa.String(30), nullable=False),
        sa.Column("customer", sa.String(200)),
        sa.Column("step", sa.String(60), nullable=False),
        sa.Column("kind", sa.String(60), nullable=False),
        sa.Column("subject", sa.String(400), nullable=False),
        sa.Column("basis", sa.String(10), nullable=False),
        sa.Column("said_by", sa.String(200)),
        sa.Column("data", sa.JSON, nullable=False),
        sa.CheckConstraint("basis IN ('observed', 'intended', 'done', 'said')", name="fact_basis"),
    )
    op.create_index("fact_found_by", "fact", ["account", "step", "kind", "subject"])
    op.create_table(
        "outcome",
        sa.Column("id", sa.Integer, primary_key=True),
        sa.Column(
            "run_id", sa.String(36), sa.ForeignKey("run.id", name="outcome_run"), nullable=False
        ),
        sa.Column("at", time, nullable=False),
        sa.Column("account", sa.String(30), nullable=False),
        sa.Column("customer", sa.String(200)),
        sa.Column("step", sa.String(60), nullable=False),
        sa.Column("state", sa.String(20), nullable=False),
        sa.Column("data", sa.JSON, nullable=False),
    )
    op.create_index("outcome_found_by", "outcome", ["account", "customer", "step"])
    op.create_table(
        "lease",
        sa.Column("name", sa.String(300), primary_key=True),
        sa.Column("token", sa.String(36), nullable=False),
        sa.Column("holder", sa.String(100), nullable=False),
        sa.Column("host", sa.String(255), nullable=False),
        sa.Column("pid", sa.Integer, nullable=False),
        sa.Column("process_started", sa.Double, nullable=False),
        sa.Column("what", sa.String(400), nullable=False),
        sa.Column("since", time, nullable=False),
        sa.Column("heartbeat", time, nullable=False),
    )
