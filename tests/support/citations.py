"""Facts of the contracts by their ids, and where a text cites one."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Final

ROOT: Final = Path(__file__).resolve().parents[2]

CONTRACTS: Final = {"G": "graph", "B": "businesscentral", "C": "codat"}
"""The letter of a fact's id, and the page that the fact stands on."""

_FACT: Final = re.compile(r"(?:[GBC]\d+(?:\.\d+)?)")
_CITED: Final = re.compile(
    rf"\bcontracts? ({_FACT.pattern}(?:(?:, and |, | and | or | to ){_FACT.pattern})*)"
)


def page_of(letter: str) -> Path:
    """The page of a letter."""
    return ROOT / "docs" / "contracts" / f"{CONTRACTS[letter]}.md"


def cited(text: str) -> list[str]:
    """The ids that a text cites, also where the citation goes on in the next line."""
    flat = re.sub(r"\s*\n\s*(?:#:? |// |\* )?", " ", text)
    return [one for hit in _CITED.findall(flat) for one in re.findall(_FACT, hit)]
