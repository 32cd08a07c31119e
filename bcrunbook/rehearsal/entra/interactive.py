"""What the authorize page and the device page share: sign in, then consent where it is missing.

A visit is: name and password; if a permission is missing, either the question (to somebody who may
answer it) or the news that an administrator is needed; then the person and the consent are there.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Final

from bcrunbook.rehearsal import world
from bcrunbook.rehearsal.cloud import RehearsalCloud
from bcrunbook.rehearsal.directory import (
    GRANT,
    SERVICE_PRINCIPAL,
    Registered,
    find_principal,
    first_party_principal,
    grant_id,
    new_service_principal,
    put_grant,
)
from bcrunbook.rehearsal.entra import people, scopes, tickets
from bcrunbook.rehearsal.entra.authority import Authority
from bcrunbook.rehearsal.entra.clients import Client, service_principal
from bcrunbook.rehearsal.entra.errors import SignInError
from bcrunbook.rehearsal.entra.pages import consent_page, hidden, sign_in_page
from bcrunbook.rehearsal.entra.token_endpoint import checked_user
from bcrunbook.rehearsal.messages import Answer
from bcrunbook.rehearsal.state import Document

CONSENTING_ROLES: Final = (
    world.GLOBAL_ADMINISTRATOR,
    world.PRIVILEGED_ROLE_ADMINISTRATOR,
    world.APPLICATION_ADMINISTRATOR,
    world.CLOUD_APPLICATION_ADMINISTRATOR,
)
PAGE_FIELDS: Final = ("username", "password", "ticket", "decision", "organization")
OWN_ERRORS: Final = (50034, 50126)
"""Slips that a person can mend on the sign-in page itself."""


@dataclass(frozen=True)
class Visit:
    """One stop on the way: where forms go, and everything posted so far."""

    action: str
    fields: Mapping[str, str]

    @property
    def carried(self) -> dict[str, str]:
        """The fields of the request itself, without those of the pages."""
        return {name: value for name, value in self.fields.items() if name not in PAGE_FIELDS}


def may_consent(user: world.User) -> bool:
    """Whether a person may consent for the whole organisation."""
    return any(role in CONSENTING_ROLES for role in user.roles)


def ask(
    authority: Authority, client: Client, visit: Visit, *, hint: str = "", problem: str = ""
) -> Answer:
    """The sign-in page.

    Args:
        authority: where somebody signs in.
        client: the application that they sign in to.
        visit: what brought them here.
        hint: the user name that is expected.
        problem: why they are asked again.
    """
    return sign_in_page(
        visit.action,
        visit.carried,
        client.name,
        people=people.offered(authority, visit.action, hidden(visit.carried)),
        hint=hint,
        problem=problem,
    )


def signed_in(
    cloud: RehearsalCloud,
    authority: Authority,
    client: Client,
    requested: scopes.RequestedScopes,
    visit: Visit,
) -> world.User | Answer:
    """The person once signed in and consented, or the next page to show."""
    fields = visit.fields
    user = tickets.holder(fields["ticket"]) if fields.get("ticket") else None
    if user is None:
        if not fields.get("username"):
            return ask(authority, client, visit, hint=fields.get("login_hint", ""))
        try:
            user = checked_user(cloud, authority, fields["username"], fields.get("password", ""))
        except SignInError as problem:
            if problem.code not in OWN_ERRORS:
                raise
            return ask(
                authority,
                client,
                visit,
                hint=fields["username"],
                problem=f"AADSTS{problem.code}: {problem.message}",
            )
    tenant = world.TENANTS[user.tenant]
    principal = service_principal(cloud, client, tenant)
    resource = scopes.resource_principal(cloud, tenant, requested.resource)
    lacking = scopes.unconsented(cloud, client, principal, requested, resource, user)
    if not lacking and fields.get("prompt") != "consent":
        return user
    shown = lacking or scopes.check_known(requested, client, resource)
    if fields.get("decision") == "cancel":
        raise SignInError(65004, "access_denied", "User declined to consent to access the app.")
    known = {scope["value"]: scope for scope in resource["oauth2PermissionScopes"]}
    if any(known[value]["type"] == "Admin" for value in lacking) and not may_consent(user):
        raise SignInError(
            90094,
            "access_denied",
            f"Need admin approval. {client.name} needs permission to access resources in your "
            "organization that only an admin can grant. Please ask an admin to grant permission "
            "to this app before you can use it.",
        )
    if fields.get("decision") != "accept":
        return consent_page(
            visit.action,
            {**visit.carried, "ticket": tickets.issue(user)},
            title="Permissions requested",
            application=client.name,
            publisher=publisher_of(client),
            user=user.upn,
            permissions=[(known[value]["userConsentDisplayName"], value) for value in shown],
            whole_organisation=may_consent(user),
        )
    if lacking:
        principal = principal or provision(cloud, client, tenant)
        for_all = fields.get("organization") == "1" and may_consent(user)
        add_grant(
            cloud,
            tenant.id,
            principal,
            resource,
            (*lacking, *requested.oidc) if resource["appId"].startswith("00000003") else lacking,
            principal_id=None if for_all else user.oid,
        )
    return user


def provision(cloud: RehearsalCloud, client: Client, tenant: world.Tenant) -> Document:
    """The client's principal in a directory, made by consenting if it was not there."""
    existing = find_principal(cloud, tenant.id, client.app_id)
    if existing is not None:
        return existing
    if client.first_party is not None:
        document = first_party_principal(tenant.id, client.first_party)
    else:
        if client.registered is None:
            raise LookupError("a client is registered or one of Microsoft's own")
        document = _principal_of(cloud, client.registered)
    cloud.store.put(SERVICE_PRINCIPAL, tenant.id, document["id"], document)
    return document


def add_grant(
    cloud: RehearsalCloud,
    tenant: str,
    principal: Document,
    resource: Document,
    added: tuple[str, ...],
    *,
    principal_id: str | None,
) -> None:
    """Add delegated permissions to whatever is granted between the same parties."""
    key = grant_id(principal["id"], resource["id"], principal_id)
    existing = cloud.store.latest(GRANT, tenant, key)
    held = (existing["scope"] or "").split() if existing else []
    put_grant(
        cloud,
        tenant,
        principal["id"],
        resource["id"],
        dict.fromkeys((*held, *added)),
        principal_id,
    )


def publisher_of(client: Client) -> str:
    """Who stands behind an application, as a consent page says it."""
    if client.first_party is not None:
        return "Microsoft Corporation"
    verified = client.document["verifiedPublisher"]["displayName"]
    return str(verified) if verified else f"{client.document['publisherDomain']} (unverified)"


def _principal_of(cloud: RehearsalCloud, registered: Registered) -> Document:
    return {
        **new_service_principal(cloud, registered, key=cloud.ids.draw(), creator=None),
        "tags": ["WindowsAzureActiveDirectoryIntegratedApp"],
    }
