"""The handover: what another engineer or an auditor needs, from the ledger alone."""
