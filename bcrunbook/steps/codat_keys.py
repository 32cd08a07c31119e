"""A person puts the client id and the secret into the Codat Portal.

No supported call of Codat's does it, and none tells afterwards whether keys are there or right. So
everything that can go wrong is checked before anybody is asked: the API key, the instance, the
platform, and that Entra gives a token for exactly this id and secret. Then the hand-off names every
value and click. What the person says afterwards is kept as a confirmation of theirs, for that one
secret: a newer secret makes it stale, and they are asked again.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from typing import ClassVar, Final

from bcrunbook.accounts import Identity
from bcrunbook.core.confirmations import as_confirmed, latest_confirmation
from bcrunbook.core.step import (
    Change,
    Comparison,
    Finding,
    HandOff,
    HandOffButton,
    PersonsStep,
    Row,
)
from bcrunbook.ledger.scope import Scope
from bcrunbook.ledger.store import Fact, Ledger
from bcrunbook.order import CLIENT_SECRET, CODAT_KEYS
from bcrunbook.steps import codat_portal
from bcrunbook.steps.client_secret.stored import stored_last, stored_secret
from bcrunbook.steps.context import Context
from bcrunbook.steps.description import Lane, RehearsedPart, StepDescription

SAVE_KEYS: Final = "save_keys"
SAVED_KEYS: Final = "Keys in the Codat Portal"
CONFIRMED_BY: Final = "confirmed by a person: no Codat call reports it"
_CLIENT_ID: Final = "Client ID"
# contract C1.11
_COPIED_SLIP: Final = (
    "Manage is there although nobody has set it up here: a new test instance begins as a copy, with"
    " the client id and secret of the instance it was copied from, mostly the live one. Replace"
    " both with these; the live instance keeps its own."
)
_ABOVE: Final = "it is above"
_SECRET: Final = "Marker of the secret"


@dataclass(frozen=True)
class KeyFindings(codat_portal.PortalFindings):
    """What the step saw.

    Args:
        client_id: the application's client id.
        marker: which secret it is.
        reference: where its value is kept.
        ends: when it ends.
        confirmation: what somebody said last about the keys; None when nobody has.
    """

    client_id: str
    marker: str
    reference: str
    ends: datetime | None
    confirmation: Fact | None

    @property
    def stale(self) -> str:
        """Why what somebody said does not hold any more; empty when it does."""
        assert self.confirmation is not None
        values: dict[str, str] = self.confirmation.data["values"]
        if self.confirmation.subject != self.marker:
            return "the secret has been replaced since"
        if values.get(_CLIENT_ID) != self.client_id:
            return "the application is another one now"
        return self.elsewhere(self.confirmation)

    def rows(self) -> tuple[Finding, ...]:
        """API key and instance, the pair and its proof, and what somebody said."""
        return (
            *self.instance_rows,
            Finding(
                _CLIENT_ID, "", self.client_id, "the ledger, or Microsoft Graph", Comparison.NOTE
            ),
            Finding(
                "Client id and secret",
                "work together",
                "work together",
                "a token request to Entra",
                Comparison.OK,
            ),
            self._toggle_row(),
            self._confirmation_row(),
        )

    def _toggle_row(self) -> Finding:
        name, seen = f"{codat_portal.NAME} in Codat", self.integration.value
        if seen is None:
            return Finding(name, "there", "unknown", self.integration.unknown, Comparison.UNKNOWN)
        advice = (
            "Enabled already: somebody has set it up before. Compare the client id on its Manage"
            " page, and save this secret there."
            if seen.enabled and (self.confirmation is None or self.stale)
            else ""
        )
        return Finding(
            name,
            "there",
            "there, enabled" if seen.enabled else "there, not enabled yet",
            "Codat API, integrations",
            Comparison.OK,
            advice,
        )

    def _confirmation_row(self) -> Finding:
        wanted = "saved with this secret"
        if self.confirmation is None:
            return Finding(
                SAVED_KEYS,
                wanted,
                "not said",
                CONFIRMED_BY,
                Comparison.DIFFERS,
                is_yet_to_come=True,
            )
        saved = as_confirmed("saved", self.confirmation)
        if self.stale:
            actual = f"{saved}; {self.stale}"
            return Finding(SAVED_KEYS, wanted, actual, CONFIRMED_BY, Comparison.DIFFERS)
        return Finding(SAVED_KEYS, wanted, saved, CONFIRMED_BY, Comparison.OK)


class CodatKeys(PersonsStep):
    """Checks everything beforehand, and hands over every value and click."""

    id: ClassVar[str] = CODAT_KEYS
    title: ClassVar[str] = "Put the keys into the Codat Portal"
    needs: ClassVar[tuple[str, ...]] = (CLIENT_SECRET,)
    is_about_codat: ClassVar[bool] = True
    description: ClassVar[StepDescription] = StepDescription(
        usual="5 min",
        lane=Lane.PORTAL,
        rehearsed=(
            RehearsedPart(
                SAVE_KEYS,
                "save_keys",
                '{person} saved the keys of {account} in "{instance}" and enabled it.',
            ),
        ),
    )

    async def examine(self, context: Context) -> KeyFindings:
        """Codat's profile and integration, one token request, and the ledger."""
        account = context.account
        profile, integration = await codat_portal.look(context)
        kept = await stored_secret(context)
        return KeyFindings(
            account=account,
            profile=profile,
            integration=integration,
            client_id=kept.client_id,
            marker=kept.marker,
            reference=kept.reference,
            ends=kept.ends,
            confirmation=latest_confirmation(
                context.ledger, Scope(account.identity, self.id), SAVE_KEYS
            ),
            page=codat_portal.accounting_page(context.cloud),
        )

    def plan(self, findings: KeyFindings) -> tuple[Change, ...]:
        """A person's work, unless somebody says that just these keys are saved."""
        if findings.confirmation is not None and not findings.stale:
            return ()
        return (save_keys(findings, self.id),)


