"""The files that style sheets are made of. Imports nothing heavy: Jupyter's server waits for it."""

from __future__ import annotations

from pathlib import Path
from typing import Final

_FOLDER: Final = Path(__file__).resolve().parent / "templates"

CELLS: Final = tuple(_FOLDER / name for name in ("style.css", "journey_map.css", "journey.css"))
"""Of all that cells show."""
MAP_ALONE: Final = tuple(_FOLDER / name for name in ("journey_alone.css", "journey_map.css"))
"""Of a map that is a file of its own."""


def one_line(files: tuple[Path, ...]) -> str:
    """A style sheet in one line: so a notebook turned into Markdown stays readable around it.

    Args:
        files: its files.
    """
    return "".join(file.read_text("utf-8").replace("\n", "") for file in files)
