"""Renew what `bcrunbook fidelity` knows of the rehearsal: `python -m tests.tools.known_answers`.

Plays rehearsals without trouble, keeps their journals, and writes the shapes of the answers.
"""

from __future__ import annotations

import asyncio
import tempfile
from pathlib import Path

import bcrunbook.fidelity
from bcrunbook.fidelity.answers import answers_of, is_of_service, text_of
from tests.support.shapes import clean_rehearsals

FILE = Path(bcrunbook.fidelity.__file__).parent / "known_answers.json"


WAYS = ((60.0, "usual"), (100.0, "usual"), (200.0, "usual"), (400.0, "usual"), (400.0, "worst"))
"""Speeds and lags: some refusals are met at one pace and not at another."""


def main() -> None:
    """Write the file."""
    entries = []
    for speed, lags in WAYS:
        with tempfile.TemporaryDirectory() as folder:
            entries += asyncio.run(clean_rehearsals(Path(folder), speed, lags))
    answers = answers_of(entry for entry in entries if is_of_service(entry))
    FILE.write_text(text_of(answers), "utf-8")
    print(f"{FILE.name}: {len(answers)} answers, {len(entries)} requests")


if __name__ == "__main__":
    main()
