"""The engine of the runbook: examine, plan, apply, look again. It knows no service and no cloud."""
