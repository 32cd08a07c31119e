"""Whether the application may work at all: what others can switch off, and who switches it on.

Three switches, of three parties. An owner deactivates the registration, for all tenants; Microsoft
disables it, for all tenants; an administrator disables its service principal, in one tenant
(contract G8.11 and G8.12). While one of them is off nobody gets a new token, whatever secret they
bring, so no secret is replaced and no customer links again because of it: somebody meant it, and
switches it on again.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, Final

from bcrunbook.accounts import Account, Customer
from bcrunbook.core.step import Change, Comparison, Finding, Row
from bcrunbook.errors import AskAdministrator, RunbookError
from bcrunbook.services.graph.models import Application, ServicePrincipal
from bcrunbook.services.graph.reads import Read, service_principal
from bcrunbook.services.wire import Seen
from bcrunbook.steps.application import lookup
from bcrunbook.steps.context import Context
from bcrunbook.steps.portal import hand_off_to_portal

REACTIVATE: Final = "reactivate"
_ENABLED: Final = "enabled"
_OWNER: Final = "an owner of the application, or a Cloud Application or Application Administrator"
_FIRST_ASK: Final = "Ask whoever switched it off first: it was meant, and they know why."
# The values of the property that mean nothing (Graph v1.0 reference, application).
_NOT_DISABLED: Final = (None, "", "NotDisabled")


@dataclass(frozen=True)
class SwitchedOff:
    """Why the application gets no tokens, and who can change that.

    Args:
        what: what is off, in a few words.
        who: who can switch it on again.
        actions: how, in order.
        client_id: the application.
        is_everywhere: whether in all tenants, or in its own alone.
    """

    what: str
    who: str
    actions: tuple[str, ...]
    client_id: str
    is_everywhere: bool

    @property
    def advice(self) -> str:
        """What nobody has to do meanwhile."""
        return "Neither a new secret nor another link helps while it is off."

    def stops(self, account: Account, customer: Customer) -> bool:
        """Whether it stops a customer's link.

        Args:
            account: whose application it is.
            customer: the customer, who has a tenant of their own but for trials.
        """
        is_at_home = (customer.tenant or "").lower() == account.tenant.lower()
        return self.is_everywhere or is_at_home


def switched_off(app: Application, principal: ServicePrincipal | None) -> SwitchedOff | None:
    """What is switched off of an application; None where nothing is, as far as is known.

    Args:
        app: the application.
        principal: its service principal in its own tenant; None where it was not looked at.
    """
    if app.disabled_by_microsoft_status not in _NOT_DISABLED:
        return SwitchedOff(
            f"disabled by Microsoft ({app.disabled_by_microsoft_status})",
            f"Microsoft, on the request of {_OWNER}",
            (
                "In the Azure portal open App registrations and the application: a notice there"
                " says why, and how to object.",
                "Open a support request with Microsoft. Run this step again when it is settled.",
            ),
            app.app_id,
            is_everywhere=True,
        )
    if app.is_disabled:
        return SwitchedOff(
            "deactivated, for all tenants",
            _OWNER,
            (
                _FIRST_ASK,
                "In the Azure portal open App registrations, Deactivated applications, then the"
                " application, and reactivate it.",
                "Run this step again.",
            ),
            app.app_id,
            is_everywhere=True,
        )
    if principal is not None and principal.account_enabled is False:
        return SwitchedOff(
            "its service principal is disabled in this tenant",
            "a Cloud Application or Application Administrator of the tenant",
            (
                _FIRST_ASK,
                "In the Azure portal open Enterprise applications and the application, Properties,"
                " and set Enabled for users to sign-in to Yes. Then Save.",
                "Run this step again.",
            ),
            app.app_id,
            is_everywhere=False,
        )
    return None


def enabled_row(off: SwitchedOff | None, *, is_whole: bool = True) -> Finding:
    """Whether it is on, as a row.

    Args:
        off: what is switched off.
        is_whole: whether all three switches were looked at.
    """
    if off is None:
        actual = _ENABLED if is_whole else "enabled, as far as it was looked at"
        return Finding(
            "Enabled",
            _ENABLED,
            actual,
            "Microsoft Graph, applications and service principals",
            Comparison.OK if is_whole else Comparison.UNKNOWN,
        )
    return Finding(
        "Enabled",
        _ENABLED,
        off.what,
        "Microsoft Graph, applications and service principals",
        Comparison.DIFFERS,
        off.advice,
    )


def reactivate(account: Account, off: SwitchedOff) -> Change:
    """What a person does about it. The program never does: somebody has switched it off on purpose.

    Args:
        account: whose application it is.
        off: what is switched off.
    """
    return hand_off_to_portal(
        Change(
            REACTIVATE,
            f"reactivate the application, which is {off.what}",
            (Row("Enabled", off.what, _ENABLED),),
            subject=off.client_id,
            action="update",
        ),
        AskAdministrator(off.what, who=off.who),
        account,
        actions=(*off.actions[:-1], f"{off.actions[-1]} {off.advice}"),
        values=(("Client ID", off.client_id),),
    )


async def look_at_switches(context: Context) -> SwitchedOff | None:
    """Read what is switched off, in one call; None where nothing is, or where it is not known."""
    how = lookup(context)
    reads: list[Read[Any]] = [*how.reads]
    if how.known:
        reads.append(service_principal(how.known))
    try:
        seen = await context.graph.look(*reads)
        found: Seen[Application] = how.found(seen[: len(how.reads)])
    except RunbookError:
        # Whoever asks is about something else, and goes on without.
        return None
    if found.value is None:
        return None
    return switched_off(found.value, seen[-1].value if how.known else None)
