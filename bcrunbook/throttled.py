"""A service's limit holds a run up: noted where it happens, reported to whoever watches the run."""

from __future__ import annotations

import logging
import math
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from datetime import UTC, timedelta
from email.utils import parsedate_to_datetime
from typing import Any, Final

from bcrunbook.errors import WaitAndRetry
from bcrunbook.skipped import dates

_log = logging.getLogger(__name__)

_WORTH_TELLING_SECONDS: Final = 1.0
_LONGEST_TOLD: Final = timedelta(days=366)

OnThrottled = Callable[[float], None]
"""Called with the real seconds of a wait, in the thread that waits."""

_on_throttled: ContextVar[OnThrottled | None] = ContextVar("on_throttled", default=None)


def asked_wait(retry_after: str) -> float:
    """For how many seconds a service asks to be left alone; 0 where it says nothing that is a time.

    Args:
        retry_after: the header: seconds, of which Microsoft Graph has documented fractions too, or
            a date (contract G14.4).
    """
    try:
        seconds = float(retry_after)
    except ValueError:
        try:
            until = parsedate_to_datetime(retry_after)
            until = until if until.tzinfo else until.replace(tzinfo=UTC)
            seconds = (until - dates.now()).total_seconds()
        except (TypeError, ValueError, OverflowError):
            return 0.0
    return max(0.0, seconds) if math.isfinite(seconds) else 0.0


def in_words(seconds: float) -> str:
    """A wait that a service asks for: how long it is, and when it is over.

    Args:
        seconds: as `asked_wait` gives them.
    """
    wait = min(timedelta(seconds=min(math.ceil(seconds), 1e9)), _LONGEST_TOLD)
    return f"{wait} (h:mm:ss), so not before {dates.now() + wait:%Y-%m-%d %H:%M:%S} UTC"


def busy(what: str, retry_after: str, **about: Any) -> WaitAndRetry:
    """The error of a service that does not serve for now, with how long it asks to be left alone.

    Args:
        what: what the service did not do.
        retry_after: its header of that name; empty without one.
        about: further arguments of the error.
    """
    wait = asked_wait(retry_after)
    return WaitAndRetry(
        what,
        **about,
        why=f"it asks to be left alone for {in_words(wait)}" if wait else "",
        next="run again after that time" if wait else "wait a minute and run again",
    )


def tell(seconds: float, what: str) -> None:
    """Say that nothing happens for a while; short waits are nobody's concern.

    Args:
        seconds: how long, in real seconds.
        what: what is waited for.
    """
    if seconds < _WORTH_TELLING_SECONDS:
        return
    _log.info("waiting %.1f s: %s", seconds, what)
    on_throttled = _on_throttled.get()
    if on_throttled is not None:
        on_throttled(seconds)


@contextmanager
def reporting_to(on_throttled: OnThrottled) -> Iterator[None]:
    """Report every such wait of what is done in a `with` block, its threads and tasks included.

    Args:
        on_throttled: called with the real seconds of each wait, in the thread that waits.
    """
    token = _on_throttled.set(on_throttled)
    try:
        yield
    finally:
        _on_throttled.reset(token)
