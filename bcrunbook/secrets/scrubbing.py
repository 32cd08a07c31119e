"""Take secrets out of texts, and recognise what looks like one.

Two nets. The first knows every value this process has held (`known`). The second knows shapes:
tokens, and fields whose name says what they carry. A catch in the first net means that some code
was about to leak, so it is logged as an error.
"""

from __future__ import annotations

import logging
import math
import re
from collections import Counter
from typing import Any, Final

from bcrunbook.secrets.known import without_known_values
from bcrunbook.secrets.value import MASK, Secret

_log = logging.getLogger("bcrunbook.secrets")

_SENSITIVE: Final = (
    "client_secret|client_assertion|access_token|refresh_token|id_token|device_code|secretText|otp"
)
_sensitive_key = re.compile(rf"(?i:{_SENSITIVE})")
# `client_secret` is also the id of a step, so `{"client_secret": "done"}` is no secret.
_harmless = re.compile(r"[a-z_]{1,20}|null|None|(?:keyring|file|env|keyvault):\S*|•+")

_JWT: Final = r"eyJ[A-Za-z0-9_-]{8,}(?:\.[A-Za-z0-9_-]*){1,4}"
# Microsoft: client secrets of Entra applications are about 40 characters, `8Q~` or a similar
# digit-Q-tilde from the fourth on; the same shape is used by secret scanners.
_ENTRA_SECRET: Final = r"[A-Za-z0-9_.~-]{3}\dQ~[A-Za-z0-9_.~-]{28,}"

# (words one of which must occur, lower case; the pattern; its replacement). The words spare a big
# text the slow patterns. Quotes may be escaped, because JSON is often found inside JSON.
_SHAPES: Final[tuple[tuple[tuple[str, ...], re.Pattern[str], str], ...]] = (
    (
        ("authorization",),
        re.compile(
            r"(?i)(authorization\\*[\"']?\s*[:=,]\s*\(?b?\\*[\"']?(?:bearer|basic)\s+)[^\s\"'\\]+"
        ),
        r"\1" + MASK,
    ),
    (
        ("bearer",),
        re.compile(r"(?i)(\bbearer\s+)(?=\S*\d|\S{24})[A-Za-z0-9._~+/=-]{6,}"),
        r"\1" + MASK,
    ),
    (("eyj",), re.compile(_JWT), MASK),
    (("q~",), re.compile(_ENTRA_SECRET), MASK),
    (
        ("otp=",),
        re.compile(r"(?i)(\botp=)[^&\s\"'<>\\#]+"),
        r"\1" + MASK,
    ),
    (
        ("code=", "state="),
        # In an address of a login host always; elsewhere only when as long as the real ones are.
        re.compile(
            r"(?i)((?:https?://login\.[^\s\"'<>\\]*?|)(?:[?&]|&amp;|\\u0026)"
            r"(?:code|state)=)([^&\s\"'<>\\#]{16,})"
        ),
        r"\1" + MASK,
    ),
    (
        ("://login.",),
        re.compile(r"(?i)(https?://login\.[^\s\"'<>\\]*?[?&](?:code|state)=)[^&\s\"'<>\\#]+"),
        r"\1" + MASK,
    ),
)
_FIELD_HINTS: Final = tuple(name.lower() for name in _SENSITIVE.split("|"))
_FIELD: Final = re.compile(
    rf"(?i)(\b(?:{_SENSITIVE})(?:=|\\*[\"']\s*:\s*\\*[\"']))([^\"'&\s\\<>]+)"
)


def scrub(text: str, where: str = "a text") -> str:
    """The text with every secret in it replaced by `•••`.

    Args:
        text: anything that is about to be written or shown.
        where: what is being written, for the error that is logged if a known secret is found:
            `the log`, `the ledger`, `a notebook`.
    """
    return _by_shape(_by_value(text, where))


# What no pattern reaches across, wherever it begins: a value ends at white space, and what stands
# between a name and its value is white space alone.
_BETWEEN: Final = "\n\0\n"


def scrub_json(obj: Any, where: str) -> Any:
    """A copy of nested plain data with every secret in it, keys included, replaced by `•••`.

    Args:
        obj: dicts, lists, tuples (which become lists), texts, numbers, booleans and None.
        where: as in `scrub`.
    """
    texts: set[str] = set()
    # Hardly ever is there anything to mask, and all texts together are looked through in no time.
    if _gather(obj, texts) and _is_clean(_BETWEEN.join(texts)):
        return _copied(obj)
    return _scrub_each(obj, where)


def _gather(obj: Any, texts: set[str]) -> bool:
    """Collect the texts of plain data; returns False where something is masked for what it is."""
    if isinstance(obj, str):
        texts.add(obj)
    elif isinstance(obj, dict):
        for key, value in obj.items():
            if isinstance(key, str) and isinstance(value, str) and _sensitive_key.fullmatch(key):
                return False
            if not (_gather(key, texts) and _gather(value, texts)):
                return False
    elif isinstance(obj, (list, tuple)):
        return all(_gather(item, texts) for item in obj)
    return not isinstance(obj, Secret)


