"""The reads that steps make of Microsoft Graph: their paths, and how answers become values.

Source: Microsoft Graph v1.0 reference.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, Final, Generic, TypeVar
from urllib.parse import quote

from bcrunbook.services.graph.models import (
    Application,
    Grant,
    GraphObject,
    Organization,
    OtherCredential,
    SecretPolicy,
    ServicePrincipal,
    User,
)

T = TypeVar("T")
G = TypeVar("G", bound=GraphObject)


@dataclass(frozen=True)
class Read(Generic[T]):
    """One read: a path below the base URL, and how its answer becomes a value."""

    path: str
    parse: Callable[[Any], T]


_APPLICATION_FIELDS: Final = (
    "id,appId,displayName,uniqueName,signInAudience,api,web,requiredResourceAccess,"
    "passwordCredentials,tags,createdDateTime,verifiedPublisher,isDisabled,"
    "disabledByMicrosoftStatus"
)


def literal(text: str) -> str:
    """An OData string literal, percent-encoded for a URL."""
    return quote(text.replace("'", "''"), safe="")


def _one(model: type[G]) -> Callable[[Any], G]:
    return model.model_validate


def _first(model: type[G]) -> Callable[[Any], G]:
    return lambda body: model.model_validate(body["value"][0])


def _all(model: type[G]) -> Callable[[Any], tuple[G, ...]]:
    return lambda body: tuple(model.model_validate(one) for one in body["value"])


def organization() -> Read[Organization]:
    """The tenant that the token belongs to."""
    return Read("/organization?$select=id,displayName,verifiedDomains", _first(Organization))


def me() -> Read[User]:
    """The signed-in person; there is no such read for an application's token."""
    return Read("/me?$select=id,displayName,userPrincipalName", _one(User))


def application_named(unique_name: str) -> Read[Application]:
    """The application that bears our own marker."""
    path = f"/applications(uniqueName='{literal(unique_name)}')?$select={_APPLICATION_FIELDS}"
    return Read(path, _one(Application))


def application_with_client_id(client_id: str) -> Read[Application]:
    """The application with this client id (`appId`)."""
    path = f"/applications(appId='{literal(client_id)}')?$select={_APPLICATION_FIELDS}"
    return Read(path, _one(Application))


def applications_tagged(tag: str) -> Read[tuple[Application, ...]]:
    """The applications that carry a tag."""
    path = (
        f"/applications?$filter=tags/any(t:t%20eq%20'{literal(tag)}')&$select={_APPLICATION_FIELDS}"
    )
    return Read(path, _all(Application))


def deleted_applications() -> Read[tuple[Application, ...]]:
    """The applications that were deleted, and are kept for 30 days with all they had."""
    return Read("/directory/deletedItems/graph.application", _all(Application))


def certificates(client_id: str) -> Read[tuple[OtherCredential, ...]]:
    """The certificates of the application with this client id."""
    return Read(
        f"/applications(appId='{literal(client_id)}')?$select=id,keyCredentials",
        lambda body: tuple(map(OtherCredential.model_validate, body["keyCredentials"])),
    )


def federated_credentials(client_id: str) -> Read[tuple[OtherCredential, ...]]:
    """The federated credentials of the application with this client id."""
    return Read(
        f"/applications(appId='{literal(client_id)}')/federatedIdentityCredentials",
        _all(OtherCredential),
    )


def deleted_service_principals() -> Read[tuple[ServicePrincipal, ...]]:
    """The service principals that were deleted, and are kept for 30 days."""
    return Read("/directory/deletedItems/graph.servicePrincipal", _all(ServicePrincipal))


def service_principal(client_id: str) -> Read[ServicePrincipal]:
    """The service principal of an application in this tenant, with the scopes it offers."""
    fields = "id,appId,displayName,accountEnabled,oauth2PermissionScopes"
    return Read(
        f"/servicePrincipals(appId='{literal(client_id)}')?$select={fields}",
        _one(ServicePrincipal),
    )


def tenant_wide_grants(service_principal_id: str) -> Read[tuple[Grant, ...]]:
    """The tenant-wide grants that a service principal (by object id) holds as a client."""
    condition = (
        f"clientId%20eq%20'{literal(service_principal_id)}'"
        "%20and%20consentType%20eq%20'AllPrincipals'"
    )
    return Read(f"/oauth2PermissionGrants?$filter={condition}", _all(Grant))


def secret_policy() -> Read[SecretPolicy]:
    """The tenant's default application management policy."""
    return Read("/policies/defaultAppManagementPolicy", _one(SecretPolicy))
