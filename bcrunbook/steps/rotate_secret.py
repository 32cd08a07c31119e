"""Replaces a client secret without a moment in which Codat has none that works.

The next one is made and proven while the old one works. A person puts it into the Codat Portal.
Only when somebody says that it is saved there goes the old one, and only one that this ledger has
made or adopted. What shows afterwards that Codat reads with it is looked for, and kept apart from
what was said.

A secret that has leaked goes first, whatever stops by that: the plan says what does.

Nothing is kept of how far it came: each run takes up what it finds. Which of two secrets Codat has
is known from a person alone (contract C5.5), so it is never guessed.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import ClassVar, Final

from bcrunbook.accounts import Account
from bcrunbook.core.confirmations import latest_confirmation
from bcrunbook.core.step import (
    AccountStep,
    Change,
    Comparison,
    Finding,
    Findings,
    Observation,
)
from bcrunbook.errors import FixInput, RunbookError
from bcrunbook.ledger.scope import FactKind, Scope
from bcrunbook.ledger.store import Fact
from bcrunbook.limits import MAX_SECRETS
from bcrunbook.order import CLIENT_SECRET, CODAT_KEYS, LINK_CUSTOMER, ROTATE_SECRET
from bcrunbook.services.wire import Seen
from bcrunbook.steps import codat_portal
from bcrunbook.steps.client_secret.findings import SecretCredential, SecretFindings
from bcrunbook.steps.client_secret.life import day
from bcrunbook.steps.client_secret.replacement import Replacement
from bcrunbook.steps.client_secret.step import FORGET, REMOVE, ClientSecret, addition, removal
from bcrunbook.steps.codat_keys import SAVE_KEYS, CodatKeys, KeyFindings, save_keys
from bcrunbook.steps.context import Context
from bcrunbook.steps.description import StepDescription
from bcrunbook.steps.portal import hand_off_to_portal
from bcrunbook.steps.standing import reactivate

# Of whom a sync is looked for, at most: one call to Codat for each.
_CUSTOMERS_ASKED: Final = 3


@dataclass(frozen=True)
class LastSync:
    """The newest sync that Codat tells of.

    Args:
        customer: whose.
        at: when it succeeded.
    """

    customer: str
    at: datetime


@dataclass(frozen=True)
class RotationFindings(Findings):
    """What the step saw.

    Args:
        secrets: the application's secrets, as the step that makes them sees them.
        keys: what could be handed over; None while no secret works.
        confirmation: what somebody said last of the keys in the portal; None when nobody has.
        asked: the secret that somebody asks to be replaced; None where nobody asks.
        made_here: markers of the secrets that this ledger has made or adopted.
        since: when the last of ours was removed, or the current one was said to be saved; None
            where neither was.
        sync: the newest sync of a customer's data; unknown where none could be asked for, and not
            asked for before the current one is said to be saved.
    """

    secrets: SecretFindings
    keys: KeyFindings | None
    confirmation: Fact | None
    asked: Replacement | None
    made_here: frozenset[str]
    since: datetime | None
    sync: Seen[LastSync]

    @property
    def account(self) -> Account:
        """The account."""
        return self.secrets.account

    @property
    def unsettled(self) -> str:
        """A secret, made moments ago, that does not show or work everywhere yet."""
        return self.secrets.unsettled

    @property
    def observations(self) -> tuple[Observation, ...]:
        """From when to when the current secret lives."""
        return self.secrets.observations

    @property
    def named(self) -> SecretCredential | None:
        """The secret that somebody asks to be replaced, as long as it is there."""
        marker = self.asked.marker if self.asked is not None else ""
        there = self.secrets.credentials
        return next((one for one in there if marker and one.marker == marker), None)

    @property
    def successor(self) -> SecretCredential | None:
        """The secret that is to stay; None where it has yet to be made."""
        current = self.secrets.current
        if current is None or current == self.named or self.secrets.is_ending:
            return None
        return current

    @property
    def in_use(self) -> str:
        """The marker of the secret that the portal has, as somebody says; empty if nobody does."""
        if self.confirmation is None or (
            self.keys is not None and self.keys.elsewhere(self.confirmation)
        ):
            return ""
        return self.confirmation.subject

    @property
    def is_leaked(self) -> bool:
        """Whether others may know the secret that is to be replaced."""
        return self.asked is not None and self.asked.is_leaked

    def is_unused(self, one: SecretCredential) -> bool:
        """Whether the portal has another secret, which is there, as somebody says."""
        there = {other.marker for other in self.secrets.credentials}
        return one.marker != self.in_use and self.in_use in there

    @property
    def superseded(self) -> tuple[SecretCredential, ...]:
        """Secrets of ours that nobody uses: the portal has a newer one of ours, and it works."""
        saved = next((one for one in self._ours if one.marker == self.in_use), None)
        works = saved is not None and saved == self.secrets.current and self.secrets.is_proven
        if not works:
            return ()
        assert saved is not None
        return tuple(one for one in self._ours if _made(one) < _made(saved))

    @property
    def _ours(self) -> tuple[SecretCredential, ...]:
        return tuple(
            one
            for one in self.secrets.credentials
            if one.is_stored and one.marker in self.made_here
        )

    def rows(self) -> tuple[Finding, ...]:
        """The secrets and their ends, what was said of the keys, and what shows that it is so."""
        keys = self.keys.rows() if self.keys is not None else ()
        return (*self.secrets.rows(), *keys, *self._old_rows(), *self._use_rows())

    def _old_rows(self) -> Iterable[Finding]:
        for one in self.secrets.credentials:
            if one == self.successor or not one.marker:
                continue
            ends = f", ends {day(one.seen.end_date_time)}" if one.seen.end_date_time else ""
            saved = "; it is the one in the Codat Portal" if one.marker == self.in_use else ""
            yield Finding(
                f"Secret to be replaced ({one.marker})",
                "gone, once the next one is saved",
                f"there{ends}{saved}",
                "Microsoft Graph, the application's secrets",
                Comparison.DIFFERS,
                is_yet_to_come=True,
            )

    def _use_rows(self) -> Iterable[Finding]:
        current = self.secrets.current
        if current is None or current.marker != self.in_use or self.since is None:
            return
        source, seen = "Codat API, data status of customers", self.sync.value
        if seen is None:
            actual, verdict = self.sync.unknown, Comparison.NOTE
        elif seen.at <= self.since:
            actual, verdict = f"not seen since {self.since:%Y-%m-%d %H:%M} UTC", Comparison.NOTE
        else:
            actual = f"{seen.customer} was synced on {seen.at:%Y-%m-%d %H:%M} UTC"
            verdict = Comparison.OK
        yield Finding("Codat reads with it", "a sync since", actual, source, verdict)


class RotateSecret(AccountStep):
    """Makes the next secret, has it saved in the portal, and removes the old one."""

    id: ClassVar[str] = ROTATE_SECRET
    title: ClassVar[str] = "Replace the client secret"
    needs: ClassVar[tuple[str, ...]] = (CLIENT_SECRET, CODAT_KEYS)
    is_about_codat: ClassVar[bool] = True
    description: ClassVar[StepDescription] = StepDescription(
        usual="5 min", rehearsed=CodatKeys.description.rehearsed
    )

    def __init__(self) -> None:
        self._secret, self._keys = ClientSecret(), CodatKeys()

    async def examine(self, context: Context) -> RotationFindings:
        """The secrets, what the portal is said to have, and the newest sync."""
        ledger, whose = context.ledger, context.identity
        secrets = await self._secret.examine(context)
        works = secrets.current is not None and secrets.is_proven
        keys = await self._keys.examine(context) if works else None
        confirmation = latest_confirmation(ledger, Scope(whose, CODAT_KEYS), SAVE_KEYS)
        current = secrets.current.marker if secrets.current is not None else ""
        is_saved = confirmation is not None and confirmation.subject == current
        of_secrets = Scope(whose, CLIENT_SECRET)
        stored = ledger.facts(of_secrets, FactKind.SECRET_STORED)
        removed = ledger.latest(of_secrets, FactKind.SECRET_REMOVED)
        times = [one.at for one in (confirmation, removed) if one is not None]
        client_id = secrets.application.app_id.lower()
        return RotationFindings(
            secrets=secrets,
            keys=keys,
            confirmation=confirmation,
            asked=context.replace,
            made_here=frozenset(
                one.subject for one in stored if one.data["client_id"].lower() == client_id
            ),
            since=max(times, default=None),
            sync=await _newest_sync(context) if is_saved else Seen(None),
        )

    def plan(self, findings: RotationFindings) -> tuple[Change, ...]:
        """What is missing until one secret of ours is left, which the portal has."""
        secrets = findings.secrets
        if secrets.off is not None:
            return (reactivate(findings.account, secrets.off),)
        named = findings.named
        if named is not None and not (named.is_stored and named.marker in findings.made_here):
            return (_not_ours(findings, named),)
        tidied = [change for change in self._secret.plan(secrets) if change.key in (REMOVE, FORGET)]
        removed = list(findings.superseded)
        if named is not None and (findings.is_leaked or findings.is_unused(named)):
            removed = [named, *(one for one in removed if one != named)]
        removals = [removal(one, _why(findings, one)) for one in removed]
        before = (*tidied, *removals)
        if secrets.current is not None and not secrets.is_proven and secrets.current != named:
            # What Entra refuses is for the step that makes secrets to explain.
            return (*removals, *self._secret.plan(secrets))
        if findings.successor is None:
            gone = sum(change.key == REMOVE for change in before)
            if len(secrets.credentials) - gone >= MAX_SECRETS:
                return (*before, _free_a_place(findings))
            return (*before, addition(secrets, "make the next client secret and store it"))
        if findings.in_use == findings.successor.marker or findings.keys is None:
            return before
        return (*before, save_keys(findings.keys, self.id))

    async def apply(self, context: Context, findings: RotationFindings, change: Change) -> bool:
        """Make and store a secret, or remove one of ours."""
        return await self._secret.apply(context, findings.secrets, change)

    def hand_off(self, findings: RotationFindings, change: Change, error: RunbookError) -> Change:
        """Making or removing the secret, for somebody who may."""
        return self._secret.hand_off(findings.secrets, change, error)


async def _newest_sync(context: Context) -> Seen[LastSync]:
    """The newest sync of those customers that were linked last."""
    if context.codat is None:
        return Seen(None, codat_portal.NO_KEY)
    scope = Scope(context.identity, LINK_CUSTOMER)
    companies = {
        fact.customer: fact.subject
        for fact in context.ledger.facts(scope, FactKind.COMPANY)
        if fact.customer in context.account.customers
    }
    found: list[LastSync] = []
    for customer in list(companies)[-_CUSTOMERS_ASKED:]:
        try:
            status = await context.codat.data_status(companies[customer])
        except RunbookError as error:
            return Seen(None, error.what)
        found += [
            LastSync(str(customer), one.last_successful_sync)
            for one in status.values()
            if one.last_successful_sync is not None
        ]
    newest = max(found, key=lambda one: one.at, default=None)
    if newest is None:
        return Seen(None, "no customer's data have been synced yet" if companies else "no customer")
    return Seen(newest)


def _made(one: SecretCredential) -> datetime:
    return one.seen.start_date_time or datetime.min.replace(tzinfo=UTC)


def _why(findings: RotationFindings, one: SecretCredential) -> str:
    """Why a secret of ours is removed, and what stops by that."""
    if not (findings.is_leaked and one == findings.named):
        return "the Codat Portal has another one"
    if findings.is_unused(one):
        return "it has leaked. The Codat Portal has another one, so nothing stops"
    return (
        "it has leaked. From then on Codat reads nothing, until the next one is saved in the Codat"
        " Portal"
    )


def _not_ours(findings: RotationFindings, named: SecretCredential) -> Change:
    """A secret that was named and that nobody here has made or adopted: for its owner."""
    error = FixInput("it was not made here", who="an owner of the application")
    return hand_off_to_portal(
        Change(
            REMOVE,
            "replace a secret that was not made here",
            subject=named.seen.key_id,
            action="delete",
        ),
        error,
        findings.account,
        actions=(
            f"This ledger has neither made nor adopted the secret {named.seen.display_name}, so it"
            " is not removed from here: somebody else may use it.",
            "Ask whoever made it. If nobody needs it, delete it in the Azure portal under"
            f" Certificates & secrets (Secret ID {named.seen.key_id}).",
        ),
        values=(("Client ID", findings.secrets.application.app_id),),
    )


def _free_a_place(findings: RotationFindings) -> Change:
    """Two secrets are there, and neither may go from here."""
    secrets = findings.secrets
    others = [one for one in secrets.credentials if one.marker not in findings.made_here]
    listed = ", ".join(
        f"{one.seen.display_name or 'without a description'} (Secret ID {one.seen.key_id})"
        for one in (others or secrets.credentials)
    )
    whose = (
        "one of them is not ours"
        if others
        else "nobody has said which of them the Codat Portal has"
    )
    first = (
        f"The application holds {MAX_SECRETS} secrets, the most it may, and {whose}: {listed}. The"
        " next one can be made when one of them is gone."
    )
    then = (
        "Find out who uses it. If nobody does, delete it in the Azure portal under Certificates &"
        " secrets; leave ours, which Codat uses. Then run this step again."
        if others
        else f"Say which one is saved there (bcrunbook run {findings.account.name} {CODAT_KEYS}"
        " tells how), then run this step again."
    )
    error = FixInput("two secrets are there", who="an owner of the application")
    return hand_off_to_portal(
        Change(
            "free_a_place",
            f"make room: {MAX_SECRETS} secrets are there, and the next one needs a place",
            subject=secrets.application.app_id,
            action="delete",
        ),
        error,
        findings.account,
        actions=(first, then),
        values=(("Client ID", secrets.application.app_id),),
    )