def _is_clean(text: str) -> bool:
    return _by_shape(without_known_values(text)) == text


def _copied(obj: Any) -> Any:
    if isinstance(obj, dict):
        return {_copied(key): _copied(value) for key, value in obj.items()}
    if isinstance(obj, (list, tuple)):
        return [_copied(item) for item in obj]
    return obj


def _scrub_each(obj: Any, where: str) -> Any:
    if isinstance(obj, str):
        return scrub(obj, where)
    if isinstance(obj, Secret):
        _report(where)
        return MASK
    if isinstance(obj, dict):
        return {
            _scrub_each(key, where): _scrub_field(key, value, where) for key, value in obj.items()
        }
    if isinstance(obj, (list, tuple)):
        return [_scrub_each(item, where) for item in obj]
    return obj


def _scrub_field(key: object, value: Any, where: str) -> Any:
    cleaned = _scrub_each(value, where)
    if isinstance(key, str) and isinstance(cleaned, str) and _sensitive_key.fullmatch(key):
        return cleaned if _harmless.fullmatch(cleaned) else MASK
    return cleaned


def _report(where: str) -> None:
    _log.error("a secret was about to be written to %s", where)


def _by_value(text: str, where: str) -> str:
    cleaned = without_known_values(text)
    if cleaned != text:
        _report(where)
    return cleaned


def _by_shape(text: str) -> str:
    lower = text.lower()
    for hints, pattern, replacement in _SHAPES:
        if any(hint in lower for hint in hints):
            text = pattern.sub(replacement, text)
    if any(hint in lower for hint in _FIELD_HINTS):
        text = _FIELD.sub(_mask_field, text)
    return text


def _mask_field(match: re.Match[str]) -> str:
    name, value = match.groups()
    return match.group() if _harmless.fullmatch(value) else name + MASK


_strong = re.compile(rf"-----BEGIN [A-Z ]+-----|{_JWT}|{_ENTRA_SECRET}")
_guid = r"[0-9a-fA-F]{8}(?:-[0-9a-fA-F]{4}){3}-[0-9a-fA-F]{12}"
_hosts = r"(?:[A-Za-z0-9](?:[A-Za-z0-9-]{0,61}[A-Za-z0-9])?\.)+[A-Za-z]{2,24}"
_known = re.compile(
    rf"{_guid}|\{{{_guid}\}}"
    rf"|{_hosts}"
    rf"|[^@\s]+@{_hosts}"
    r"|[a-z][a-z0-9+.-]*://\S*"
    r"|(?:keyring|file|env|keyvault):.*"
    r"|(?:~|\.{1,2})?[/\\].*|[A-Za-z]:[/\\].*"
    r"|\d{4}-\d\d-\d\d(?:[T ][\d:.]+(?:Z|[+-]\d\d:?\d\d)?)?"
)
_wordlike = re.compile(r"(?:[A-Z]?[a-z]{2,})+\d{0,8}|[A-Z]+\d*|[a-z]+|\d+")


_SHORTEST: Final = 17
"""Characters of the shortest that is known by its shape, the first line of a private key."""


def looks_like_secret(text: str) -> bool:
    """Whether a value that a person gave is probably a secret itself, not a name or a reference.

    Private keys, JSON web tokens, Entra client secrets and Codat API keys are known by their
    shape; anything else by being long, mixed and unlike words. GUIDs, domains, user names, paths,
    addresses, dates and secret references are never taken for one.
    """
    text = text.strip()
    if len(text) < _SHORTEST:
        return False
    if _strong.search(text):
        return True
    if _known.fullmatch(text):
        return False
    return any(_is_dense(word) for word in text.split() if not _known.fullmatch(word))


def _is_dense(word: str) -> bool:
    # Codat: an API key is 40 letters and digits (contract C1.5). The same length in hex is a
    # SHA-1 thumbprint.
    if re.fullmatch(r"[A-Za-z0-9]{40}", word):
        return not re.fullmatch(r"[0-9a-f]+|[0-9A-F]+|[a-z]+|[A-Z]+", word)
    if len(word) < 20 or _classes(word) < 3 or _entropy(word) < 3.5:
        return False
    parts = re.split(r"[-_./:\\]", word)
    return any(len(part) >= 12 and not _wordlike.fullmatch(part) for part in parts)


def _classes(word: str) -> int:
    # What joins the words of a name is no sign of a secret.
    word = re.sub(r"[-_./:\\]", "", word)
    kinds = (str.islower, str.isupper, str.isdigit, lambda char: not char.isalnum())
    return sum(any(kind(char) for char in word) for kind in kinds)


def _entropy(word: str) -> float:
    """Bits per character, from the word's own letter counts."""
    size = len(word)
    return -sum(n / size * math.log2(n / size) for n in Counter(word).values())
