"""What there is to list: the tenants that a caller belongs to, and no subscriptions."""

from __future__ import annotations

from typing import Any

from bcrunbook.rehearsal import world
from bcrunbook.rehearsal.messages import Answer, json_answer


def list_tenants(claims: dict[str, Any]) -> Answer:
    """The tenants a caller belongs to."""
    return json_answer(200, {"value": [_described(tenant) for tenant in _seen(claims)]})


def list_subscriptions(_: dict[str, Any]) -> Answer:
    """None."""
    return json_answer(200, {"value": [], "count": {"type": "Total", "value": 0}})


def _seen(claims: dict[str, Any]) -> list[world.Tenant]:
    """The tenants a caller belongs to: a person's homes and guest homes, or the token's own."""
    user = world.users_by_oid().get((claims["tid"], claims["oid"]))
    if user is None:
        return [world.TENANTS[claims["tid"]]]
    tenants = [
        tenant
        for tenant in world.TENANTS.values()
        if any(known.upn == user.upn for known in tenant.users)
    ]
    return sorted(tenants, key=lambda tenant: tenant.id != user.home)


def _described(tenant: world.Tenant) -> dict[str, Any]:
    return {
        "id": f"/tenants/{tenant.id}",
        "tenantId": tenant.id,
        "countryCode": tenant.country,
        "displayName": tenant.name,
        "domains": [tenant.domain, tenant.initial_domain],
        "tenantCategory": "Home",
        "defaultDomain": tenant.domain,
        "tenantType": "AAD",
    }
