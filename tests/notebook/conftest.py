"""Fixtures of the notebook tests."""

from tests.notebook.interactive_session import session

__all__ = ["session"]
