"""In a rehearsal: which of its people can do what a card asks for."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any, Final

from bcrunbook.core.step import Change
from bcrunbook.steps.codat_portal import INSTANCE
from bcrunbook.steps.context import Context

_MAY_SET_UP: Final = ("Developer", "Administrator")


@dataclass(frozen=True)
class RehearsedPerson:
    """Somebody of the rehearsal.

    Args:
        name: their name.
        user: their user name.
        role: what they may.
    """

    name: str
    user: str
    role: str

    @property
    def told(self) -> str:
        """Whom to sign in as."""
        return (
            f"{self.name} ({self.user}), {self.role}. The rehearsal's sign-in page offers this as a"
            " button."
        )


def who_can(context: Context, change: Change) -> RehearsedPerson | None:
    """Whoever of the rehearsal's people can do something; None in a live cloud.

    Args:
        context: what the step works with.
        change: what somebody is to do.
    """
    if context.cloud.directory is None:
        return None
    described = _described(context)
    if change.hand_off is not None and change.hand_off.has_customer_link:
        found = _customer(described, context)
    elif instance := dict(change.hand_off.values).get(INSTANCE, "") if change.hand_off else "":
        found = _of_the_portal(described, instance)
    elif change.action != "confirm":
        found = _administrator(described, context.account.tenant)
    else:
        return None
    return next(found, None)


def _described(context: Context) -> Mapping[str, Any]:
    assert context.cloud.directory is not None
    try:
        text = (context.cloud.directory / "rehearsal.json").read_text("utf-8")
        return dict(json.loads(text))
    except (OSError, ValueError):
        # The rehearsal cloud is being started again: the card can do without a name.
        return {}


def _of_the_portal(described: Mapping[str, Any], instance: str) -> Iterator[RehearsedPerson]:
    users = described.get("codat", {}).get("users", ())
    for role in _MAY_SET_UP:
        for one in users:
            if one["roles"].get(instance) == role:
                yield RehearsedPerson(one["name"], one["email"], f"{role} in {instance}")


def _customer(described: Mapping[str, Any], context: Context) -> Iterator[RehearsedPerson]:
    contact = context.customer.contact if context.customer is not None else ""
    own = {one["tenant"] for one in described.get("accounts", {}).values()}
    for tenant in described.get("tenants", ()):
        for one in tenant["users"]:
            can = tenant["id"] not in own and one.get("may_install") and not contact
            if can or one["upn"] == contact:
                yield _person(one, tenant["name"])


def _administrator(described: Mapping[str, Any], tenant: str) -> Iterator[RehearsedPerson]:
    for one in described.get("tenants", ()):
        if tenant in (one["id"], one["domain"], one["initial_domain"]):
            for user in one["users"]:
                if "Global Administrator" in user["roles"]:
                    yield _person(user, one["name"])


def _person(user: Mapping[str, Any], tenant: str) -> RehearsedPerson:
    role = f"{' and '.join(user['roles'])} of {tenant}"
    return RehearsedPerson(user.get("name", user["upn"]), user["upn"], role)
