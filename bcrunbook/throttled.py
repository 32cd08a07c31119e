"""A service's limit holds a run up: said where it happens, heard where the run is watched.

It is said through a logger, so it also stands in the log of whoever wants to see that.
"""

from __future__ import annotations

import logging
import math
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from email.utils import parsedate_to_datetime
from typing import Final

_log: Final = logging.getLogger(__name__)

_WORTH_TELLING_SECONDS: Final = 1.0
_LONGEST_TOLD: Final = timedelta(days=366)


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
            seconds = (until - datetime.now(UTC)).total_seconds()
        except (TypeError, ValueError, OverflowError):
            return 0.0
    return max(0.0, seconds) if math.isfinite(seconds) else 0.0


def in_words(seconds: float) -> str:
    """A wait that a service asks for: how long it is, and when it is over.

    Args:
        seconds: as `asked_wait` gives them.
    """
    wait = min(timedelta(seconds=min(math.ceil(seconds), 1e9)), _LONGEST_TOLD)
    return f"{wait} (h:mm:ss), so not before {datetime.now(UTC) + wait:%Y-%m-%d %H:%M:%S} UTC"


def tell(seconds: float, what: str) -> None:
    """Say that nothing happens for a while; short waits are nobody's concern.

    Args:
        seconds: how long, in real seconds.
        what: what is waited for.
    """
    if seconds >= _WORTH_TELLING_SECONDS:
        _log.info("waiting %.1f s: %s", seconds, what)


class _Listener(logging.Handler):
    def __init__(self, heard: Callable[[float], None]) -> None:
        super().__init__()
        self._heard = heard

    def emit(self, record: logging.LogRecord) -> None:
        if isinstance(record.args, tuple) and isinstance(record.args[0], float):
            self._heard(record.args[0])


def listen(heard: Callable[[float], None]) -> None:
    """Hear of every such wait in this process, from now until its end.

    Args:
        heard: called with the real seconds that it takes, in the thread that waits.
    """
    _log.setLevel(logging.INFO)
    _log.addHandler(_Listener(heard))
