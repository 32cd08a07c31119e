"""Fixtures of the crash tests."""

from tests.crash.harness import harness

__all__ = ["harness"]
