"""A service is left alone for as long as it asks for, whoever of this process wants to ask."""

from __future__ import annotations

from bcrunbook import throttled
from bcrunbook.core.pace import Pace
from bcrunbook.errors import WaitAndRetry
from bcrunbook.services.wire import ServiceReply


class Cooldown:
    """Until when a service has asked to be left alone (Retry-After).

    Args:
        pace: the cloud's.
        service: the service, in words.
    """

    def __init__(self, pace: Pace, service: str) -> None:
        self._pace = pace
        self._service = service
        self._until = float("-inf")

    def note(self, reply: ServiceReply) -> None:
        """Note what an answer asks for."""
        if reply.is_overload:
            self._until = max(self._until, self._pace.now() + reply.retry_after)

    def check(self) -> None:
        """Ask nothing before the time.

        Raises:
            WaitAndRetry: it has not come; says when it does.
        """
        left = self._until - self._pace.now()
        if left > 0:
            raise WaitAndRetry(
                f"{self._service} asked to be left alone for {throttled.in_words(left)}.",
                where=f"before a call of {self._service}",
                why="it has too much to do, or this sign-in has asked too often",
                next="run again after that time: nothing was asked now",
            )
