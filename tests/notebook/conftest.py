"""Fixtures of the notebook tests."""

from tests.notebook.seat import seat

__all__ = ["seat"]
