"""All words and codes in one table, and how what somebody typed is found in it."""

from __future__ import annotations

import difflib
import re
from collections.abc import Mapping
from typing import Final

from bcrunbook.aadsts import ADVICE as ENTRA
from bcrunbook.aadsts import Advice, code_in
from bcrunbook.cli.words import businesscentral, codat, ours
from bcrunbook.secrets.vault import ADVICE as KEY_VAULT
from bcrunbook.services.codat.errors import ADVICE as CODAT
from bcrunbook.services.graph.errors import ADVICE as GRAPH

GROUPS: Final[dict[str, Mapping[str, Advice]]] = {
    "How a step stands": ours.STATES,
    "What a finding or a plan says": ours.FINDINGS,
    "Modes and clouds": ours.MODES,
    "How an installation stands": ours.VERDICTS,
    "Exit codes": ours.EXIT_CODES,
    "Codat, a connection": codat.CONNECTIONS,
    "Codat, a sync": codat.SYNCS,
    "Codat, a refusal": {str(status): advice for status, advice in CODAT.items()},
    "Business Central, an environment": businesscentral.ENVIRONMENTS,
    "Business Central, an installation": businesscentral.DEPLOYMENTS,
    "Business Central, a refusal": businesscentral.ERRORS,
    "Microsoft Graph": GRAPH,
    "Azure Key Vault": KEY_VAULT,
    "Microsoft Entra": {f"AADSTS{number}": advice for number, advice in ENTRA.items()},
}
"""Every word with its advice, by where it is met."""

# Nearer than the names of options and accounts: of two codes that are half alike neither is meant.
_NEAR: Final = 0.8


def explained(text: str) -> tuple[str, Advice] | None:
    """A word as the table has it, with its advice; None where it is not there.

    Args:
        text: a word or code, a verdict with its grounds, or a message that quotes an AADSTS
            code.
    """
    names = _names()
    quoted = f"aadsts{code_in(text.upper())}"
    # A verdict is shown with its grounds behind a colon.
    asked = (_folded(text), quoted, _folded(text.partition(":")[0]))
    name = next((names[one] for one in asked if one in names), "")
    return (name, _words()[name]) if name else None


def is_number(text: str) -> bool:
    """Whether it is a code of digits, as Entra's are, with or without letters before them."""
    return re.fullmatch(r"[a-z]*\d+", _folded(text)) is not None


def near(text: str) -> str:
    """The word that is probably meant; empty where none is near."""
    if is_number(text):
        return ""  # each number is another code, however alike they look
    names = _names()
    close = difflib.get_close_matches(_folded(text), names, n=1, cutoff=_NEAR)
    return names[close[0]] if close else ""


def _words() -> dict[str, Advice]:
    return {name: advice for group in GROUPS.values() for name, advice in group.items()}


def _names() -> dict[str, str]:
    """Each word of the table, by how it may be typed."""
    found = {_folded(label): state for label, state in ours.STATE_LABELS.items()}
    return found | {_folded(name): name for name in _words()}


def _folded(text: str) -> str:
    """A word as it is compared: whatever its case, and however its parts are joined."""
    plain = re.sub(r"[\s_-]+", " ", text.strip()).lower()
    number = re.fullmatch(r"(?:aadsts? ?)?(\d{4,8})", plain)
    code = re.fullmatch(r"exit (?:code )?(\d+)", plain)
    return f"aadsts{number[1]}" if number else code[1] if code else plain
