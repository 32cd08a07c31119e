"""The admin consent pages: an administrator accepts for the whole organisation.

Source: Entra docs, "Admin consent on the Microsoft identity platform". The short form consents to
everything the registration lists; the v2.0 form to the scopes it names. Success and failure both
travel to the registered redirect address, and both say `admin_consent=True`.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from bcrunbook.rehearsal import first_party_apps, world
from bcrunbook.rehearsal.cloud import RehearsalCloud
from bcrunbook.rehearsal.directory import (
    ASSIGNMENT,
    find_principal,
    find_resource,
    put_assignment,
)
from bcrunbook.rehearsal.entra import interactive, scopes, tickets
from bcrunbook.rehearsal.entra.authority import COMMON, Authority, find_authority
from bcrunbook.rehearsal.entra.authorize import wrong_redirect
from bcrunbook.rehearsal.entra.clients import Client, find_client
from bcrunbook.rehearsal.entra.errors import SignInError, correlation_id, described, missing
from bcrunbook.rehearsal.entra.pages import (
    browser_path,
    consent_page,
    message_page,
)
from bcrunbook.rehearsal.entra.token_endpoint import checked_user
from bcrunbook.rehearsal.messages import Answer, Call, redirect, with_query
from bcrunbook.rehearsal.state import Document


@dataclass(frozen=True)
class Asked:
    """The permissions of one resource that the page is about."""

    resource: Document
    scopes: tuple[str, ...]
    roles: tuple[str, ...]


def answer(cloud: RehearsalCloud, name: str, call: Call, version: int) -> Answer:
    """Serve one stop of an admin consent."""
    fields = {**call.params, **(call.form if call.method == "POST" else {})}
    try:
        if name.lower() == COMMON and version == 2:
            raise SignInError(
                90130,
                "invalid_request",
                "Application cannot be used over the /common endpoint for admin consent. Use a "
                "tenant-specific endpoint.",
            )
        authority = find_authority(name)
        client = find_client(cloud, fields.get("client_id", ""), authority)
        target = _target(client, fields)
        if version == 2 and not fields.get("scope"):
            raise missing("scope")
    except SignInError as problem:
        return _error_page(problem)
    try:
        return _consent(cloud, authority, client, target, fields, call, version)
    except SignInError as problem:
        if not target or problem.code == 50020:
            return _error_page(problem)
        details = described(problem, correlation_id(call))
        values = {
            "admin_consent": "True",
            "error": problem.error,
            "error_description": details["error_description"],
        }
        return redirect(with_query(target, _with_state(fields, values)))


def _consent(
    cloud: RehearsalCloud,
    authority: Authority,
    client: Client,
    target: str,
    fields: Mapping[str, str],
    call: Call,
    version: int,
) -> Answer:
    visit = interactive.Visit(browser_path(cloud, call), fields)
    user = tickets.holder(fields["ticket"]) if fields.get("ticket") else None
    if user is None:
        if not fields.get("username"):
            return interactive.ask(authority, client, visit)
        try:
            user = checked_user(cloud, authority, fields["username"], fields.get("password", ""))
        except SignInError as problem:
            if problem.code not in interactive.OWN_ERRORS:
                raise
            return interactive.ask(
                authority,
                client,
                visit,
                hint=fields["username"],
                problem=f"AADSTS{problem.code}: {problem.message}",
            )
    tenant = world.TENANTS[user.tenant]
    if fields.get("decision") == "cancel":
        raise SignInError(
            65004,
            "access_denied",
            "The resource owner or authorization server denied the request.",
        )
    if not interactive.may_consent(user):
        return message_page(
            "Need admin approval",
            f"AADSTS90095: {client.name} needs permission to access resources in your "
            "organization that only an admin can grant. Please ask an admin to grant permission "
            "to this app before you can use it.",
            status=403,
            problem=True,
        )
    asked = _asked(cloud, client, tenant, fields, version)
    if fields.get("decision") != "accept":
        return consent_page(
            visit.action,
            {**visit.carried, "ticket": tickets.issue(user)},
            title="Permissions requested. Review for your organization",
            application=client.name,
            publisher=interactive.publisher_of(client),
            user=user.upn,
            permissions=_described(asked),
        )
    _grant(cloud, client, tenant, asked)
    values = {"admin_consent": "True", "tenant": tenant.id}
    if version == 2:
        values["scope"] = " ".join(
            f"{_name_of(item.resource)}/{scope}" for item in asked for scope in item.scopes
        )
    if not target:
        return message_page("Consent granted", f"{client.name} may now be used in {tenant.name}.")
    return redirect(with_query(target, _with_state(fields, values)))


def _asked(
    cloud: RehearsalCloud,
    client: Client,
    tenant: world.Tenant,
    fields: Mapping[str, str],
    version: int,
) -> list[Asked]:
    if version == 2:
        requested = scopes.parse(fields["scope"])
        resource = scopes.resource_principal(cloud, tenant, requested.resource)
        if not requested.default:
            values = scopes.check_known(requested, client, resource)
            oidc = requested.oidc if resource["appId"] == first_party_apps.GRAPH_APP_ID else ()
            return [Asked(resource, (*values, *oidc), ())]
    result = []
    for required in client.document.get("requiredResourceAccess", ()):
        found = find_resource(cloud, tenant.id, required["resourceAppId"])
        if found is None:
            raise SignInError(
                650052,
                "invalid_resource",
                f"The app is trying to access a service '{required['resourceAppId']}' that your "
                f"organization '{tenant.name}' lacks a service principal for. Contact your IT "
                "Admin to review the configuration of your service subscriptions.",
            )
        if version == 2 and found["id"] != resource["id"]:
            continue
        result.append(_configured(client, required, found))
    if not result:
        raise SignInError(
            650056,
            "invalid_client",
            "Misconfigured application. This could be due to one of the following: the client has "
            "not listed any permissions for the resource in the requested permissions in the "
            f"client's application registration. Client app ID: {client.app_id}.",
        )
    return result


def _configured(client: Client, required: Document, resource: Document) -> Asked:
    known_scopes = {scope["id"]: scope["value"] for scope in resource["oauth2PermissionScopes"]}
    known_roles = {role["id"] for role in resource["appRoles"]}
    asked_scopes, asked_roles = [], []
    for access in required["resourceAccess"]:
        if access["type"] == "Scope" and access["id"] in known_scopes:
            asked_scopes.append(known_scopes[access["id"]])
        elif access["type"] == "Role" and access["id"] in known_roles:
            asked_roles.append(access["id"])
        else:
            # One wrong id spoils the consent as a whole.
            raise SignInError(
                65005,
                "invalid_resource",
                f"The application '{client.app_id}' asked for permission '{access['id']}' of type "
                f"'{access['type']}' that doesn't exist on the resource '{resource['appId']}'.",
            )
    return Asked(resource, tuple(asked_scopes), tuple(asked_roles))


def _grant(cloud: RehearsalCloud, client: Client, tenant: world.Tenant, asked: list[Asked]) -> None:
    principal = find_principal(cloud, tenant.id, client.app_id) or interactive.provision(
        cloud, client, tenant
    )
    for item in asked:
        if item.scopes:
            interactive.add_grant(
                cloud, tenant.id, principal, item.resource, item.scopes, principal_id=None
            )
        held = {
            assignment["appRoleId"]
            for _, assignment in cloud.store.all_latest(ASSIGNMENT, tenant.id)
            if assignment["principalId"] == principal["id"]
            and assignment["resourceId"] == item.resource["id"]
        }
        for role in item.roles:
            if role not in held:
                put_assignment(cloud, tenant.id, principal, item.resource, role)


def _described(asked: list[Asked]) -> list[tuple[str, str]]:
    result = []
    for item in asked:
        for scope in item.resource["oauth2PermissionScopes"]:
            if scope["value"] in item.scopes:
                text = f"{scope['adminConsentDisplayName']} ({item.resource['displayName']})"
                result.append((text, scope["value"]))
        for role in item.resource["appRoles"]:
            if role["id"] in item.roles:
                text = f"{role['displayName']} ({item.resource['displayName']})"
                result.append((text, role["value"]))
    return result


def _name_of(resource: Document) -> str:
    names = [name for name in resource["servicePrincipalNames"] if "://" in name]
    return str(names[0]) if names else str(resource["appId"])


def _target(client: Client, fields: Mapping[str, str]) -> str:
    given = fields.get("redirect_uri", "")
    if not given:
        known = client.redirects("web")
        return known[0] if known else ""
    if client.platform_of(given) is None:
        raise wrong_redirect(client, given)
    return given


def _with_state(fields: Mapping[str, str], values: dict[str, str]) -> dict[str, str]:
    return {**values, "state": fields["state"]} if "state" in fields else values


def _error_page(problem: SignInError) -> Answer:
    text = f"AADSTS{problem.code}: {problem.message}"
    return message_page("Sorry, we could not sign you in", text, status=400, problem=True)
