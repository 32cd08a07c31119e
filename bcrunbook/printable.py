"""Texts from outside, made safe to show: what would steer a terminal or a reader is spelled out.

HTML has its own escaping, in the templates; this is about control characters, which no template
escapes and which a terminal obeys, and about characters that nobody sees, which make a text read as
another than it is.
"""

from __future__ import annotations

import re
from typing import Final

# Marks that turn the direction of what follows, and what has no width (Unicode's default ignorable
# characters, but for the joiners and variants that scripts and emoji need).
UNSEEN: Final = (
    "\u00ad\u061c\u180e\u200b\u200e\u200f\u202a-\u202e\u2060-\u206f\ufeff\U000e0000-\U000e007f"
)
"""Characters that nobody sees, as a regular expression has them within brackets."""
# C0 but for tab and line end, DEL, C1, and separators of lines.
_STEERING: Final = re.compile(f"[\x00-\x08\x0b-\x1f\x7f-\x9f\u2028\u2029{UNSEEN}]")


def printable(text: str) -> str:
    r"""The text with what steers, or is not seen, spelled out, such as `\x1b` or `\u202e`."""
    return _STEERING.sub(lambda found: found[0].encode("unicode_escape").decode(), text)
