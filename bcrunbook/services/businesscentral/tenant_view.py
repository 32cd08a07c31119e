"""A customer's tenant, as all who watch something in it see it together.

What one request tells of all environments is asked once for everybody: a tenant may have many, and
the admin centre is asked once a second at most (contract B12.10).
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Final

from bcrunbook.core.pace import Pace
from bcrunbook.services.businesscentral.client import BusinessCentral
from bcrunbook.services.businesscentral.models import Environment, Operation
from bcrunbook.services.single_flight import SingleFlight
from bcrunbook.services.wire import Seen

FRESH: Final = 20.0
"""How old an answer may be that is shared, in seconds: less than what lies between two polls."""


@dataclass(frozen=True)
class _Log:
    """The admin centre's operations by environment, and who was called what before."""

    of: Mapping[str, list[Operation]]
    renamings: Mapping[str, Operation]

    def names(self, name: str) -> Iterator[tuple[str, datetime | None]]:
        """The environment's names, newest first, each with the moment at which it was given up."""
        seen: set[str] = set()
        until: datetime | None = None
        while name.lower() not in seen:
            seen.add(name.lower())
            yield name, until
            renaming = self.renamings.get(name.lower())
            if renaming is None:
                return
            name, until = renaming.renamed_from, renaming.created_on


class TenantView:
    """What is known of one tenant's environments.

    Args:
        service: the tenant's client.
        pace: the cloud's.
    """

    def __init__(self, service: BusinessCentral, pace: Pace) -> None:
        self.service = service
        self._listed = SingleFlight(pace, service.environments, FRESH)
        self._administered = SingleFlight(pace, self._ask_administered, FRESH)
        self._logged = SingleFlight(pace, self._ask_log, FRESH)

    async def environments(self) -> Seen[tuple[Environment, ...]]:
        """The environments that this sign-in sees."""
        return await self._listed.get()

    async def environment(self, name: str) -> Seen[Environment]:
        """One environment with its status; absent when the admin centre does not show it."""
        seen = await self._administered.get()
        return Seen((seen.value or {}).get(name.lower()), seen.unknown)

    async def operations(self, name: str) -> Seen[tuple[Operation, ...]]:
        """An environment's operations, those under its earlier names included."""
        seen = await self._logged.get()
        if seen.value is None:
            return Seen(None, seen.unknown)
        return Seen(
            tuple(
                one
                for known, until in seen.value.names(name)
                for one in seen.value.of.get(known.lower(), ())
                if until is None or one.created_on is None or one.created_on <= until
            )
        )

    async def was_called(self, name: str, before: str) -> bool:
        """Whether an environment had another name before; not, where the log may not be read."""
        seen = await self._logged.get()
        if seen.value is None:
            return False
        return before.lower() in (known.lower() for known, _ in seen.value.names(name))

    async def _ask_administered(self) -> Seen[Mapping[str, Environment]]:
        seen = await self.service.admin_environments()
        if seen.value is None:
            return Seen(None, seen.unknown)
        return Seen({one.name.lower(): one for one in seen.value})

    async def _ask_log(self) -> Seen[_Log]:
        seen = await self.service.admin_operations()
        if seen.value is None:
            return Seen(None, seen.unknown)
        of: dict[str, list[Operation]] = defaultdict(list)
        renamings: dict[str, Operation] = {}
        for one in seen.value:
            of[one.environment.lower()].append(one)
            if one.renamed_from:
                renamings.setdefault(one.renamed_to.lower(), one)
        return Seen(_Log(of, renamings))
