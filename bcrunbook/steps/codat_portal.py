"""What the two steps in the Codat Portal share: where its pages are, who may, which instance.

Source: Codat documentation, "Set up the Dynamics 365 Business Central integration", portal roles
and plans. Nothing in Codat's supported API saves an integration's keys or enables it
(contract C5.9).
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

from bcrunbook.accounts import Account, instance_name
from bcrunbook.cloud import Cloud
from bcrunbook.core.step import Comparison, Finding, Findings, HandOff, HandOffButton
from bcrunbook.errors import AskAdministrator
from bcrunbook.ledger.store import Fact
from bcrunbook.services.codat.client import BUSINESS_CENTRAL_PLATFORM
from bcrunbook.services.codat.errors import ACCOUNT_MANAGER
from bcrunbook.services.codat.models import Integration, Profile
from bcrunbook.services.wire import Seen
from bcrunbook.steps.context import Context

NAME: Final = "Dynamics 365 Business Central"
PORTAL_HOST: Final = "app.codat.io"
"""Where the Codat Portal is."""
_ACCOUNTING: Final = "/settings/integrations/accounting"

INSTANCE: Final = "Instance"
"""The label under which a hand-off names the instance."""

NO_KEY: Final = "codat_api_key is not set in accounts.toml"

ROLE_SLIP: Final = (
    "Nothing can be clicked: your role in this instance is not Developer or Administrator. Ask a"
    " colleague who is an Administrator there to do it, or to change your role."
)
PLAN_SLIP: Final = (
    f"The word Premium beside {NAME} is always there. If there is no Set up or Manage with it, but"
    " an account manager is named, the plan of this instance has no ERP integrations (Free and"
    f" Start-up plans have none). Ask {ACCOUNT_MANAGER}."
)


BY_LINK: Final = "the link above"
"""How a card without buttons leads to a page."""


def open_and_compare(instance: str) -> str:
    """The first thing to do there: open it, and see that it is the right instance."""
    right = f'it has to be "{instance}"' if instance else "it has to be the one this account is for"
    return (
        f"Open the Codat Portal ({BY_LINK}) and sign in. Compare the instance at the top: {right}."
    )


def open_button(page: str) -> HandOffButton:
    """What opens the portal beside the first thing to do there."""
    return HandOffButton(0, "open", "Open the Codat Portal", page, instead=BY_LINK)


def accounting_page(cloud: Cloud) -> str:
    """The address of the portal's accounting integrations, for a person's browser."""
    return cloud.page(f"https://{PORTAL_HOST}{_ACCOUNTING}")


def who_can(instance: str) -> str:
    """Who may do it."""
    which = f'the instance "{instance}"' if instance else "your instance"
    return f"somebody with the role Developer or Administrator in {which} of the Codat Portal"


def instance_slip(instance: str) -> str:
    """The wrong instance, as it shows."""
    right = f'"{instance}"' if instance else "the instance this account is for"
    return (
        f"It is done, and nothing changes here: another instance was open. Choose {right} at the"
        " top of the portal; test and live instances keep separate keys."
    )


async def look(context: Context) -> tuple[Seen[Profile], Seen[Integration]]:
    """The instance and its Business Central integration; both unknown without an API key.

    Raises:
        FixInput: the API key is wrong, or belongs to another instance than the account.
        AskAdministrator: the plan does not allow it, or Codat does not offer the platform.
        WaitAndRetry: few of the day's calls are left, and this is not the first look.
    """
    if context.codat is None:
        return Seen(None, NO_KEY), Seen(None, NO_KEY)
    context.codat.check_spare()
    profile = await context.codat.instance()
    integration = await context.codat.integration(BUSINESS_CENTRAL_PLATFORM)
    if integration is None:
        raise AskAdministrator(
            f"This Codat instance does not offer {NAME}.",
            where=f'instance "{profile.name}", platform {BUSINESS_CENTRAL_PLATFORM}',
            why="the plan or the contract of this instance leaves it out",
            next="ask for the integration to be made available",
            who=ACCOUNT_MANAGER,
        )
    return Seen(profile), Seen(integration)


@dataclass(frozen=True)
class PortalFindings(Findings):
    """What both portal steps see.

    Args:
        account: the account.
        profile: the instance that the API key belongs to; unknown without a key.
        integration: Business Central in that instance; unknown without a key.
        page: where a browser finds the portal's accounting integrations.
    """

    account: Account
    profile: Seen[Profile]
    integration: Seen[Integration]
    page: str

    @property
    def instance(self) -> str:
        """The instance's name; empty when it is not known."""
        return self.profile.value.name if self.profile.value else self.account.codat_instance or ""

    def elsewhere(self, confirmation: Fact) -> str:
        """Why a confirmation is about another instance; empty when it is about this one."""
        then = str(confirmation.data["values"].get(INSTANCE, ""))
        if self.instance and instance_name(then) != instance_name(self.instance):
            return f'that was in the instance "{then}"' if then else "of no instance by name"
        return ""

    @property
    def instance_rows(self) -> tuple[Finding, Finding]:
        """Whether the API key works, and which instance it is for."""
        account, profile, source = self.account, self.profile, "Codat API, profile"
        return (
            Finding(
                "Codat API key",
                "works",
                "works" if profile.value else profile.unknown,
                source,
                Comparison.UNKNOWN if profile.unknown else Comparison.OK,
                "Set it, and instance and toggle are checked for you." if profile.unknown else "",
            ),
            Finding(
                "Codat instance",
                account.codat_instance or "",
                self.instance or "unknown",
                source if profile.value else "accounts.toml",
                (Comparison.OK if account.codat_instance else Comparison.NOTE)
                if profile.value
                else Comparison.UNKNOWN,
                ""
                if account.codat_instance
                else "Is this the instance that is meant? Set codat_instance, and it is checked.",
            ),
        )


def toggle_card(
    findings: PortalFindings,
    step: str,
    *,
    click: str,
    looks_like: str,
    slips: tuple[str, ...],
    says: str,
) -> HandOff:
    """The click on the integration's toggle, which no supported call makes (contract C5.9).

    Args:
        findings: what the step saw.
        step: the step's id.
        click: what to do with the toggle.
        looks_like: how it looks afterwards.
        slips: what may go wrong.
        says: what somebody says when it is done, where the toggle cannot be seen.
    """
    instance, is_seen = findings.instance, not findings.integration.unknown
    say_so = f"bcrunbook confirm {findings.account.name} {step} --by YOUR-NAME; then run again"
    return HandOff(
        who=who_can(instance),
        link=findings.page,
        actions=(
            open_and_compare(instance),
            f"Settings, Integrations, Accounting: find {NAME} and click its toggle{click}",
            "Run this step again: it sees the toggle by itself."
            if is_seen
            else f"Say that it is done ({say_so}).",
        ),
        buttons=(
            open_button(findings.page),
            *(() if is_seen else (HandOffButton(2, "confirm", instead=say_so),)),
        ),
        values=((INSTANCE, instance),) if instance else (),
        looks_like=looks_like,
        slips=slips,
        confirmation="" if is_seen else says,
        is_watched=is_seen,
    )
