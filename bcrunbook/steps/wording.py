"""Words that the findings of several steps share."""

from __future__ import annotations

from typing import Final

PRESENT: Final = "present"
ABSENT: Final = "not there"
