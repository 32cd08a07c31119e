"""Fixtures of the crash tests."""

from tests.crash.stage import stage

__all__ = ["stage"]
