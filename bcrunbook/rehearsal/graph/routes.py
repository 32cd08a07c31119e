"""Which handler serves which address and method.

In a pattern `{}` is an id, or, where the resource has alternate keys, a key in parentheses.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from bcrunbook.rehearsal.directory import APPLICATION, SERVICE_PRINCIPAL
from bcrunbook.rehearsal.graph import applications, directory_objects, grants, owners, principals
from bcrunbook.rehearsal.messages import Answer

Handler = Callable[..., Answer]

_OWNED: dict[str, dict[str, Any]] = {
    f"{name}{{}}/owners{tail}": methods
    for name, kind in (("applications/", APPLICATION), ("servicePrincipals/", SERVICE_PRINCIPAL))
    for tail, methods in (
        ("", {"GET": owners.listing(kind)}),
        ("/$ref", {"GET": owners.references(kind), "POST": owners.adding(kind)}),
        ("/{}/$ref", {"DELETE": owners.removing(kind)}),
    )
}

ROUTES: dict[str, dict[str, Handler]] = {
    "me": {"GET": directory_objects.me},
    "me/memberOf": {"GET": directory_objects.my_roles},
    "me/transitiveMemberOf": {"GET": directory_objects.my_roles},
    "me/userinfo": {"GET": directory_objects.user_info},
    "users": {"GET": directory_objects.users},
    "users/{}": {"GET": directory_objects.user},
    "organization": {"GET": directory_objects.organizations},
    "organization/{}": {"GET": directory_objects.organization},
    "domains": {"GET": directory_objects.domains},
    "directoryRoles": {"GET": directory_objects.directory_roles},
    "directoryObjects/{}": {"GET": directory_objects.directory_object},
    "policies/defaultAppManagementPolicy": {"GET": directory_objects.default_policy},
    "policies/appManagementPolicies": {"GET": directory_objects.policies},
    "directory/deletedItems/application": {"GET": directory_objects.deleted_applications},
    "directory/deletedItems/servicePrincipal": {"GET": directory_objects.deleted_principals},
    "directory/deletedItems/{}": {
        "GET": directory_objects.deleted_item,
        "DELETE": directory_objects.purge,
    },
    "directory/deletedItems/{}/application": {"GET": directory_objects.deleted_item},
    "directory/deletedItems/{}/servicePrincipal": {"GET": directory_objects.deleted_item},
    "directory/deletedItems/{}/restore": {"POST": directory_objects.restore},
    "applications": {"GET": applications.list_all, "POST": applications.create},
    "applications/{}": {
        "GET": applications.get,
        "PATCH": applications.change,
        "DELETE": applications.delete,
    },
    "applications/{}/addPassword": {"POST": applications.add_password},
    "applications/{}/removePassword": {"POST": applications.remove_password},
    "applications/{}/setVerifiedPublisher": {"POST": applications.set_verified_publisher},
    "applications/{}/unsetVerifiedPublisher": {"POST": applications.unset_verified_publisher},
    "applications/{}/restore": {"POST": directory_objects.restore},
    "applications/{}/federatedIdentityCredentials": {
        "GET": applications.federated_credentials,
        "POST": applications.add_federated_credential,
    },
    "applications/{}/federatedIdentityCredentials/{}": {
        "DELETE": applications.remove_federated_credential,
    },
    "servicePrincipals": {"GET": principals.list_all, "POST": principals.create},
    "servicePrincipals/{}": {
        "GET": principals.get,
        "PATCH": principals.change,
        "DELETE": principals.delete,
    },
    "servicePrincipals/{}/oauth2PermissionGrants": {"GET": grants.of_principal},
    "servicePrincipals/{}/appRoleAssignments": {
        "GET": grants.assignments("principalId"),
        "POST": grants.assign("principalId"),
    },
    "servicePrincipals/{}/appRoleAssignments/{}": {"DELETE": grants.unassign},
    "servicePrincipals/{}/appRoleAssignedTo": {
        "GET": grants.assignments("resourceId"),
        "POST": grants.assign("resourceId"),
    },
    "servicePrincipals/{}/appRoleAssignedTo/{}": {"DELETE": grants.unassign},
    "oauth2PermissionGrants": {"GET": grants.list_all, "POST": grants.create},
    "oauth2PermissionGrants/{}": {
        "GET": grants.get,
        "PATCH": grants.change,
        "DELETE": grants.delete,
    },
    **_OWNED,
}

COUNTED = ("applications", "servicePrincipals", "users")
"""Collections that have a `$count` segment."""

ALTERNATE_KEYS = {
    "applications": ("appId", "uniqueName"),
    "servicePrincipals": ("appId",),
}
