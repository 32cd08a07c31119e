"""The `scope` parameter: which permissions of which one resource, and what is consented.

Source: Entra docs, "Scopes and permissions in the Microsoft identity platform".
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

from bcrunbook.rehearsal import first_party_apps, world
from bcrunbook.rehearsal.cloud import RehearsalCloud
from bcrunbook.rehearsal.directory import find_resource, granted_scopes
from bcrunbook.rehearsal.entra.clients import Client
from bcrunbook.rehearsal.entra.errors import SignInError, missing
from bcrunbook.rehearsal.state import Document

DEFAULT: Final = ".default"
GRAPH_URI: Final = "https://graph.microsoft.com"


@dataclass(frozen=True)
class RequestedScopes:
    """A parsed scope parameter. `resource` is the audience in the caller's own spelling."""

    resource: str
    scopes: tuple[str, ...]
    default: bool
    oidc: tuple[str, ...]
    prefixed: bool


def parse(text: str) -> RequestedScopes:
    """Take a scope parameter apart; it may name one resource only."""
    if not text.strip():
        raise missing("scope")
    oidc: list[str] = []
    named: list[tuple[str, str]] = []
    prefixed = False
    for part in text.split():
        if part.lower() in first_party_apps.OIDC_SCOPES:
            oidc.append(part.lower())
        elif "/" in part:
            resource, _, value = part.rpartition("/")
            named.append((resource, value))
            prefixed = True
        else:
            named.append((GRAPH_URI, part))
    resources = {resource.lower().rstrip("/") for resource, _ in named}
    if len(resources) > 1:
        raise SignInError(
            28000,
            "invalid_request",
            "Provided value for the input parameter scope is not valid because it contains more "
            f"than one resource. Scope {text} is not valid.",
        )
    values = tuple(value for _, value in named)
    default = DEFAULT in values
    if default and len(set(values)) > 1:
        raise SignInError(
            70011,
            "invalid_scope",
            f"The provided request must include a 'scope' input parameter. The provided value for "
            f"the input parameter 'scope' is not valid. The scope {text} is not valid. .default "
            "scope can't be combined with resource-specific scopes.",
        )
    return RequestedScopes(
        resource=named[0][0] if named else GRAPH_URI,
        scopes=() if default else values,
        default=default,
        oidc=tuple(dict.fromkeys(oidc)),
        prefixed=prefixed,
    )


def of_resource(resource: str) -> RequestedScopes:
    """What a v1 request means by `resource`: everything that is consented there."""
    return RequestedScopes(resource, (), True, ("openid", "profile", "offline_access"), False)


def resource_principal(cloud: RehearsalCloud, tenant: world.Tenant, name: str) -> Document:
    """The resource's principal in a directory."""
    principal = find_resource(cloud, tenant.id, name)
    if principal is None:
        raise SignInError(
            500011,
            "invalid_resource",
            f"The resource principal named {name} was not found in the tenant named "
            f"{tenant.name}. This can happen if the application has not been installed by the "
            "administrator of the tenant or consented to by any user in the tenant. You might "
            "have sent your authentication request to the wrong tenant.",
        )
    return principal


def check_known(requested: RequestedScopes, client: Client, resource: Document) -> tuple[str, ...]:
    """The asked scopes in the resource's own spelling; one that it does not have is an error."""
    known = {scope["value"].lower(): scope["value"] for scope in resource["oauth2PermissionScopes"]}
    for value in requested.scopes:
        if value.lower() not in known:
            raise SignInError(
                650053,
                "invalid_client",
                f"The application '{client.name}' asked for scope '{value}' that doesn't exist on "
                f"the resource '{resource['appId']}'. Contact the app vendor.",
                status=400,
            )
    return tuple(dict.fromkeys(known[value.lower()] for value in requested.scopes))


def consented(
    cloud: RehearsalCloud,
    client: Client,
    principal: Document | None,
    resource: Document,
    user: world.User,
) -> list[str]:
    """Every delegated permission the client may use on a resource for a person."""
    if client.first_party is not None and client.first_party.preauthorised:
        return list(dict(client.first_party.preauthorised).get(resource["appId"], ()))
    if principal is None:
        return []
    return granted_scopes(cloud, user.tenant, principal["id"], resource["id"], user.oid)


def configured(client: Client, resource: Document) -> tuple[str, ...]:
    """The delegated permissions that the registration lists for a resource (`.default`)."""
    ids = {
        access["id"]
        for required in client.document.get("requiredResourceAccess", ())
        if required["resourceAppId"] == resource["appId"]
        for access in required["resourceAccess"]
        if access["type"] == "Scope"
    }
    return tuple(
        scope["value"] for scope in resource["oauth2PermissionScopes"] if scope["id"] in ids
    )


def unconsented(
    cloud: RehearsalCloud,
    client: Client,
    principal: Document | None,
    requested: RequestedScopes,
    resource: Document,
    user: world.User,
) -> tuple[str, ...]:
    """The asked permissions that nobody has consented to yet."""
    asked = check_known(requested, client, resource)
    held = consented(cloud, client, principal, resource, user)
    lacking = tuple(value for value in asked if value not in held)
    if requested.default and not held:
        lacking = configured(client, resource)
        if not lacking and client.registered is not None:
            raise SignInError(
                650057,
                "invalid_resource",
                "Invalid resource. The client has requested access to a resource which is not "
                "listed in the requested permissions in the client's application registration. "
                f"Client app ID: {client.app_id}({client.name}). Resource value from request: "
                f"{requested.resource}.",
            )
        if not lacking and client.first_party is not None and not client.first_party.preauthorised:
            return ("User.Read",)
    if lacking and client.first_party is not None and client.first_party.preauthorised:
        raise not_preauthorised(client, resource)
    if requested.default and not held and not lacking:
        raise not_preauthorised(client, resource)
    return lacking


def not_preauthorised(client: Client, resource: Document) -> SignInError:
    """One of Microsoft's own clients asks for more than its fixed list."""
    return SignInError(
        65002,
        "invalid_client",
        "Consent between first party application "
        f"'{client.app_id}' and first party resource '{resource['appId']}' must be configured via "
        "preauthorization - applications owned and operated by Microsoft must get approval from "
        "the API owner before requesting tokens for that API.",
        status=400,
    )


def not_consented(client: Client) -> SignInError:
    """Somebody has to consent, interactively."""
    return SignInError(
        65001,
        "invalid_grant",
        "The user or administrator has not consented to use the application with ID "
        f"'{client.app_id}' named '{client.name}'. Send an interactive authorization request for "
        "this user and resource.",
        suberror="consent_required",
    )
