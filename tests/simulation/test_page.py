"""The page about the worlds tells of each in which something did not hold."""

from __future__ import annotations

from pathlib import Path

from tests.simulation.found import FOUND

PAGE = Path(__file__).parents[2] / "docs/reference/simulation.md"


def test_the_page_tells_what_was_found() -> None:
    """By the name and the seed of each world, in a row of its table."""
    rows = [line for line in PAGE.read_text("utf-8").splitlines() if line.startswith("| ")]
    for name, world in FOUND.items():
        assert any(row.startswith(f"| {name} | {world.seed} |") for row in rows), name
