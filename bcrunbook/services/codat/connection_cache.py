"""Codat's connections, for all who watch one at the same time.

A list of the companies shows a hundred of them with their connections in one request (contract
C7.3). Where many watch, that is a hundredth of what asking for each would cost.
"""

from __future__ import annotations

import math
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from typing import Final

from bcrunbook.core.pace import Pace
from bcrunbook.services.codat.client import PAGE_SIZE, Codat
from bcrunbook.services.codat.models import Connection
from bcrunbook.services.single_flight import SingleFlight

FRESH: Final = 20.0
"""How old a list may be, in seconds: less than what lies between two polls."""
_FEW: Final = 10
"""Up to so many watchers ask for themselves."""


class ConnectionCache:
    """Reads connections, each for itself or all together, whichever takes fewer requests.

    Args:
        codat: Codat's client.
        pace: the cloud's.
    """

    def __init__(self, codat: Codat, pace: Pace) -> None:
        self._codat = codat
        self._watchers = 0
        self._pages = 1
        self._listed = SingleFlight(pace, self._list, FRESH)

    @contextmanager
    def watching(self) -> Iterator[None]:
        """One more watches, as long as the block lasts."""
        self._watchers += 1
        try:
            yield
        finally:
            self._watchers -= 1

    async def connection(self, company: str, connection: str) -> Connection | None:
        """One connection; None when it is not there.

        Args:
            company: Codat's id of the company.
            connection: Codat's id of the connection.

        Raises:
            RunbookError: Codat cannot be asked.
        """
        if self._watchers > max(_FEW, self._pages):
            found = (await self._listed.get()).get(connection)
            # What a list leaves out may be new to it: that it is gone is for Codat to say.
            if found is not None:
                return found
        return await self._codat.connection(company, connection)

    async def _list(self) -> Mapping[str, Connection]:
        companies = await self._codat.companies()
        self._pages = math.ceil(len(companies) / PAGE_SIZE)
        return {one.id: one for company in companies for one in company.data_connections}
