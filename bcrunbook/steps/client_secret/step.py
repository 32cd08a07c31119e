"""One client secret that is stored, works, and was never shown.

The value can be read once, in the answer that makes it. So the intent is in the ledger before the
request goes out, with a marker that the credential's description bears as well; the value goes to
the secret store, under that marker, before anything else happens. Whatever instant a run dies at,
the next one can tell:

- a credential with our marker whose value the store has is good;
- one that this ledger asked for, and whose value never got into the store, is an orphan: removed;
- an intent without a credential is waited for until it can no longer appear;
- every other credential may be in use (a colleague's, with a ledger of their own, or ours of
  which the store has lost the value) and is never removed.

The tenant's application management policy is read first and the lifetime fitted to it. Where it
forbids secrets one is asked for all the same, once a run: who is exempt does not show in it. An
application of this audience may hold two secrets; a third is never attempted.
"""

from __future__ import annotations

import secrets as random
from datetime import datetime, timedelta
from typing import Any, ClassVar, Final

from bcrunbook import aadsts
from bcrunbook.accounts import Account, with_value
from bcrunbook.core.backoff import Backoff
from bcrunbook.core.step import AccountStep, Change, Row
from bcrunbook.core.written import so_far
from bcrunbook.errors import AnswerLost, AskAdministrator, FixInput, RunbookError
from bcrunbook.ledger.scope import FactKind, Scope
from bcrunbook.ledger.store import Basis, Fact
from bcrunbook.limits import MAX_SECRETS
from bcrunbook.order import CLIENT_SECRET, REGISTER_APPLICATION, START_HERE
from bcrunbook.secrets import Secret
from bcrunbook.services.graph.reads import (
    Read,
    organization,
    secret_policy,
    service_principal,
)
from bcrunbook.signin import prove_client_secret
from bcrunbook.skipped import dates
from bcrunbook.steps.application import lookup, require_application
from bcrunbook.steps.client_secret.adopt import adopt
from bcrunbook.steps.client_secret.findings import SecretCredential, SecretFindings
from bcrunbook.steps.client_secret.stored import (
    credential_of,
    ended,
    forget_value,
    gone,
    kept_value,
    name_in_store,
    newest,
)
from bcrunbook.steps.context import Context
from bcrunbook.steps.description import AccountField, SecretInput, StepDescription
from bcrunbook.steps.portal import hand_off_to_portal
from bcrunbook.steps.standing import reactivate, switched_off
from bcrunbook.steps.tenant import check_tenant

# How long, in the cloud's seconds, something just done may take to show or to work everywhere.
# Seen by others: 4 to 18 s for a new secret (contract G7.12); a generous multiple of it.
_SPREADING: Final = 60.0
_WORKING: Final = Backoff(first=3.0, longest=10.0, deadline=_SPREADING)
# The service counts a lifetime by its own clock (contract G8.6).
_POLICY_MARGIN: Final = timedelta(hours=1)
_FORBIDDEN: Final = "CredentialTypeNotAllowedAsPerAppPolicy"


_LIFETIME: Final = "secret_lifetime"

ADD: Final = "add_secret"
REMOVE: Final = "remove_secret"
FORGET: Final = "forget_value"
"""The keys of what is done about secrets."""


def _days(days: int) -> str:
    return f"{days} day{'s' if days != 1 else ''}"


def _expiry_note(account: Account, text: str, findings: Any) -> str:
    """On which date a secret of that lifetime ends, as far as the tenant's policy lets it."""
    meant = with_value(account, _LIFETIME, text)
    lifetime = meant.secret_lifetime_days
    longest = findings.longest_days if isinstance(findings, SecretFindings) else None
    days = min(lifetime, longest or lifetime)
    ends = dates.now() + timedelta(days=days)
    note = f"A secret made today ends on {ends:%d %B %Y}."
    if days < lifetime:
        note += f" The tenant's policy allows {_days(days)} at most."
    return f"{note} {meant.short_lifetime}".strip()


