"""A service's limit holds a run up: said where it happens, heard where the run is watched.

It is said through a logger, so it also stands in the log of whoever wants to see that.
"""

from __future__ import annotations

import logging
from collections.abc import Callable
from typing import Final

_log: Final = logging.getLogger(__name__)

_WORTH_TELLING_SECONDS: Final = 1.0


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
