"""Renew what `bcrunbook fidelity` knows of the rehearsal: `python -m tests.tools.known_answers`.

Plays rehearsals without trouble, keeps their journals, and writes the shapes of the answers.
"""

from __future__ import annotations

import asyncio
import tempfile
from collections.abc import Collection
from dataclasses import replace
from pathlib import Path
from typing import Final

import bcrunbook.fidelity
from bcrunbook.fidelity.answers import KnownAnswer, answers_of, is_of_service, text_of
from bcrunbook.rehearsal.lags import PROFILES
from tests.support.shapes import clean_rehearsals

FILE = Path(bcrunbook.fidelity.__file__).parent / "known_answers.json"


def without_chance(answer: KnownAnswer) -> KnownAnswer:
    """The same answer, whatever the moment was.

    Zeros at the end of a fraction are not printed, so that one date in ten is shorter; shorter
    ones are no difference where a longer one is known.
    """
    fields = {place: longest_dates(kinds) for place, kinds in answer.fields.items()}
    return replace(answer, fields=fields)


def longest_dates(kinds: Collection[str]) -> tuple[str, ...]:
    """Kinds of a field; of dates with the same zone, those with the longest fraction alone."""
    others = {kind for kind in kinds if not kind.startswith("date ") or "year" in kind}
    digits: dict[str, int] = {}
    for kind in set(kinds) - others:
        _, length, zone = kind.split()
        digits[zone] = max(int(length), digits.get(zone, 0))
    return tuple(sorted(others | {f"date {length} {zone}" for zone, length in digits.items()}))


PAIRS: Final = 4
"""So often do two act at the same moment, as it differs how they meet."""


def main() -> None:
    """Write the file."""
    entries = []
    for lags in PROFILES:
        with tempfile.TemporaryDirectory() as folder:
            entries += asyncio.run(clean_rehearsals(Path(folder), lags, PAIRS))
    answers = answers_of(entry for entry in entries if is_of_service(entry))
    FILE.write_text(text_of(map(without_chance, answers)), "utf-8")
    print(f"{FILE.name}: {len(answers)} answers, {len(entries)} requests")


if __name__ == "__main__":
    main()