class ClientSecret(AccountStep):
    """Makes a secret where none works for long, and removes what is left of ours."""

    id: ClassVar[str] = CLIENT_SECRET
    title: ClassVar[str] = "Make and store the client secret"
    needs: ClassVar[tuple[str, ...]] = (START_HERE, REGISTER_APPLICATION)
    description: ClassVar[StepDescription] = StepDescription(
        usual="1 min",
        fields=(
            AccountField(
                _LIFETIME,
                "Lifetime",
                lambda account: _days(account.secret_lifetime_days),
                _expiry_note,
            ),
            AccountField(
                "secret_description",
                "Description",
                lambda account: account.secret_description or "Codat",
            ),
        ),
        secret_by_hand=SecretInput("Value of the secret", "Put it into the store", adopt),
        checked_as="Client secret",
    )

    async def examine(self, context: Context) -> SecretFindings:
        """Read application and policy in one call, ask the store, and prove what it has."""
        account = context.account
        how = lookup(context)
        reads: list[Read[Any]] = [organization(), secret_policy(), *how.reads]
        if how.known:
            reads.append(service_principal(how.known))
        tenant, policy, *seen = await context.graph.look(*reads)
        token = await context.sign_in.graph()
        where = check_tenant(context, token, tenant)
        app = require_application(how, seen[: len(how.reads)])
        off = switched_off(app, seen[-1].value if how.known else None)
        now = context.graph.now
        credentials = tuple(
            [await credential_of(context, app.app_id, one) for one in app.password_credentials]
        )
        current = newest(credentials, now)
        proof, is_proven, where_stored = None, False, ""
        if current is not None:
            kept = await kept_value(context, app.app_id, current.marker)
            assert kept is not None
            where_stored, value = kept
            proof = await prove_client_secret(
                context.http, tenant=where.id, client_id=app.app_id, secret=value
            )
            is_proven = proof is None
        return SecretFindings(
            account=account,
            application=app,
            policy=policy,
            credentials=credentials,
            current=current,
            where_stored=where_stored,
            proof=proof,
            is_proven=is_proven,
            still_spreading=self._still_spreading(context, credentials, current, is_proven, now),
            now=now,
            ended=await ended(context, where.id, app.app_id, credentials, now),
            gone=await gone(context, where.id, app.app_id, credentials),
            off=off,
        )

    def _still_spreading(
        self,
        context: Context,
        credentials: tuple[SecretCredential, ...],
        current: SecretCredential | None,
        is_proven: bool,
        now: datetime,
    ) -> str:
        """Whether something that this ledger knows of is too young to be judged."""
        visible = {one.marker for one in credentials}
        whose = context.identity
        removed = {
            fact.subject
            for fact in context.ledger.facts(Scope(whose, self.id), FactKind.SECRET_REMOVED)
        }
        for fact in context.ledger.facts(Scope(whose, self.id), FactKind.SECRET_INTENT):
            if fact.subject in removed or context.age(_asked_at(fact, now)) > _SPREADING:
                continue
            if fact.subject not in visible:
                return "a secret that was asked for moments ago may still appear"
            if current and current.marker == fact.subject and not is_proven:
                return "the new secret is not known everywhere yet"
        return ""

    def plan(self, findings: SecretFindings) -> tuple[Change, ...]:
        """Remove orphans and expired secrets of ours, then make one where none works for long.

        A secret that ends soon stays until it has ended: Codat uses it until the next is saved.
        """
        if findings.off is not None:
            # Nothing can be proven while it is off, and what Codat uses has to stay.
            return (reactivate(findings.account, findings.off),)
        changes = [
            removal(one, "nobody has its value") for one in findings.credentials if one.is_orphan
        ]
        changes += [
            removal(one, "it has expired")
            for one in findings.credentials
            if one.seen.key_id in findings.ended
        ]
        forgotten = [
            Change(
                FORGET,
                "forget a value whose secret is gone from the application",
                (Row("Value in the secret store", marker, ""),),
                subject=marker,
                action="delete",
            )
            for marker in findings.gone
        ]
        if findings.current is not None and not findings.is_proven:
            # Refused for whatever reason: making another one by itself could go on for ever.
            assert findings.proof is not None
            refused = _replace if aadsts.refuses_secret(findings.proof.code) else _see_to
            return (*forgotten, *changes, refused(findings))
        if findings.current is not None and not findings.is_ending:
            return (*forgotten, *changes)
        taken = len(findings.credentials) - len(changes)
        if taken >= MAX_SECRETS:
            return (*forgotten, *changes, _free_a_place(findings))
        title = "make a client secret and store it"
        if findings.current is not None:
            title = "make the next client secret and store it: the current one ends soon"
        return (*forgotten, *changes, addition(findings, title))

    async def apply(self, context: Context, findings: SecretFindings, change: Change) -> bool:
        """Make and store a secret, or remove one of ours, or what is left of it."""
        if change.key == ADD:
            await self._add(context, findings)
            return True
        if change.key == FORGET:
            await forget_value(context, findings.application.app_id, change.subject)
            self._record(context, FactKind.SECRET_REMOVED, change.subject, "done", {})
            return True
        await context.graph.remove_password(findings.application.id, change.subject)
        for one in findings.credentials:
            if one.seen.key_id == change.subject:
                self._record(context, FactKind.SECRET_REMOVED, one.marker, "done", {})
                await forget_value(context, findings.application.app_id, one.marker)
        return True

    async def _add(self, context: Context, findings: SecretFindings) -> None:
        days = findings.lifetime_days
        asked = context.graph.now
        ends = asked + timedelta(days=days)
        if findings.longest_days == days:
            ends -= _POLICY_MARGIN
        # A store that cannot keep the value must show before there is a value to lose.
        await context.store.probe(ends=ends)
        marker = random.token_hex(4)
        identity = await context.graph.identity()
        intent = {"ends": ends.isoformat(), "asked": asked.isoformat(), "identity": identity}
        self._record(context, FactKind.SECRET_INTENT, marker, "intended", intent)
        description = f"{findings.description} (bcrunbook {marker})"
        try:
            made = await context.graph.add_password(findings.application.id, description, ends)
        except AnswerLost:
            raise
        except RunbookError as refusal:
            # Certainly not made: nobody has to wait for it to appear.
            self._record(
                context, FactKind.SECRET_REMOVED, marker, "observed", {"why": refusal.what}
            )
            if refusal.code == _FORBIDDEN:
                refusal.next += f": add {findings.application.app_id}"
            raise
        name = name_in_store(context.account, findings.application.app_id, marker)
        try:
            reference = await context.store.put(name, made.value, ends=made.ends or ends)
        except AskAdministrator as refusal:
            lost = "the secret that was made, and that nobody has now, goes with the next run"
            refusal.why = "; ".join(filter(None, (refusal.why, lost)))
            raise
        self._record(
            context,
            FactKind.SECRET_STORED,
            marker,
            "done",
            {
                "key_id": made.key_id,
                "reference": str(reference),
                "ends": (made.ends or ends).isoformat(),
                "client_id": findings.application.app_id,
            },
        )
        await self._wait_until_it_works(context, findings.application.app_id, made.value)

    async def _wait_until_it_works(self, context: Context, client_id: str, value: Secret) -> None:
        """Ask Entra for a token until it gives one; the next look says whether it did."""
        tenant = (await context.sign_in.graph()).tenant
        for pause in _WORKING.pauses():
            await context.cloud.pace.sleep(pause)
            refusal = await prove_client_secret(
                context.http, tenant=tenant, client_id=client_id, secret=value
            )
            if refusal is None:
                return

    def _record(
        self, context: Context, kind: str, marker: str, basis: Basis, data: dict[str, str]
    ) -> None:
        scope = Scope(context.identity, self.id)
        context.ledger.record(scope, kind, marker, basis, {**data, **so_far()})

    def hand_off(self, findings: SecretFindings, change: Change, error: RunbookError) -> Change:
        """Making the secret, or removing one, for somebody who may."""
        there = (
            "In the Azure portal open App registrations and the application below, then"
            " Certificates & secrets."
        )
        about: tuple[tuple[str, str], ...] = (("Client ID", findings.application.app_id),)
        if change.key == REMOVE:
            about = (*about, ("Secret ID", change.subject))
            delete = f"Delete the secret with Secret ID {change.subject}, and no other."
            return hand_off_to_portal(
                change, error, findings.account, actions=(there, delete), values=about
            )
        return hand_off_to_portal(
            change,
            error,
            findings.account,
            actions=(
                there,
                f"New client secret. Description: {findings.description}. Expires:"
                f" {findings.lifetime_days} days. Then Add.",
                "Copy the Value (not the Secret ID) into your own password manager at once: it is"
                " shown this once.",
            ),
            values=about,
        )


