"""Keep secrets out of the log, whoever writes it.

httpx writes whole addresses at INFO (encode/httpx #2760), so it is turned down as well.
"""

from __future__ import annotations

import logging
import traceback
from typing import Final

from bcrunbook.secrets.scrubbing import scrub

_TALKATIVE: Final = ("httpx", "httpx_retries", "httpcore", "msal", "azure")


class RedactingFilter(logging.Filter):
    """Scrubs the message, arguments, traceback and stack of each record; drops none."""

    def filter(self, record: logging.LogRecord) -> bool:
        """Scrub the record in place and let it pass."""
        try:
            message = record.getMessage()
        except Exception:
            # Arguments that do not fit: logging would print them raw to stderr.
            message = f"{record.msg} {record.args}"
        record.msg, record.args = scrub(message, "the log"), None
        if record.exc_info and not record.exc_text:
            record.exc_text = "".join(traceback.format_exception(*record.exc_info)).rstrip("\n")
        if record.exc_text:
            clean = scrub(record.exc_text, "the log")
            if clean != record.exc_text:
                # Some handlers draw the traceback anew from the exception itself.
                record.exc_text, record.exc_info = clean, None
        if record.stack_info:
            record.stack_info = scrub(record.stack_info, "the log")
        return True


_filter = RedactingFilter()


def install_log_redaction() -> None:
    """Scrub what the handlers of the root logger and the loggers of our libraries write.

    Safe to call again, and worth it after a handler was added.
    """
    for handler in logging.getLogger().handlers:
        handler.addFilter(_filter)
    # A logger's filter does not see the records of its children, so each one gets it.
    for name in [*_TALKATIVE, *logging.getLogger().manager.loggerDict]:
        if name.split(".")[0] in _TALKATIVE:
            logging.getLogger(name).addFilter(_filter)
    for name in ("httpx", "httpcore"):
        logging.getLogger(name).setLevel(logging.WARNING)
