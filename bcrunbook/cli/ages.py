"""How long ago something was, as a person says it."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta


def when(at: datetime, now: datetime) -> str:
    """A time with its age: `12:04, 3 h ago`, and from a day on `2026-11-24, 5 days ago`.

    Args:
        at: when it was (with its time zone).
        now: the time now.
    """
    passed, at = max(now - at, timedelta()), at.astimezone(UTC)
    minutes = passed // timedelta(minutes=1)
    if minutes < 1:
        return f"{at:%H:%M}, just now"
    if minutes < 60:
        return f"{at:%H:%M}, {minutes} min ago"
    if not passed.days:
        return f"{at:%H:%M}, {minutes // 60} h ago"
    return f"{at:%Y-%m-%d}, {passed.days} day{'' if passed.days == 1 else 's'} ago"