def _see_to(findings: SecretFindings) -> Change:
    """What Entra refuses is not the secret: whoever replaced it would lose a good one."""
    assert findings.current is not None and findings.proof is not None
    proof = findings.proof
    return hand_off_to_portal(
        Change(
            "see_to_refusal",
            "see to why Entra refuses the application",
            subject=findings.application.app_id,
            action="update",
        ),
        proof,
        findings.account,
        actions=(
            f"Entra refuses the application, whatever its secret: {proof.why or proof.what}. The"
            " stored secret may be good: leave it where it is.",
            f"{proof.next[0].upper()}{proof.next[1:]}. Then run this step again.",
        ),
        values=(
            ("Client ID", findings.application.app_id),
            *((label, text) for label, text in (("Refused with", proof.code),) if text),
        ),
    )


def _replace(findings: SecretFindings) -> Change:
    assert findings.current is not None and findings.proof is not None
    seen = findings.current.seen
    return hand_off_to_portal(
        Change(
            "replace_secret",
            "replace the secret that Entra refuses",
            subject=seen.key_id,
            action="update",
        ),
        findings.proof,
        findings.account,
        actions=(
            f"Entra refuses the stored secret: {findings.proof.why or findings.proof.what}",
            "If the value is wrong: in the Azure portal open the application, Certificates &"
            f" secrets, delete the secret with Secret ID {seen.key_id}, and run this step again:"
            " it makes a new one.",
        ),
        values=(("Client ID", findings.application.app_id), ("Secret ID", seen.key_id)),
    )


