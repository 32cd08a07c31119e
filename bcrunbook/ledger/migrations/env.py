"""Run by alembic, inside the transaction that `ledger.open_ledger` has begun."""

from alembic import context

context.configure(connection=context.config.attributes["connection"])
context.run_migrations()