def save_keys(findings: KeyFindings, step: str) -> Change:
    """Saving the current secret in the portal, for a person.

    Args:
        findings: what was seen.
        step: the step that hands it over. What they say of it is noted under this one.
    """
    before = "unknown" if findings.confirmation is None else "older keys"
    return Change(
        SAVE_KEYS,
        "save the client id and the secret in the Codat Portal",
        (
            Row(_CLIENT_ID, before, findings.client_id),
            Row("Client secret", before, f"the value kept in {findings.reference}"),
        ),
        by="person",
        subject=findings.marker,
        hand_off=_card(findings, step),
        said_at=CODAT_KEYS,
    )


def _card(findings: KeyFindings, step: str) -> HandOff:
    account, instance = findings.account, findings.instance
    is_set_up = bool(findings.integration.value and findings.integration.value.enabled)
    button = (
        "Manage"
        if is_set_up or findings.confirmation
        else "Set up, or Manage if it was set up before"
    )
    ends = f", ends {findings.ends:%Y-%m-%d}" if findings.ends else ""
    copy = f"bcrunbook secret copy {account.name}"
    say_so = f"bcrunbook confirm {account.name} {step} --by YOUR-NAME; then run again"
    return HandOff(
        who=codat_portal.who_can(instance),
        link=findings.page,
        actions=(
            codat_portal.open_and_compare(instance),
            f"Settings, Integrations, Accounting: find {codat_portal.NAME} and click {button}.",
            f"Under Integration settings, put the Client ID ({_ABOVE}) into Client ID.",
            f"Copy the secret ({copy}) and paste it into Client secret within a minute. It is not"
            " shown anywhere.",
            "Click Save.",
            f"A dialog asks whether to enable {codat_portal.NAME}: choose to enable it now.",
            f"Say that it is done ({say_so}).",
        ),
        buttons=(
            codat_portal.open_button(findings.page),
            HandOffButton(2, "copy", "Copy the Client ID", findings.client_id, instead=_ABOVE),
            HandOffButton(3, "copy_secret", "Copy the client secret", instead=copy),
            HandOffButton(6, "confirm", instead=say_so),
        ),
        values=tuple(
            (label, text)
            for label, text in (
                (codat_portal.INSTANCE, instance),
                (_CLIENT_ID, findings.client_id),
                (_SECRET, f"{findings.marker}{ends}"),
            )
            if text
        ),
        secret=findings.reference,
        looks_like="A message confirms that the settings were saved. Codat does not try the keys"
        " then: the first customer who links does.",
        slips=(
            "The Secret ID in place of the Value: the portal of Azure shows both. What the copy"
            " command puts on the clipboard is the Value.",
            "A blank before or after what was pasted: click into the field and look at both ends.",
            *(() if account.is_production else (_COPIED_SLIP,)),
            codat_portal.instance_slip(instance),
            codat_portal.ROLE_SLIP,
            codat_portal.PLAN_SLIP,
        ),
        confirmation="I have saved these keys in the Codat Portal",
    )


def out_of_date(ledger: Ledger, whose: Identity) -> str:
    """Why the keys that somebody saved do not hold any more, as far as the ledger tells.

    Args:
        ledger: what was noted.
        whose: the account as it is meant now.

    Returns:
        A sentence; empty if nothing speaks against them.
    """
    saved = latest_confirmation(ledger, Scope(whose, CodatKeys.id), SAVE_KEYS)
    stored = stored_last(ledger, whose)
    if saved and stored and stored.at > saved.at and stored.subject != saved.subject:
        return "The secret has been replaced since somebody saved the keys."
    return ""
