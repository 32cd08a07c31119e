"""Which Business Central environment a customer is looked at in.

The customer's tenant and environment may be named in accounts.toml. Where only the tenant is, its
one production environment is taken. A renamed environment is followed by the admin centre's log
(contract B4.10 and B9.19).
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

from bcrunbook.services.businesscentral.tenant_view import TenantView
from bcrunbook.steps.context import Context

PRODUCTION: Final = "Production"


@dataclass(frozen=True)
class WatchedEnvironment:
    """An environment that may be looked at, or why none can be.

    Args:
        view: the customer's tenant, as it is seen; None without a tenant.
        tenant: the tenant as accounts.toml names it.
        environment: the environment's name; empty when unknown.
        unknown: why it is unknown.
    """

    view: TenantView | None
    tenant: str = ""
    environment: str = ""
    unknown: str = ""

    @property
    def name(self) -> str:
        """The subject of the ledger's facts about the extension: the environment."""
        return f"{self.tenant}/{self.environment}".lower()


async def find_environment(context: Context) -> WatchedEnvironment:
    """Where to look for the customer's extension; never raises for what may not be read."""
    customer = context.customer
    assert customer is not None
    if customer.tenant is None:
        return WatchedEnvironment(
            None, unknown="the customer's tenant is not named in accounts.toml"
        )
    view = context.tenant(customer.tenant)
    wanted = customer.environment or ""
    listed = await view.environments()
    if listed.value is None:
        return WatchedEnvironment(view, customer.tenant, wanted, "" if wanted else listed.unknown)
    names = {one.name.lower(): one.name for one in listed.value}
    if wanted and wanted.lower() in names:
        return WatchedEnvironment(view, customer.tenant, names[wanted.lower()])
    if wanted:
        for name in names.values():
            if await view.was_called(name, wanted):
                return WatchedEnvironment(view, customer.tenant, name)
        known = ", ".join(names.values()) or "none"
        return WatchedEnvironment(
            view,
            customer.tenant,
            unknown=f'there is no environment "{wanted}"; the tenant has: {known}',
        )
    production = [one.name for one in listed.value if one.type.lower() == PRODUCTION.lower()]
    if len(production) == 1:
        return WatchedEnvironment(view, customer.tenant, production[0])
    return WatchedEnvironment(
        view,
        customer.tenant,
        unknown="name the environment in accounts.toml; the tenant has: "
        + ", ".join(names.values()),
    )
