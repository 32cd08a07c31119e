"""Spans of time in words."""

from __future__ import annotations

from datetime import timedelta
from typing import Final

_UNITS: Final = ((86_400, "day"), (3_600, "h"), (60, "min"), (1, "s"))


def span(passed: timedelta) -> str:
    """A span of time in its two largest units: `12 s`, `4 min 3 s`, `2 days 3 h`.

    Args:
        passed: the span, not negative.
    """
    left, parts = round(passed.total_seconds()), []
    for seconds, unit in _UNITS:
        count, left = divmod(left, seconds)
        if count:
            plural = "s" if unit == "day" and count > 1 else ""
            parts.append(f"{count} {unit}{plural}")
        elif parts:
            break
    return " ".join(parts[:2]) or "0 s"
