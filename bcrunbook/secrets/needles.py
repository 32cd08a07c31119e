"""Find which of many strings stand in a text, in a time that does not grow with how many they are.

A process that follows thousands of customers has held thousands of tokens. Of each string the last
few pieces of eight characters are kept; a text is cut into pieces of eight, one after the other. At
whichever place the string stands in the text, one of the cuts is one of its pieces. Whatever string
a cut leads to is then looked for as a whole.
"""

from __future__ import annotations

from collections import defaultdict
from typing import Final

_PIECE: Final = 8
# With fewer characters, what the cuts leave of it may be no whole piece.
_SHORTEST: Final = 2 * _PIECE - 1
_FEW: Final = 128
"""So many are looked for one by one in the time that it takes to cut the text."""


class Needles:
    """Strings to be found. One may be added while another thread looks for the others."""

    def __init__(self) -> None:
        self._by_piece: defaultdict[str, list[str]] = defaultdict(list)
        self._long: dict[str, None] = {}
        self._short: dict[str, None] = {}

    def add(self, needle: str) -> None:
        """Look for one more string from now on.

        Args:
            needle: the string; the empty one is in every text.
        """
        if len(needle) < _SHORTEST:
            self._short[needle] = None
            return
        if needle in self._long:
            return
        self._long[needle] = None
        # The end: tokens that were made alike begin alike.
        for end in range(len(needle) - _PIECE + 1, len(needle) + 1):
            self._by_piece[needle[end - _PIECE : end]].append(needle)

    def found_in(self, text: str) -> list[str]:
        """Those that stand in a text, each once."""
        # Each in one go: another thread may be adding one.
        candidates = list(self._short)
        if len(self._long) <= _FEW:
            candidates += list(self._long)
        else:
            known = self._by_piece
            cuts = {text[at : at + _PIECE] for at in range(0, len(text), _PIECE)}
            led_to = (needle for cut in cuts if cut in known for needle in known[cut])
            candidates += dict.fromkeys(led_to)
        return [needle for needle in candidates if needle in text]
