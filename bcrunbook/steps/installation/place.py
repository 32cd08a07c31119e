"""Which Business Central environment a customer is looked at in.

The customer's tenant and environment may be named in accounts.toml. Where only the tenant is, its
one production environment is taken. A renamed environment is followed by the admin centre's log
(contract businesscentral.md, section 4).
"""

from __future__ import annotations

from dataclasses import dataclass

from bcrunbook.services.businesscentral import BusinessCentral
from bcrunbook.steps.context import Context

PRODUCTION = "Production"
RENAMED = "environmentrename"


@dataclass(frozen=True)
class Place:
    """An environment that may be looked at, or why none can be.

    Args:
        service: the client, for the customer's tenant; None without a tenant.
        tenant: the tenant as accounts.toml names it.
        environment: the environment's name; empty when unknown.
        unknown: why it is unknown.
    """

    service: BusinessCentral | None
    tenant: str = ""
    environment: str = ""
    unknown: str = ""

    @property
    def name(self) -> str:
        """Under what the ledger remembers the extension: an environment keeps its memory."""
        return f"{self.tenant}/{self.environment}".lower()


async def find_place(context: Context) -> Place:
    """Where to look for the customer's extension; never raises for what may not be read."""
    customer = context.customer
    assert customer is not None
    if customer.tenant is None:
        return Place(None, unknown="the customer's tenant is not named in accounts.toml")
    service = context.business_central(customer.tenant)
    wanted = customer.environment or ""
    listed = await service.environments()
    if listed.value is None:
        return Place(service, customer.tenant, wanted, "" if wanted else listed.unknown)
    names = {one.name.lower(): one.name for one in listed.value}
    if wanted and wanted.lower() in names:
        return Place(service, customer.tenant, names[wanted.lower()])
    if wanted:
        for name in names.values():
            if await _was_called(service, name, wanted):
                return Place(service, customer.tenant, name)
        known = ", ".join(names.values()) or "none"
        return Place(
            service,
            customer.tenant,
            unknown=f'there is no environment "{wanted}"; the tenant has: {known}',
        )
    production = [one.name for one in listed.value if one.type.lower() == PRODUCTION.lower()]
    if len(production) == 1:
        return Place(service, customer.tenant, production[0])
    return Place(
        service,
        customer.tenant,
        unknown="name the environment in accounts.toml; the tenant has: "
        + ", ".join(names.values()),
    )


async def _was_called(service: BusinessCentral, name: str, before: str) -> bool:
    """Whether the admin centre's log tells that the environment had that name."""
    logged = await service.admin_operations(name)
    return any(
        one.type.lower() == RENAMED
        and one.status.lower() == "succeeded"
        and str(one.parameters.get("oldEnvironmentName", "")).lower() == before.lower()
        for one in logged.value or ()
    )
