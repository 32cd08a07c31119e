"""Fixtures of the notebook tests."""

from tests.notebook.interactive_session import seat

__all__ = ["seat"]
