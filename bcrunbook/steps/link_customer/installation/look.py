"""One look at a customer's installation: Codat always, Business Central where it may be read.

What is refused is unknown, with the reason. What fails as things do while an extension is being
installed (contract B13) is a hiccup: noted, and looked at again.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from datetime import datetime
from typing import Final, TypeVar

from bcrunbook.errors import RunbookError, WaitAndRetry
from bcrunbook.services.businesscentral.client import BusinessCentral
from bcrunbook.services.businesscentral.models import Deployment, Extension, Operation
from bcrunbook.services.codat.client import Codat
from bcrunbook.services.codat.models import Connection, LinkError
from bcrunbook.services.wire import Seen
from bcrunbook.skipped import dates
from bcrunbook.steps.context import Context
from bcrunbook.steps.link_customer.installation.environment import (
    WatchedEnvironment,
    find_environment,
)
from bcrunbook.steps.link_customer.installation.poll import (
    LINKED,
    PASSED,
    DeploymentEvent,
    Package,
    Poll,
    Trouble,
)
from bcrunbook.steps.link_customer.installation.verdict import OVER

PUBLISHER: Final = "Codat"
NAME: Final = "App Link"
COMPANY: Final = "company"
"""The data type that is the smallest useful test (contract C9.4)."""

EXPLAINED: Final = 120.0
"""How old the deployments may be, in seconds, while the rate limiter is behind: they only explain
what `extensions` shows, so reading them anew can wait."""

T = TypeVar("T")


class _Missing:
    """What one look could not read, and which of it passes by itself."""

    def __init__(self) -> None:
        self.unknown: dict[str, str] = {}
        self.hiccups: list[str] = []

    def note(self, name: str, part: str, error: RunbookError) -> None:
        """Note that reading `name` failed, and so nothing is known of `part`."""
        if isinstance(error, WaitAndRetry):
            self.hiccups.append(f"{name}: {error.code or error.what}")
        self.unknown[part] = error.what

    async def read(self, name: str, reading: Awaitable[Seen[T]]) -> T | None:
        """What a read shows; None, with the reason noted, where it shows nothing."""
        try:
            seen = await reading
        except RunbookError as error:
            self.note(name, name, error)
            return None
        if seen.unknown:
            self.unknown[name] = seen.unknown
        return seen.value


class Poller:
    """Looks at one customer, again and again.

    Args:
        context: the context, with a customer.
        codat: Codat's client.
        company: Codat's id of the company.
        connection: Codat's id of the connection.
    """

    def __init__(self, context: Context, codat: Codat, company: str, connection: str) -> None:
        self._context = context
        self._codat = codat
        self._company = company
        self._connection = connection
        self._environment: WatchedEnvironment | None = None
        self._route = ""
        self._deployed: tuple[DeploymentEvent, ...] | None = None
        self._deployed_at = 0.0
        self._is_probed = False

    async def look(
        self, elapsed: Callable[[], float], connection: Connection | None = None
    ) -> Poll:
        """One poll.

        Args:
            elapsed: tells the seconds of the cloud's time since the watch began; asked when the
                extension was read, as a look may have to wait for the rate limiter.
            connection: the connection, where it was read just now.

        Raises:
            RunbookError: Codat cannot be asked.
        """
        missing = _Missing()
        if connection is None:
            connection = await self._read_connection()
        status = connection.status if connection is not None else "deleted"
        data = synced = None
        if status == LINKED:
            company = (await self._codat.data_status(self._company)).get(COMPANY)
            data = company.current_status if company else None
            synced = company.last_successful_sync if company else None
        watched = await self._find(missing)
        environment = probe = ""
        seen_at = elapsed()
        packages = deployments = operations = None
        if watched is not None and watched.view is not None and watched.environment:
            view, name = watched.view, watched.environment
            about = await missing.read("environment", view.environment(name))
            environment = f"{name}: {about.status}" if about is not None else name
            if route := await self._find_route(view.service, name, missing):
                packages = await self._packages(view.service, name, missing)
                seen_at = elapsed()
                is_there = packages is not None and any(one.is_installed for one in packages)
                if is_there:
                    probe = await self._probe(view.service, name, missing)
                else:
                    # Where it is there, nothing needs an explanation.
                    deployments = await self._deployments(view.service, name, route, missing)
                self._is_probed = is_there and probe == PASSED
            logged = await missing.read("operations", view.operations(name))
            operations = None if logged is None else self._operations(logged, packages)
        return Poll(
            at=dates.now(),
            elapsed=seen_at,
            connection=status,
            errors=_errors(connection),
            data=data or "",
            synced=synced,
            packages=packages,
            deployments=deployments,
            operations=operations,
            environment=environment,
            probe=probe,
            unknown=missing.unknown,
            hiccups=tuple(missing.hiccups),
        )

    async def _read_connection(self) -> Connection | None:
        connection_cache = self._context.connection_cache
        assert connection_cache is not None
        return await connection_cache.connection(self._company, self._connection)

    async def _find(self, missing: _Missing) -> WatchedEnvironment | None:
        """The environment: found once, and again after it could not be found."""
        if self._environment is None or not self._environment.environment:
            try:
                self._environment = await find_environment(self._context)
            except RunbookError as error:
                missing.note("environments", "extension", error)
                return None
        if self._environment.unknown:
            missing.unknown["extension"] = self._environment.unknown
        return self._environment

    @property
    def remembered_as(self) -> str:
        """Under what the extension is remembered; empty where no environment was found."""
        watched = self._environment
        return watched.name if watched is not None and watched.environment else ""

    def forget_environment(self) -> None:
        """Look for the environment again next time: it may have another name now."""
        self._environment, self._route = None, ""

    async def _find_route(self, service: BusinessCentral, name: str, missing: _Missing) -> str:
        """The company to ask through: the customer's own, else the first; empty without any.

        Extensions are installed per environment, so any company that opens tells the same.
        """
        if self._route:
            return self._route
        companies = await missing.read("companies", service.companies(name))
        if companies:
            customer = self._context.customer
            wanted = (customer.company or "").lower() if customer else ""
            named = [
                one for one in companies if wanted in (one.name.lower(), one.display_name.lower())
            ]
            self._route = (named or list(companies))[0].id
        elif companies is not None:
            missing.unknown["extension"] = "the environment has no company that may be opened"
        else:
            missing.unknown.setdefault("extension", missing.unknown.get("companies", ""))
        return self._route

    async def _packages(
        self, service: BusinessCentral, name: str, missing: _Missing
    ) -> tuple[Package, ...] | None:
        rows = await missing.read("extension", service.extensions(name, self._route, PUBLISHER))
        if rows is None:
            # Perhaps the company is another one now.
            self._route = ""
            return None
        return _packages(rows)

    async def _deployments(
        self, service: BusinessCentral, name: str, route: str, missing: _Missing
    ) -> tuple[DeploymentEvent, ...] | None:
        now = self._context.cloud.pace.now()
        may_wait = service.is_busy and now - self._deployed_at < EXPLAINED
        if self._deployed is None or not may_wait:
            rows = await missing.read("deployments", service.deployments(name, route))
            self._deployed = None if rows is None else _app_links(rows)
            self._deployed_at = now
        recent = [one for one in self._deployed or () if self._is_recent(one.at)]
        return None if self._deployed is None else tuple(recent)

    async def _probe(self, service: BusinessCentral, name: str, missing: _Missing) -> str:
        """Whether data can be read, in words; whatever breaks it off is worth another look.

        Passed once is enough for as long as the extension is there.
        """
        if self._is_probed:
            return PASSED
        try:
            return (await service.probe(name, self._route)).text
        except RunbookError as error:
            missing.hiccups.append(f"data: {error.code or error.what}")
            return error.what

    def _operations(
        self,
        rows: tuple[Operation, ...],
        packages: tuple[Package, ...] | None,
    ) -> tuple[DeploymentEvent, ...]:
        ids = {one.app_id.lower() for one in packages or ()}
        return tuple(
            DeploymentEvent(one.type, one.status, one.created_on, ", ".join(one.error_codes))
            for one in rows
            if one.app_id.lower() in ids and self._is_recent(one.created_on)
        )

    def _is_recent(self, at: datetime | None) -> bool:
        if at is None:
            return True
        return self._context.age(at) <= OVER


def is_app_link(publisher: str, name: str) -> bool:
    """Whether these are Codat's extension's, whatever their case and blanks."""
    return (publisher.strip().lower(), name.strip().lower()) == (PUBLISHER.lower(), NAME.lower())


def _packages(rows: tuple[Extension, ...]) -> tuple[Package, ...]:
    return tuple(
        Package(one.id, one.package_id, one.version, one.published_as, one.is_installed)
        for one in rows
        if is_app_link(one.publisher, one.display_name)
    )


def _app_links(rows: tuple[Deployment, ...]) -> tuple[DeploymentEvent, ...]:
    return tuple(
        DeploymentEvent("deployment", one.status, one.started_on)
        for one in rows
        if is_app_link(one.publisher, one.name)
    )


def _errors(connection: Connection | None) -> tuple[Trouble, ...]:
    if connection is None:
        return ()
    return tuple(map(_trouble, connection.data_connection_errors or ()))


def _trouble(error: LinkError) -> Trouble:
    return Trouble(
        error.status_code,
        error.status_text,
        error.error_message,
        error.errored_on_utc,
        is_active=error.status != "Resolved",
    )
