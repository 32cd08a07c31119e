"""Throttling: token buckets on the rehearsal clock.

Source: Graph docs, "Microsoft Graph service-specific throttling limits", identity and access. The
buckets are in memory: a restart forgives.
"""

from __future__ import annotations

import math

from bcrunbook.rehearsal.clock import Clock
from bcrunbook.rehearsal.graph.errors import GraphError
from bcrunbook.rehearsal.graph.limits import RateLimit


class Throttle:
    """The buckets of every application in every tenant."""

    def __init__(self, clock: Clock) -> None:
        self._clock = clock
        self._buckets: dict[tuple[str, RateLimit], tuple[float, float]] = {}

    def take(self, key: str, limit: RateLimit, units: float = 1) -> float:
        """Use units of a bucket; answers which part of it is used, or refuses with 429."""
        now = self._clock.reading()
        left, seen = self._buckets.get((key, limit), (limit.units, now))
        rate = limit.units / limit.seconds
        left = min(limit.units, left + (now - seen) * rate)
        if left < units:
            wait = max(1, math.ceil((units - left) / rate))
            raise GraphError(
                429,
                "TooManyRequests",
                "Please retry again later.",
                headers={
                    "Retry-After": str(wait),
                    "x-ms-throttle-limit-percentage": "1.0",
                    "x-ms-throttle-scope": "Tenant_Application/ReadWrite/" + key.replace(":", "/"),
                    "x-ms-throttle-information": limit.name,
                },
                inner={"code": "429", "message": "Please retry after", "status": "429"},
            )
        self._buckets[key, limit] = (left - units, now)
        return 1 - (left - units) / limit.units
