"""Texts from outside, made safe to print: what would steer a terminal is spelled out.

HTML has its own escaping, in the templates; this is about control characters, which no template
escapes and which a terminal obeys.
"""

from __future__ import annotations

import re

# C0 but for tab and line end, DEL, C1, and the marks that turn the direction of what follows.
_STEERING = re.compile("[\x00-\x08\x0b-\x1f\x7f-\x9f\u2028\u2029\u202a-\u202e\u2066-\u2069]")


def printable(text: str) -> str:
    """The text with every character that would steer a terminal spelled out, such as `\\x1b`."""
    return _STEERING.sub(lambda found: found[0].encode("unicode_escape").decode(), text)