def _free_a_place(findings: SecretFindings) -> Change:
    others = ", ".join(
        f"{one.seen.display_name or 'without a description'} (Secret ID {one.seen.key_id})"
        for one in findings.credentials
    )
    error = FixInput("two secrets are there", who="an owner of the application")
    return hand_off_to_portal(
        Change(
            "free_a_place",
            f"remove one of the {MAX_SECRETS} secrets that are there",
            action="delete",
        ),
        error,
        findings.account,
        actions=(
            f"The application holds {MAX_SECRETS} secrets, the most it may, and "
            + ("none of them is ours" if findings.current is None else "ours ends soon")
            + f": {others}.",
            "Find out which one nobody uses. In the Azure portal open the application,"
            " Certificates & secrets, and delete it. Then run this step again.",
        ),
        values=(("Client ID", findings.application.app_id),),
    )


def addition(findings: SecretFindings, title: str) -> Change:
    """Making a secret and storing it.

    Args:
        findings: what was seen.
        title: the change's title.
    """
    days = findings.lifetime_days
    ends = findings.now + timedelta(days=days)
    rows = (
        Row("Description", "", findings.description, "displayName"),
        Row("Lifetime", "", f"{days} days", f"endDateTime: {ends:%Y-%m-%d}"),
        Row("Value", "", f"kept in the secret store {findings.account.secret_store}"),
    )
    return Change(ADD, title, rows, action="create")


def removal(one: SecretCredential, why: str) -> Change:
    """Removing a secret of ours.

    Args:
        one: the secret.
        why: the reason, as the title ends.
    """
    return Change(
        REMOVE,
        f"remove a secret of ours: {why}",
        (Row("Secret", one.seen.display_name or one.seen.key_id, ""),),
        subject=one.seen.key_id,
        action="delete",
    )


def _asked_at(fact: Fact, now: datetime) -> datetime:
    """When a secret was asked for, by our clock: so long ago as by Microsoft Graph's.

    One from the future was asked for before a clock was set back, and is no news either.
    """
    asked = fact.data.get("asked")
    at = datetime.fromisoformat(asked) if asked else fact.at
    return dates.now() - abs(now - at)
