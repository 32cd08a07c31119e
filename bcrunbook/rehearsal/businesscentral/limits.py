"""How often a caller may ask: 6,000 requests in five minutes, sliding.

Source: contract B12.1 and B12.5. No `Retry-After` comes with the refusal, whose
code is undocumented. Five requests at once and ninety-five in the queue cannot be exceeded, as
requests are served one after the other. Counts are in memory, so a restart forgets them.
"""

from __future__ import annotations

from collections import defaultdict, deque
from typing import Final

from bcrunbook.rehearsal.businesscentral.access import Caller
from bcrunbook.rehearsal.businesscentral.errors import BusinessCentralError
from bcrunbook.rehearsal.clock import Clock

MAX_REQUESTS: Final = 6000
WINDOW_SECONDS: Final = 300.0
MAX_ROWS: Final = 20_000
"""How many rows a page may have."""


class Limits:
    """Counts each caller's requests by the rehearsal clock."""

    def __init__(self, clock: Clock) -> None:
        self._clock = clock
        self._times: dict[tuple[str, str], deque[float]] = defaultdict(deque)

    def count(self, caller: Caller) -> None:
        """Count a request, or refuse it."""
        now = self._clock.reading()
        times = self._times[caller.tenant, caller.id]
        while times and now - times[0] > WINDOW_SECONDS:
            times.popleft()
        if len(times) >= MAX_REQUESTS:
            raise BusinessCentralError(
                429,
                "Application_TooManyRequests",
                f"Too many requests reached. Actual ({len(times) + 1}). Maximum ({MAX_REQUESTS}).",
            )
        times.append(now)
