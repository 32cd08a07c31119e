"""Step 5: Business Central is enabled in Codat, by a person's click, and seen to be.

`enabled` proves the toggle, not the keys: the first link that comes back proves those. What was
seen is kept apart from what somebody said. A run without a person looks once; a notebook with a
person in front of it looks again and again, within a budget of calls and time.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar

from bcrunbook.core.confirmations import as_confirmed, latest_confirmation
from bcrunbook.core.step import Change, Comparison, Finding, HandOff, Observation, PersonsStep, Row
from bcrunbook.ledger.store import Fact
from bcrunbook.services.codat.client import BUSINESS_CENTRAL_PLATFORM
from bcrunbook.steps import codat_portal
from bcrunbook.steps.codat_keys import SAVE_KEYS, WORD, WORDS_SOURCE, CodatKeys
from bcrunbook.steps.context import Context

ENABLE = "enable"


@dataclass(frozen=True)
class ToggleFindings(codat_portal.PortalFindings):
    """What step 5 saw.

    Args:
        keys: what somebody said last about the keys; None when nobody has.
        word: what somebody said about the toggle; asked only where it cannot be seen.
    """

    keys: Fact | None
    word: Fact | None

    @property
    def is_enabled(self) -> bool:
        """Whether it is enabled: as seen, or as somebody says where nothing can be seen."""
        if self.integration.value is not None:
            return self.integration.value.enabled
        return self.word is not None and not self.elsewhere(self.word)

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
                WORD,
                "",
                self._told("saved", self.keys) if self.keys else "not said",
                WORDS_SOURCE,
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
            )
        if self.word is None:
            return Finding(name, "enabled", "unknown", self.integration.unknown, Comparison.UNKNOWN)
        actual = self._told("enabled", self.word)
        verdict = Comparison.NOTE if self.is_enabled else Comparison.UNKNOWN
        return Finding(name, "enabled", actual, "a person's word", verdict)

    def _told(self, what: str, word: Fact) -> str:
        elsewhere = self.elsewhere(word)
        said_so = as_confirmed(what, word)
        return f"{said_so}; {elsewhere}" if elsewhere else said_so


class EnableIntegration(PersonsStep):
    """Step 5."""

    id: ClassVar[str] = "enable_integration"
    title: ClassVar[str] = "Enable the integration"
    needs: ClassVar[tuple[str, ...]] = ("codat_keys",)
    is_about_codat: ClassVar[bool] = True

    async def examine(self, context: Context) -> ToggleFindings:
        """One call to Codat, two the first time, and the ledger."""
        account, ledger = context.account, context.ledger
        profile, integration = await codat_portal.look(context)
        return ToggleFindings(
            account=account,
            profile=profile,
            integration=integration,
            keys=latest_confirmation(ledger, account.identity, CodatKeys.id, SAVE_KEYS),
            word=latest_confirmation(ledger, account.identity, self.id, ENABLE),
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
    account, instance = findings.account, findings.instance
    is_seen = not findings.integration.unknown
    last = (
        "Run this step again: it sees the toggle by itself. A notebook that waits notices within"
        " half a minute."
        if is_seen
        else f"Say that it is done: bcrunbook confirm {account.name} enable_integration --by"
        " YOUR-NAME (or the button in the notebook). Then run again."
    )
    return HandOff(
        who=codat_portal.who_can(instance),
        link=findings.page,
        actions=(
            "Open the link and sign in. Compare the instance at the top"
            + (f': it has to be "{instance}".' if instance else "."),
            f"Settings, Integrations, Accounting: find {codat_portal.NAME} and click its toggle."
            " The page behind Manage has the same toggle.",
            last,
        ),
        values=((codat_portal.INSTANCE, instance),) if instance else (),
        looks_like="The toggle stays on, and Set up reads Manage.",
        slips=(
            "Later was chosen in the dialog after Save: then nothing is enabled until the toggle"
            " is clicked.",
            "The toggle cannot be clicked and Set up is still there: the keys are not saved yet."
            " That is step 4.",
            codat_portal.ROLE_SLIP,
            codat_portal.instance_slip(instance),
            codat_portal.PLAN_SLIP,
        ),
        confirmation="" if is_seen else f"{codat_portal.NAME} is enabled in the Codat Portal",
        is_watched=is_seen,
    )
