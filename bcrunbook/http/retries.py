"""How often and after which pauses a request is repeated, for each kind of `Repeat`.

A 429 is always repeated: the service did nothing. How long a service asks to be left alone is kept
to the second: waited out, or where that is long, left to whoever asked.
"""

from __future__ import annotations

import logging
from typing import Any, Final, Self

import httpx
from httpx_retries import Retry

from bcrunbook import throttled
from bcrunbook.core.pace import Pace
from bcrunbook.http.answers import FAULTS, NOT_SENT, TooLarge, TooLong
from bcrunbook.http.certificates import speaks_of_certificates
from bcrunbook.http.repeat import Repeat

log = logging.getLogger(__name__)

_RETRIES: Final = 6
_CONNECTION_TRIES: Final = 2
_LOOKS: Final = 2
_LONGEST_WAIT: Final = 120.0
_TOTAL_WAIT: Final = 300.0


class PacedRetry(Retry):
    """httpx-retries' policy, with fractional Retry-After and waits at the cloud's pace."""

    pace = Pace()

    @classmethod
    def at(cls, pace: Pace, **policy: Any) -> Self:
        """A policy whose pauses go by a cloud's pace.

        Args:
            pace: the cloud's.
            **policy: what httpx-retries' own policy takes.
        """
        retry = cls(**policy)
        retry.pace = pace
        return retry

    def is_retryable_exception(self, exception: Exception) -> bool:
        """Whether another try may help: not where it would take as long or come as large again."""
        # Where nobody listens, waiting for long only hides it from the person.
        if isinstance(exception, NOT_SENT) and self.attempts_made >= _CONNECTION_TRIES:
            return False
        if isinstance(exception, (TooLong, TooLarge)) or speaks_of_certificates(exception):
            return False
        return super().is_retryable_exception(exception)

    def increment(self) -> Self:
        """The policy for the next try."""
        retry = super().increment()
        retry.pace = self.pace  # type: ignore[attr-defined]
        return retry  # type: ignore[return-value]

    def parse_retry_after(self, retry_after: str) -> float:
        """The seconds of a Retry-After header, fractions included."""
        return throttled.asked_wait(retry_after)

    async def asleep(self, response: httpx.Response | Exception) -> None:
        """Wait before the next try, for as long as the service asks for.

        Raises:
            AskedToWait: that is longer than is waited here.
        """
        headers = response.headers if isinstance(response, httpx.Response) else {}
        retry_after = throttled.asked_wait(headers.get("Retry-After", ""))
        if retry_after > min(_LONGEST_WAIT / self.pace.haste, _TOTAL_WAIT - self.elapsed_sleep):
            # The library would wait for less than the service asks for.
            assert isinstance(response, httpx.Response)
            raise AskedToWait(response)
        seconds = self._calculate_sleep(headers)
        log.info("waiting %.1f s before repeating", seconds)
        if isinstance(response, httpx.Response) and response.status_code == 429:
            throttled.tell(seconds / self.pace.speed, "the service answered 429")
        await (self.pace.sleep_in_full if retry_after else self.pace.sleep)(seconds)
        self.elapsed_sleep += seconds


class AskedToWait(Exception):
    """The service asks for a longer wait than is made here: the answer goes to whoever asked."""

    def __init__(self, response: httpx.Response) -> None:
        super().__init__()
        self.response = response


def retry_policies(pace: Pace) -> dict[Repeat, Retry]:
    """The retry policy of each kind of request.

    Args:
        pace: the cloud's.
    """
    every = ["GET", "HEAD", "POST", "PATCH", "PUT", "DELETE"]
    shared: dict[str, Any] = {
        "total": _RETRIES,
        "backoff_factor": 1.0,
        "backoff_jitter": 0.5,
        "max_backoff_wait": _LONGEST_WAIT,
        "total_timeout": _TOTAL_WAIT,
        "allowed_methods": every,
    }
    return {
        Repeat.SAFE: PacedRetry.at(
            pace,
            status_forcelist=[429, 500, 502, 503, 504],
            retry_on_exceptions=FAULTS,
            **shared,
        ),
        Repeat.LOOK: PacedRetry.at(
            pace,
            # No answer has this status; an empty list would mean the library's own.
            status_forcelist=[0],
            retry_on_exceptions=FAULTS,
            **{**shared, "total": _LOOKS},
        ),
        Repeat.ONCE: PacedRetry.at(
            pace, status_forcelist=[429], retry_on_exceptions=NOT_SENT, **shared
        ),
        Repeat.KEYED: PacedRetry.at(
            pace, status_forcelist=[429], retry_on_exceptions=FAULTS, **shared
        ),
    }
