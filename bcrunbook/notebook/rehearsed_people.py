"""In a rehearsal: which of its people can do what a card asks for."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from typing import Any, Final

from bcrunbook.core.step import Change
from bcrunbook.steps.codat_portal import INSTANCE
from bcrunbook.steps.context import Context

_MAY_SET_UP: Final = ("Developer", "Administrator")


def sign_in_as(context: Context, change: Change) -> str:
    """Whom to sign in as, by name, user name and role; empty in a live cloud.

    Args:
        context: what the step works with.
        change: what somebody is to do.
    """
    if context.cloud.directory is None:
        return ""
    described = _described(context)
    if change.hand_off is not None and change.hand_off.has_customer_link:
        found = _customer(described, context)
    elif instance := dict(change.hand_off.values).get(INSTANCE, "") if change.hand_off else "":
        found = _of_the_portal(described, instance)
    elif change.action != "confirm":
        found = _administrator(described, context.account.tenant)
    else:
        return ""
    return next((_told(*one) for one in found), "")


def _described(context: Context) -> Mapping[str, Any]:
    assert context.cloud.directory is not None
    try:
        text = (context.cloud.directory / "rehearsal.json").read_text("utf-8")
        return dict(json.loads(text))
    except (OSError, ValueError):
        # The rehearsal cloud is being started again: the card can do without a name.
        return {}


def _told(name: str, user: str, role: str) -> str:
    return f"{name} ({user}), {role}. The rehearsal's sign-in page offers this as a button."


def _of_the_portal(described: Mapping[str, Any], instance: str) -> Iterator[tuple[str, str, str]]:
    users = described.get("codat", {}).get("users", ())
    for role in _MAY_SET_UP:
        for one in users:
            if one["roles"].get(instance) == role:
                yield one["name"], one["email"], f"{role} in {instance}"


def _customer(described: Mapping[str, Any], context: Context) -> Iterator[tuple[str, str, str]]:
    contact = context.customer.contact if context.customer is not None else ""
    own = {one["tenant"] for one in described.get("accounts", {}).values()}
    for tenant in described.get("tenants", ()):
        for one in tenant["users"]:
            can = tenant["id"] not in own and one.get("may_install") and not contact
            if can or one["upn"] == contact:
                yield one.get("name", one["upn"]), one["upn"], _role(one, tenant["name"])


def _administrator(described: Mapping[str, Any], tenant: str) -> Iterator[tuple[str, str, str]]:
    for one in described.get("tenants", ()):
        if tenant in (one["id"], one["domain"], one["initial_domain"]):
            for user in one["users"]:
                if "Global Administrator" in user["roles"]:
                    yield user.get("name", user["upn"]), user["upn"], _role(user, one["name"])


def _role(user: Mapping[str, Any], tenant: str) -> str:
    return f"{' and '.join(user['roles'])} of {tenant}"
