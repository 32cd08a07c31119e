"""Faults of the transport as errors that a person can act on."""

from __future__ import annotations

import logging
import traceback

import httpx

from bcrunbook.errors import AnswerLost, ReportBug, RunbookError, Unreachable
from bcrunbook.http.answers import NOT_SENT, ProxySilent, TooLarge
from bcrunbook.http.network import Network
from bcrunbook.secrets import scrub

log = logging.getLogger(__name__)


def no_answer(
    network: Network, error: httpx.RequestError, where: str, url: str, *, may_be_done: bool
) -> RunbookError:
    """The error that a fault of the transport is.

    Args:
        network: how the cloud is reached.
        error: the fault.
        where: method and host.
        url: what was asked for.
        may_be_done: whether the request may have had its effect although no answer came.
    """
    detail = scrub(str(error), where="transport error") or type(error).__name__
    if isinstance(error, ProxySilent) and not may_be_done:
        return network.silent(error, where, url)
    if isinstance(error, httpx.ProxyError) and not may_be_done:
        return network.refused(error, where, url)
    if not may_be_done and (refused := network.certificate_refused(error, url)) is not None:
        return refused
    if isinstance(error, NOT_SENT) and not may_be_done:
        return network.not_connected(error, where, url)
    kind = AnswerLost if may_be_done else Unreachable
    if isinstance(error, TooLarge):
        return kind(
            f"The answer was not read to its end: {detail}.",
            where=where,
            why="something other than the service answered, or the service has a fault",
            next="run again; if it stays, check [network] proxy in accounts.toml",
        )
    return kind(
        f"No answer came: {detail}.",
        where=where,
        why="the connection broke, or the service was too slow",
        next="run again: what was done is found and nothing is done twice",
    )


def unforeseen(error: Exception, where: str, *, may_be_done: bool) -> RunbookError:
    """What nobody expected, with its place and without its frames."""
    log.debug("%s", scrub("".join(traceback.format_exception(error)), where="the log"))
    frame = traceback.extract_tb(error.__traceback__)[-1]
    kind = AnswerLost if may_be_done else ReportBug
    return kind(
        f"Something unforeseen happened while a request was sent ({type(error).__name__}).",
        where=f"{where}; {frame.name}, line {frame.lineno}",
        why="what was asked for may have been done" if may_be_done else "",
        next="run again: what was done is found and nothing is done twice; if it stays, report"
        " what bcrunbook run ACCOUNT --debug shows",
    )
