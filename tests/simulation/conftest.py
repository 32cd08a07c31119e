"""What is laid out for worlds is cleared away when the tests have ended."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from tests.simulation.stage import clear


@pytest.fixture(scope="session", autouse=True)
def no_folder_left() -> Iterator[None]:
    """Leave nothing in memory."""
    yield
    clear()
