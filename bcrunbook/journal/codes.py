"""The codes of a refusal: what programs branch on, and no word of what people read."""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import Any, Final

from bcrunbook.journal.entry import PLACEHOLDER
from bcrunbook.journal.words import CODES, is_told

_AADSTS: Final = re.compile(rb"AADSTS(\d{5,7})(?!\d)")
_OAUTH: Final = re.compile(r"[a-z_]+")
_CODE: Final = re.compile(r"[A-Za-z][A-Za-z0-9_]{2,80}")
_INNER: Final = ("innerError", "innererror", "details")


def codes_of(content: bytes, value: Any) -> tuple[str, ...]:
    """The codes that a refusal tells, from the outermost to the innermost, then AADSTS numbers.

    Args:
        content: the body as it came.
        value: the JSON in it; None if it is none.
    """
    numbers = sorted({f"AADSTS{hit.decode()}" for hit in _AADSTS.findall(content)})
    return (*dict.fromkeys(_found(value)), *numbers)


def _found(value: Any) -> Iterator[str]:
    if not isinstance(value, dict):
        return
    error = value.get("error", value)
    if isinstance(error, str):
        # OAuth has a code there, Codat a sentence.
        if _OAUTH.fullmatch(error):
            yield _code(error)
        error = {"code": value.get("suberror")}
    yield from _nested(error, 0)


def _nested(error: Any, depth: int) -> Iterator[str]:
    if isinstance(error, list):
        for one in error[:20]:
            yield from _nested(one, depth + 1)
    if not isinstance(error, dict) or depth > 8:
        return
    code = error.get("code")
    if isinstance(code, str):
        yield _code(code)
    for name in _INNER:
        yield from _nested(error.get(name), depth + 1)


def _code(code: str) -> str:
    if code in CODES:
        return code
    known = _CODE.fullmatch(code) is not None and is_told(code)
    return code if known else PLACEHOLDER if code else "empty"
