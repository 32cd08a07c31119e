"""Business Central is enabled in Codat, by a person's click, and seen to be.

`enabled` proves the toggle, not the keys: the first link that comes back proves those. What was
seen is kept apart from what somebody said. A run without a person looks once; a notebook with a
person in front of it looks again and again, within a budget of calls and time.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar, Final

from bcrunbook.core.confirmations import as_confirmed, latest_confirmation
from bcrunbook.core.step import (
    Change,
    Comparison,
    Finding,
    HandOff,
    Observation,
    PersonsStep,
    Row,
)
from bcrunbook.ledger.scope import Scope
from bcrunbook.ledger.store import Fact
from bcrunbook.order import CODAT_KEYS, ENABLE_INTEGRATION, ref
from bcrunbook.services.codat.client import BUSINESS_CENTRAL_PLATFORM
from bcrunbook.steps import codat_portal
from bcrunbook.steps.codat_keys import CONFIRMED_BY, SAVE_KEYS, SAVED_KEYS
from bcrunbook.steps.context import Context
from bcrunbook.steps.description import Lane, RehearsedPart, StepDescription

ENABLE: Final = "enable"


@dataclass(frozen=True)
class ToggleFindings(codat_portal.PortalFindings):
    """What the step saw.

    Args:
        keys: what somebody said last about the keys; None when nobody has.
        confirmation: what somebody said about the toggle; asked only where it cannot be seen.
    """

    keys: Fact | None
    confirmation: Fact | None

    @property
    def is_enabled(self) -> bool:
        """Whether it is enabled: as seen, or as somebody says where nothing can be seen."""
        if self.integration.value is not None:
            return self.integration.value.enabled
        return self.confirmation is not None and not self.elsewhere(self.confirmation)

    @property
    def observations(self) -> tuple[Observation, ...]:
        """The toggle, where it was seen."""
        if self.integration.value is None:
            return ()
        seen = {"enabled": self.integration.value.enabled, "instance": self.instance}
        return (Observation("integration", BUSINESS_CENTRAL_PLATFORM, seen),)

    def rows(self) -> tuple[Finding, ...]:
        """API key and instance, the toggle as seen, and the two things that people said."""
        return (
            *self.instance_rows,
            self._toggle_row(),
            Finding(
                SAVED_KEYS,
                "",
                self._confirmed("saved", self.keys) if self.keys else "not said",
                CONFIRMED_BY,
                Comparison.NOTE,
                "Whether they work shows when the first customer links.",
            ),
        )

    def _toggle_row(self) -> Finding:
        name = f"{codat_portal.NAME} enabled"
        seen = self.integration.value
        if seen is not None:
            return Finding(
                name,
                "enabled",
                "enabled" if seen.enabled else "not enabled",
                "Codat API, integrations",
                Comparison.OK if seen.enabled else Comparison.DIFFERS,
                is_yet_to_come=not seen.enabled,
            )
        if self.confirmation is None:
            return Finding(name, "enabled", "unknown", self.integration.unknown, Comparison.UNKNOWN)
        actual = self._confirmed("enabled", self.confirmation)
        verdict = Comparison.NOTE if self.is_enabled else Comparison.UNKNOWN
        return Finding(name, "enabled", actual, "confirmed by a person", verdict)

    def _confirmed(self, what: str, confirmation: Fact) -> str:
        elsewhere = self.elsewhere(confirmation)
        said_so = as_confirmed(what, confirmation)
        return f"{said_so}; {elsewhere}" if elsewhere else said_so


class EnableIntegration(PersonsStep):
    """Looks at the toggle, and asks a person to click it."""

    id: ClassVar[str] = ENABLE_INTEGRATION
    title: ClassVar[str] = "Enable the integration"
    needs: ClassVar[tuple[str, ...]] = (CODAT_KEYS,)
    is_about_codat: ClassVar[bool] = True
    description: ClassVar[StepDescription] = StepDescription(
        usual="one click",
        lane=Lane.PORTAL,
        checked_as="Integration in Codat",
        rehearsed=(
            RehearsedPart(ENABLE, "enable", '{person} enabled Business Central in "{instance}".'),
        ),
    )

    async def examine(self, context: Context) -> ToggleFindings:
        """One call to Codat, two the first time, and the ledger."""
        account, ledger = context.account, context.ledger
        profile, integration = await codat_portal.look(context)
        return ToggleFindings(
            account=account,
            profile=profile,
            integration=integration,
            keys=latest_confirmation(ledger, Scope(account.identity, CODAT_KEYS), SAVE_KEYS),
            confirmation=latest_confirmation(ledger, Scope(account.identity, self.id), ENABLE),
            page=codat_portal.accounting_page(context.cloud),
        )

    def plan(self, findings: ToggleFindings) -> tuple[Change, ...]:
        """A person's click, unless it is enabled."""
        if findings.is_enabled:
            return ()
        before = "unknown" if findings.integration.unknown else "not enabled"
        return (
            Change(
                ENABLE,
                f"enable {codat_portal.NAME} in the Codat Portal",
                (Row(codat_portal.NAME, before, "enabled"),),
                by="person",
                hand_off=_card(findings),
            ),
        )


def _card(findings: ToggleFindings) -> HandOff:
    return codat_portal.toggle_card(
        findings,
        ENABLE_INTEGRATION,
        click=". The page behind Manage has the same toggle.",
        looks_like="The toggle stays on, and Set up reads Manage.",
        slips=(
            "Later was chosen in the dialog after Save: then nothing is enabled until the toggle"
            " is clicked.",
            "The toggle cannot be clicked and Set up is still there: the keys are not saved yet."
            f" That is {ref(CODAT_KEYS)}.",
            codat_portal.ROLE_SLIP,
            codat_portal.instance_slip(findings.instance),
            codat_portal.PLAN_SLIP,
        ),
        says=f"{codat_portal.NAME} is enabled in the Codat Portal",
    )
