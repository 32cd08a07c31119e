"""What is removed with an account, and what people are asked for before."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Final

from bcrunbook.core.step import Change, HandOff, Row
from bcrunbook.errors import FixInput
from bcrunbook.order import RETIRE_ACCOUNT
from bcrunbook.steps import codat_portal
from bcrunbook.steps.portal import hand_off_to_portal
from bcrunbook.steps.retire_account.deleted import KEPT_FOR
from bcrunbook.steps.retire_account.findings import RetireAccountFindings

DISABLE: Final = "disable"
GRANT: Final = "take_back_consent"
SECRET: Final = "remove_secret"
PRINCIPAL: Final = "delete_service_principal"
APPLICATION: Final = "delete_application"
FORGET: Final = "forget_value"
"""The keys of what is done, in its order."""


def taken_down(findings: RetireAccountFindings) -> Iterable[Change]:
    """What Codat reads with, then what it reads through."""
    app, principal = findings.application.value, findings.principal.value
    for grant in findings.grants.value or ():
        yield Change(
            GRANT,
            "take back the admin consent",
            (Row("Admin consent for the tenant", "\n".join(sorted(grant.scopes)), ""),),
            subject=grant.id,
            action="delete",
        )
    for one in findings.credentials:
        if findings.is_ours(one):
            yield Change(
                SECRET,
                "remove a client secret of ours",
                (Row("Secret", one.seen.display_name or one.marker, ""),),
                subject=one.seen.key_id,
                action="delete",
            )
    if principal is not None:
        yield Change(
            PRINCIPAL,
            "delete the service principal",
            (Row("Enterprise application", principal.display_name, "", "servicePrincipal"),),
            subject=principal.id,
            action="delete",
        )
    if app is not None:
        yield Change(
            APPLICATION,
            f"delete the application; it can be restored until {findings.now + KEPT_FOR:%Y-%m-%d}",
            (
                Row("Name", app.display_name, "", "displayName"),
                Row("Client ID", app.app_id, "", "appId"),
            ),
            subject=app.id,
            action="delete",
        )


def forgotten(findings: RetireAccountFindings) -> Iterable[Change]:
    """The values in the secret store, when nothing is left that they open."""
    for marker in findings.kept:
        yield Change(
            FORGET,
            "forget a value in the secret store",
            (Row("Value in the secret store", f"bcrunbook {marker}", ""),),
            subject=marker,
            action="delete",
        )


def customers_first(findings: RetireAccountFindings) -> Change:
    """While Codat reads anybody's books, nothing of the account goes."""
    name, linked = findings.account.name, findings.linked.value or ()
    ours = [one.customer for one in linked if one.customer]
    others = [one.name for one in linked if not one.customer]
    known = [one for one in ours if one in findings.account.customers]
    lost = [one for one in ours if one not in findings.account.customers]
    actions = []
    if known:
        actions.append(
            f"Retire them: bcrunbook retire {name} --with-customers does it for all before the"
            f" account; one alone: bcrunbook retire {name} --customer {known[0]}"
        )
    if lost:
        actions.append(
            f"Not in the customers' file any more: {', '.join(lost)}. Give each its key back, and"
            " retire it."
        )
    if others:
        actions.append(
            "This account has not made these companies, and they read through its application:"
            f" {', '.join(others)}. Ask whoever made them, and have them unlinked in the Codat"
            " Portal (Companies)."
        )
    return Change(
        "customers",
        f"retire {len(linked)} customer{'s' if len(linked) != 1 else ''} first",
        (Row("Customers that Codat reads", "\n".join(one.name for one in linked), "none"),),
        by="person",
        subject=name,
        hand_off=HandOff(
            who="whoever decides about these customers",
            actions=(*actions, "Then run this step again."),
        ),
    )


def switch_off(findings: RetireAccountFindings) -> Change:
    """The toggle, for a person."""
    before = "unknown" if findings.integration.unknown else "enabled"
    return Change(
        DISABLE,
        f"disable {codat_portal.NAME} in the Codat Portal",
        (Row(codat_portal.NAME, before, "not enabled"),),
        by="person",
        hand_off=codat_portal.toggle_card(
            findings,
            RETIRE_ACCOUNT,
            click=", so that it is off.",
            looks_like="The toggle stays off.",
            slips=(codat_portal.ROLE_SLIP, codat_portal.instance_slip(findings.instance)),
            says=f"{codat_portal.NAME} is not enabled in the Codat Portal any more",
        ),
    )


def ask_others(findings: RetireAccountFindings) -> Change:
    """The application may be somebody else's, or others use it: nothing of it goes."""
    app = findings.application.value
    assert app is not None
    name = findings.account.name
    if findings.strange:
        title = f"say whether the application {app.app_id} may go: others have put something on it"
        found = f"On the application are: {'; '.join(findings.strange)}."
    else:
        title = f"say whether the application {app.app_id} may go: this ledger has not made it"
        found = findings.difference or (
            f"It bears the marker {findings.account.unique_name}, and this ledger has neither made"
            " nor adopted it."
        )
    return hand_off_to_portal(
        Change("whose_application", title, subject=app.app_id, action="delete"),
        FixInput("it may be somebody else's", who="whoever uses it, or an owner of it"),
        findings.account,
        actions=(
            f"{found[0].upper()}{found[1:]} Nothing is removed.",
            "Ask whoever put it there. If they do not need it, remove it in the Azure portal, App"
            " registrations, and run this step again.",
            "If the application may go with all that is on it: bcrunbook retire"
            f" {name} --id {app.app_id} --mode apply",
        ),
        values=(("Client ID", app.app_id),),
    )
