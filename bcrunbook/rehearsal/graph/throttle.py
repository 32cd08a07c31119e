"""Throttling: token buckets on the rehearsal clock.

Source: Graph docs, "Microsoft Graph service-specific throttling limits", identity and access. The
buckets are in memory: a restart forgives.
"""

from __future__ import annotations

import math
from dataclasses import dataclass

from bcrunbook.rehearsal.clock import Clock
from bcrunbook.rehearsal.graph.errors import GraphError


@dataclass(frozen=True)
class Limit:
    """So many units in so many seconds (at speed 1)."""

    name: str
    units: float
    seconds: float


REQUEST_UNITS = Limit("ResourceUnits", 3500, 10)
WRITES = Limit("Writes", 3000, 150)
CONSUMER_WRITES = Limit("ApplicationsWrites", 60, 60)
"""Writes to applications that also serve personal accounts."""


class Throttle:
    """The buckets of every application in every tenant."""

    def __init__(self, clock: Clock) -> None:
        self._clock = clock
        self._buckets: dict[tuple[str, Limit], tuple[float, float]] = {}

    def take(self, key: str, limit: Limit, units: float = 1) -> float:
        """Use units of a bucket; answers which part of it is used, or refuses with 429."""
        now = self._clock.now() * self._clock.speed
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
