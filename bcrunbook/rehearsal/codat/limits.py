"""The figures of Codat's API, and its rate limits: so many requests a day and a minute.

Sources: Codat's OpenAPI description; Codat docs, "Rate limits": 1,000 x (1 + active connected
companies) requests a day, anew at 00:00 UTC; 1,000 a minute; the headers on every answer and
Retry-After with a 429. The day's count is kept with the state, so a restart does not forget it; the
minute's is not.

The minute's limit is per IP address there; every client of a rehearsal has the same address, so it
is per instance here. Ten concurrent requests per company cannot be exceeded: requests are served
one after the other. A refused request is not counted (undocumented).
"""

from __future__ import annotations

import math
from datetime import UTC, datetime, timedelta
from typing import Final

from bcrunbook.rehearsal.cloud import RehearsalCloud
from bcrunbook.rehearsal.codat import world
from bcrunbook.rehearsal.codat.errors import CodatError

USAGE: Final = "codatUsage"
CONNECTED: Final = "codatConnectedCompanies"
"""How many companies of an instance are connected, kept up to date by `records`: counting them
with each request would make requests slower with each company."""

CURRENT: Final = "current"
MAX_PER_DAY: Final = 1000
"""Requests, once and for each connected company once more."""
MAX_PER_MINUTE: Final = 1000
MINUTE: Final = 60.0

MAX_NUMBER: Final = 2**31 - 1
DEFAULT_PAGE_SIZE: Final = 100
MAX_PAGE_SIZE: Final = 5000
MAX_PAGE: Final = MAX_NUMBER
MAX_QUERY_LENGTH: Final = 2048
MAX_QUERY_DEPTH: Final = 16
"""How deep groups may lie within each other; no limit is documented, and every service has one."""
MAX_COMPANY_TAGS: Final = 10
MAX_TAG_KEY_LENGTH: Final = 27
MAX_TAG_VALUE_LENGTH: Final = 100
MAX_WEBHOOKS: Final = 50
MAX_WEBHOOK_TAGS: Final = 10
MAX_WEBHOOK_TAG_LENGTH: Final = 128
MAX_API_KEYS: Final = 10
MAX_API_KEY_NAME_LENGTH: Final = 50


class Limits:
    """The counters of every instance."""

    def __init__(self, cloud: RehearsalCloud) -> None:
        self._cloud = cloud
        self._minutes: dict[str, tuple[float, int]] = {}

    def count(self, instance: world.Instance) -> dict[str, str]:
        """Count a request; answers the headers that tell what is left, or refuses with 429."""
        now = self._cloud.clock.now()
        moment = datetime.fromtimestamp(now, UTC)
        today = moment.date().isoformat()
        midnight = datetime(moment.year, moment.month, moment.day, tzinfo=UTC) + timedelta(days=1)
        connected = self._cloud.store.latest(CONNECTED, instance.id, CURRENT)
        quota = MAX_PER_DAY * (1 + (connected["companies"] if connected else 0))
        usage = self._cloud.store.latest(USAGE, instance.id, CURRENT)
        used = usage["used"] if usage and usage["date"] == today else 0

        reading = self._cloud.clock.reading()
        since, in_minute = self._minutes.get(instance.id, (reading, 0))
        if reading - since >= MINUTE:
            since, in_minute = reading, 0

        headers = {
            "X-Rate-Limit-Limit": str(quota),
            "X-Rate-Limit-Remaining": str(max(0, quota - used)),
            # The docs call it a date and show no example: ISO 8601, as all of Codat's dates.
            "X-Rate-Limit-Reset": midnight.strftime("%Y-%m-%dT%H:%M:%SZ"),
        }
        if used >= quota:
            raise _too_many(headers, midnight.timestamp() - now)
        if in_minute >= MAX_PER_MINUTE:
            raise _too_many(headers, (since + MINUTE - reading) / self._cloud.clock.speed)
        self._minutes[instance.id] = (since, in_minute + 1)
        self._cloud.store.put(USAGE, instance.id, CURRENT, {"date": today, "used": used + 1})
        return {**headers, "X-Rate-Limit-Remaining": str(quota - used - 1)}


def _too_many(headers: dict[str, str], wait: float) -> CodatError:
    return CodatError(
        429,
        "You have made too many requests in a given amount of time; please retry later.",
        headers={**headers, "Retry-After": str(max(1, math.ceil(wait)))},
    )
