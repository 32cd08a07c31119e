"""What a look at an account that is retired shows."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime
from typing import Final

from bcrunbook.core.step import Comparison, Finding, Observation
from bcrunbook.services.graph.models import Application, Grant, ServicePrincipal
from bcrunbook.services.wire import Seen
from bcrunbook.steps import codat_portal
from bcrunbook.steps.client_secret.findings import SecretCredential
from bcrunbook.steps.codat_portal import PortalFindings
from bcrunbook.steps.requirements import REDIRECT_URI, SCOPES
from bcrunbook.steps.retire_account.deleted import restorable_until
from bcrunbook.steps.retire_request import RetireRequest

_GRAPH: Final = "Microsoft Graph"


@dataclass(frozen=True)
class LinkedCompany:
    """A company in the instance through which Codat reads, or may come to read.

    Args:
        name: its name.
        customer: the customer's key in its tag; empty where it is not this account's.
    """

    name: str
    customer: str


@dataclass(frozen=True)
class RetireAccountFindings(PortalFindings):
    """What the step saw.

    Args:
        asked: what somebody asks for besides.
        linked: companies that still read; unknown without an API key.
        is_handed_over: whether somebody has said that our keys are saved in the portal.
        is_said_off: whether somebody says that the toggle is off, where it cannot be seen.
        application: the application; absent when it is gone.
        is_known: whether this ledger has made or adopted it.
        difference: why it may be somebody else's; empty when it is not.
        principal: its service principal.
        grants: what is granted to it for the whole tenant.
        business_central: the service principal of Business Central, whose permissions are ours.
        credentials: the application's secrets.
        other_credentials: its certificates and federated credentials, in words.
        made_here: markers of the secrets that this ledger has asked for or adopted.
        deleted: the application among the deleted ones; absent where it is not there.
        client_id: its client id; empty where none is known.
        kept: markers of values that the secret store still has.
        trial_of: the accounts that require this one.
        now: the time by Microsoft Graph's clock (UTC).
        seen: what is noted once all is gone.
    """

    asked: RetireRequest
    linked: Seen[tuple[LinkedCompany, ...]]
    is_handed_over: bool
    is_said_off: bool
    application: Seen[Application]
    is_known: bool
    difference: str
    principal: Seen[ServicePrincipal]
    grants: Seen[tuple[Grant, ...]]
    business_central: Seen[ServicePrincipal]
    credentials: tuple[SecretCredential, ...]
    other_credentials: tuple[str, ...]
    made_here: frozenset[str]
    deleted: Seen[Application]
    client_id: str
    kept: tuple[str, ...]
    trial_of: tuple[str, ...]
    now: datetime
    seen: Observation

    @property
    def is_on(self) -> bool:
        """Whether the integration has to be switched off, as far as that is this account's."""
        if not self.is_handed_over:
            return False
        if self.integration.value is not None:
            return self.integration.value.enabled
        return not self.is_said_off

    @property
    def is_named(self) -> bool:
        """Whether somebody asks for the application by its client id."""
        return bool(self.client_id) and self.asked.names(self.client_id)

    @property
    def is_over(self) -> bool:
        """Whether nothing is left of the account."""
        return (
            not self.linked.value
            and not self.is_on
            and self.application.is_absent
            and self.principal.is_absent
            and not self.kept
        )

    @property
    def observations(self) -> tuple[Observation, ...]:
        """That the account is retired, as soon as nothing of it is left."""
        return (self.seen,) if self.is_over else ()

    @property
    def strange(self) -> tuple[str, ...]:
        """What is on the application that is not ours, in words."""
        app = self.application.value
        if app is None:
            return ()
        uris = [one for one in app.web.redirect_uris if one != REDIRECT_URI]
        secrets = [
            f"{one.seen.display_name or 'without a description'} (Secret ID {one.seen.key_id})"
            for one in self.credentials
            if not self.is_ours(one)
        ]
        ours = self.business_central.value.id if self.business_central.value else ""
        granted = [
            scope
            for grant in self.grants.value or ()
            for scope in sorted(grant.scopes)
            if grant.resource_id != ours or scope not in SCOPES
        ]
        signs_in = (self.account.sign_in.client_id or "").lower() == app.app_id.lower()
        return (
            *(["the sign-in of this program"] if signs_in else []),
            *(f"the redirect URI {one}" for one in uris),
            *(f"the secret {one}" for one in secrets),
            *self.other_credentials,
            *(f"the permission {one}, granted for the tenant" for one in granted),
        )

    def is_ours(self, one: SecretCredential) -> bool:
        """Whether a secret was made or adopted here.

        Args:
            one: a secret on the application.
        """
        return bool(one.marker) and one.marker in self.made_here

    def rows(self) -> tuple[Finding, ...]:
        """Customers, toggle, the application with what is on it, and what is kept here."""
        return (
            self._linked_row(),
            self._toggle_row(),
            *self._application_rows(),
            *self._deleted_rows(),
            Finding(
                "Values in the secret store",
                "none",
                ", ".join(f"bcrunbook {marker}" for marker in self.kept) or "none",
                f"secret store {self.account.secret_store}",
                Comparison.DIFFERS if self.kept else Comparison.OK,
                is_yet_to_come=bool(self.kept),
            ),
            *(
                Finding(
                    "Required by",
                    "",
                    name,
                    "accounts.toml",
                    Comparison.NOTE,
                    f"{name} goes on: what {self.account.name} has passed until today counts for"
                    " it, whichever version of the runbook comes.",
                )
                for name in self.trial_of
            ),
        )

    def _linked_row(self) -> Finding:
        linked = self.linked.value
        return Finding(
            "Customers that Codat reads",
            "none",
            self.linked.unknown or ", ".join(one.name for one in linked or ()) or "none",
            "Codat API, companies",
            Comparison.UNKNOWN
            if self.linked.unknown
            else (Comparison.DIFFERS if linked else Comparison.OK),
            is_yet_to_come=bool(linked),
        )

    def _toggle_row(self) -> Finding:
        name, seen = f"{codat_portal.NAME} enabled", self.integration.value
        source = "Codat API, integrations"
        if not self.is_handed_over:
            actual = "left as it is: nobody has said that our keys are in the Codat Portal"
            return Finding(name, "", actual, source, Comparison.NOTE)
        if seen is None:
            actual = "not enabled, as somebody says" if self.is_said_off else "unknown"
            verdict = Comparison.NOTE if self.is_said_off else Comparison.UNKNOWN
            return Finding(name, "not enabled", actual, self.integration.unknown, verdict)
        actual = "enabled" if seen.enabled else "not enabled"
        verdict = Comparison.DIFFERS if seen.enabled else Comparison.OK
        return Finding(
            name, "not enabled", actual, source, verdict, is_yet_to_come=verdict != Comparison.OK
        )

    def _application_rows(self) -> Iterable[Finding]:
        app, source = self.application.value, f"{_GRAPH}, applications"
        if app is None:
            yield Finding("Application", "none", "none", source, Comparison.OK)
            return
        yield Finding(
            "Application",
            "none",
            f"{app.display_name} ({app.app_id})",
            source,
            Comparison.DIFFERS,
            self.difference,
            is_yet_to_come=not self.difference,
        )
        yield Finding(
            "Of others on it",
            "none",
            "; ".join(self.strange) or "none",
            source,
            Comparison.DIFFERS if self.strange else Comparison.OK,
        )

    def _deleted_rows(self) -> Iterable[Finding]:
        if not self.application.is_absent or not self.client_id:
            return
        gone, source = self.deleted.value, f"{_GRAPH}, deleted items"
        if gone is None:
            actual = self.deleted.unknown or "not kept any more: it is gone for good"
            yield Finding("Deleted application", "", actual, source, Comparison.NOTE)
            return
        until = restorable_until(gone)
        day = f" until {until:%Y-%m-%d}" if until else " for 30 days"
        yield Finding(
            "Deleted application",
            "",
            f"{gone.display_name} ({gone.app_id}), can be restored{day}",
            source,
            Comparison.NOTE,
            f"bcrunbook restore {self.account.name}. Until then it keeps its marker.",
        )
