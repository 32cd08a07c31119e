"""The wait: look, keep what was seen, judge, tell, sleep; until settled or out of time.

One coroutine per customer, which holds nothing while it sleeps. It starts no installation and
changes nothing but one thing: where fetch errors have stopped Codat's sync of the data type
`company`, it is asked for again, at most every two minutes (contract C11.8).
"""

from __future__ import annotations

import random
from dataclasses import replace
from typing import Final

from bcrunbook.core.step import FollowProgress, OnFollow, clock
from bcrunbook.errors import ReportBug, RunbookError, Unreachable, WaitAndRetry
from bcrunbook.services.codat.client import Codat
from bcrunbook.skipped import dates
from bcrunbook.steps.context import Context
from bcrunbook.steps.link_customer.installation.film import WatchFilm
from bcrunbook.steps.link_customer.installation.log import WatchLog
from bcrunbook.steps.link_customer.installation.look import COMPANY, Poller
from bcrunbook.steps.link_customer.installation.memory import LastKnownExtension
from bcrunbook.steps.link_customer.installation.poll import FETCH_ERROR, LINKED, Poll
from bcrunbook.steps.link_customer.installation.verdict import (
    BUDGET,
    EXPECTED,
    Judgement,
)

FIRST: Final = 30.0
"""Seconds between polls while an installation may be expected to end (contract B14.1)."""
_FIRST_UNTIL: Final = 1800.0
"""How long polls follow each other so soon, in seconds."""
LATER: Final = 60.0
"""Seconds between polls afterwards."""
_JITTER: Final = 0.2
_REFRESH_EVERY: Final = 120.0
_CONFIRMATIONS: Final = 600.0
"""How long past the budget what was seen once may still be confirmed, and at least from where a
watch goes on that was broken off."""


class Watch:
    """Watches one customer's installation.

    Args:
        context: the context, with a customer.
        codat: Codat's client.
        company: Codat's id of the company.
        connection: Codat's id of the connection.
        memory: what is known of the extension from earlier.
        first: the look that showed that there is something to watch.
        on_progress: called at each poll.
    """

    def __init__(
        self,
        context: Context,
        codat: Codat,
        company: str,
        connection: str,
        memory: LastKnownExtension | None,
        first: Poll,
        on_progress: OnFollow,
    ) -> None:
        self._context = context
        self._codat = codat
        self._company = company
        self._connection = connection
        self._memory = memory
        self._first = first
        self._on_progress = on_progress
        self._poller = Poller(context, codat, company, connection)
        self._log = WatchLog(context, connection)
        assert context.customer is not None
        what = f"App Link for {context.customer.display_name}"
        self._film = WatchFilm(what, self._log.polls, memory, context.cloud.pace)
        self._refreshed = -_REFRESH_EVERY

    @property
    def polls(self) -> list[Poll]:
        """What was seen, oldest first."""
        return self._log.polls

    @property
    def remembered_as(self) -> str:
        """Under what the extension is remembered; empty where no environment was found."""
        return self._poller.remembered_as

    async def run(self) -> Judgement:
        """Watch until the verdict is settled or the budget is used up.

        Raises:
            RunbookError: Codat refuses, or cannot be reached for long.
        """
        log = self._log
        log.begin()
        until = max(BUDGET, log.elapsed) + _CONFIRMATIONS
        assert self._context.connection_cache is not None
        with self._context.connection_cache.watching():
            poll = replace(self._first, elapsed=log.elapsed)
            log.add(poll)
            while True:
                judgement = self._film.add(poll)
                is_over = not judgement.is_under_way or poll.elapsed >= until
                due = None if is_over else self._due()
                self._tell(line(poll, judgement), due)
                if due is None:
                    log.end(judgement)
                    return judgement
                await self._refresh(poll)
                self._codat.check_spare()
                await self._context.cloud.pace.sleep(due - log.elapsed)
                poll = await self._look()

    async def _look(self) -> Poll:
        """One poll, kept in the log. A lost connection is tried again as long as time lasts."""
        while True:
            try:
                poll = await self._poller.look(lambda: self._log.elapsed)
            except (Unreachable, WaitAndRetry) as error:
                if self._log.elapsed >= BUDGET:
                    raise
                pause = _between(self._log.elapsed)
                self._film.miss(f"Codat: {error.code or error.what}")
                self._tell(f"Codat could not be asked: {error.what}", self._log.elapsed + pause)
                await self._context.cloud.pace.sleep(pause)
                continue
            if "extension" in poll.unknown:
                self._poller.forget_environment()
            self._log.add(poll)
            return poll

    async def _refresh(self, poll: Poll) -> None:
        if poll.connection != LINKED or poll.data != FETCH_ERROR:
            return
        if poll.elapsed - self._refreshed < _REFRESH_EVERY:
            return
        self._refreshed = poll.elapsed
        try:
            await self._codat.refresh(self._company, COMPANY, self._connection)
        except ReportBug:
            raise
        except RunbookError as error:
            # The next poll tells how the connection stands; a refused refresh does not.
            said = f"Codat did not sync the company again: {error.what}"
            self._on_progress(FollowProgress(said))

    def _due(self) -> float:
        """When the next look is due, counted from when the last one saw what it tells."""
        # Never less than what two sightings must lie apart.
        jitter = random.uniform(1.0, 1.0 + _JITTER)  # noqa: S311  (spreads requests, guards nothing)
        return self._log.polls[-1].elapsed + _between(self._log.elapsed) * jitter

    def _tell(self, said: str, due: float | None) -> None:
        """Tell how it stands, and when the next look is due, in seconds since the watch began."""
        elapsed = self._log.elapsed
        # Past the budget, only what was seen once is still confirmed.
        longest = BUDGET if elapsed < BUDGET else elapsed
        next_look = None if due is None else max(0.0, due - elapsed)
        film = self._film.now(dates.now(), elapsed, longest, next_look)
        self._on_progress(FollowProgress(said, film))


def _between(elapsed: float) -> float:
    return FIRST if elapsed < _FIRST_UNTIL else LATER


def line(poll: Poll, judgement: Judgement) -> str:
    """A poll on one line, for whoever watches."""
    hiccups = f"; passing errors: {', '.join(poll.hiccups)}" if poll.hiccups else ""
    return (
        f"{judgement.verdict.value} ({clock(poll.elapsed)}, expected up to {clock(EXPECTED)};"
        f" {judgement.because}{hiccups})"
    )
