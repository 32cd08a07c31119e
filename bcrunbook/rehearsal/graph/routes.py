"""Which handler serves which address and method.

Source: Graph v1.0 reference of each resource. A parameter is an id, or, where the resource has
alternate keys, a key in brackets.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Final

from bcrunbook.rehearsal.csdl import METADATA
from bcrunbook.rehearsal.directory import APPLICATION, SERVICE_PRINCIPAL
from bcrunbook.rehearsal.graph import (
    app_policies,
    applications,
    batch,
    directory_objects,
    federated,
    grants,
    metadata,
    owners,
    principals,
)
from bcrunbook.rehearsal.messages import Answer
from bcrunbook.rehearsal.routing import Known, Route, Router, at

DOCUMENTED: Final = Known.DOCUMENTED
INFERRED: Final = Known.INFERRED
HOST: Final = "graph.microsoft.com"
BASE: Final = f"https://{HOST}/v1.0"

Handler = Callable[..., Answer]


def _owners(parent: str, kind: str) -> tuple[Route[Handler], ...]:
    return (
        *at(f"{parent}/owners", DOCUMENTED, GET=owners.listing(kind)),
        *at(
            f"{parent}/owners/$ref",
            DOCUMENTED,
            GET=owners.references(kind),
            POST=owners.adding(kind),
        ),
        *at(f"{parent}/owners/{{owner}}/$ref", DOCUMENTED, DELETE=owners.removing(kind)),
    )


_ROUTES: Final[tuple[Route[Handler], ...]] = (
    *at("me", DOCUMENTED, GET=directory_objects.me),
    *at("me/memberOf", DOCUMENTED, GET=directory_objects.my_roles),
    *at("me/transitiveMemberOf", DOCUMENTED, GET=directory_objects.my_roles),
    # Clients ask for it as OPENID has it.
    *at("me/userinfo", INFERRED, GET=directory_objects.user_info),
    *at("users", DOCUMENTED, GET=directory_objects.users),
    *at("users/{user}", DOCUMENTED, GET=directory_objects.user),
    *at("organization", DOCUMENTED, GET=directory_objects.organizations),
    *at("organization/{organization}", DOCUMENTED, GET=directory_objects.organization),
    *at("domains", DOCUMENTED, GET=directory_objects.domains),
    *at("directoryRoles", DOCUMENTED, GET=directory_objects.directory_roles),
    *at("directoryObjects/{object}", DOCUMENTED, GET=directory_objects.directory_object),
    *at("policies/defaultAppManagementPolicy", DOCUMENTED, GET=app_policies.default),
    *at(
        "policies/appManagementPolicies",
        DOCUMENTED,
        GET=app_policies.list_all,
        POST=app_policies.create,
    ),
    *at(
        "policies/appManagementPolicies/{policy}",
        DOCUMENTED,
        GET=app_policies.get,
        DELETE=app_policies.delete,
    ),
    *at(
        "directory/deletedItems/application", DOCUMENTED, GET=directory_objects.deleted_applications
    ),
    *at(
        "directory/deletedItems/servicePrincipal",
        DOCUMENTED,
        GET=directory_objects.deleted_principals,
    ),
    *at(
        "directory/deletedItems/{object}",
        DOCUMENTED,
        GET=directory_objects.deleted_item,
        DELETE=directory_objects.purge,
    ),
    *at(
        "directory/deletedItems/{object}/application",
        DOCUMENTED,
        GET=directory_objects.deleted_item,
    ),
    *at(
        "directory/deletedItems/{object}/servicePrincipal",
        DOCUMENTED,
        GET=directory_objects.deleted_item,
    ),
    *at("directory/deletedItems/{object}/restore", DOCUMENTED, POST=directory_objects.restore),
    *at("applications", DOCUMENTED, GET=applications.list_all, POST=applications.create),
    *at(
        "applications/{application}",
        DOCUMENTED,
        GET=applications.get,
        PATCH=applications.change,
        DELETE=applications.delete,
    ),
    *at("applications/{application}/addPassword", DOCUMENTED, POST=applications.add_password),
    *at("applications/{application}/removePassword", DOCUMENTED, POST=applications.remove_password),
    *at(
        "applications/{application}/setVerifiedPublisher",
        DOCUMENTED,
        POST=applications.set_verified_publisher,
    ),
    *at(
        "applications/{application}/unsetVerifiedPublisher",
        DOCUMENTED,
        POST=applications.unset_verified_publisher,
    ),
    *at(
        "applications/{application}/appManagementPolicies",
        DOCUMENTED,
        GET=app_policies.of_application,
    ),
    *at(
        "applications/{application}/appManagementPolicies/$ref",
        DOCUMENTED,
        POST=app_policies.apply,
    ),
    *at(
        "applications/{application}/appManagementPolicies/{policy}/$ref",
        DOCUMENTED,
        DELETE=app_policies.take_off,
    ),
    *at("applications/{application}/restore", DOCUMENTED, POST=directory_objects.restore),
    *at(
        "applications/{application}/federatedIdentityCredentials",
        DOCUMENTED,
        GET=federated.list_all,
        POST=federated.create,
    ),
    *at(
        "applications/{application}/federatedIdentityCredentials/{credential}",
        DOCUMENTED,
        GET=federated.get,
        PATCH=federated.change,
        DELETE=federated.delete,
    ),
    *at("servicePrincipals", DOCUMENTED, GET=principals.list_all, POST=principals.create),
    *at(
        "servicePrincipals/{principal}",
        DOCUMENTED,
        GET=principals.get,
        PATCH=principals.change,
        DELETE=principals.delete,
    ),
    *at("servicePrincipals/{principal}/addPassword", DOCUMENTED, POST=principals.add_password),
    *at(
        "servicePrincipals/{principal}/removePassword", DOCUMENTED, POST=principals.remove_password
    ),
    *at(
        "servicePrincipals/{principal}/oauth2PermissionGrants", DOCUMENTED, GET=grants.of_principal
    ),
    *at(
        "servicePrincipals/{principal}/appRoleAssignments",
        DOCUMENTED,
        GET=grants.assignments("principalId"),
        POST=grants.assign("principalId"),
    ),
    *at(
        "servicePrincipals/{principal}/appRoleAssignments/{assignment}",
        DOCUMENTED,
        DELETE=grants.unassign,
    ),
    *at(
        "servicePrincipals/{principal}/appRoleAssignedTo",
        DOCUMENTED,
        GET=grants.assignments("resourceId"),
        POST=grants.assign("resourceId"),
    ),
    *at(
        "servicePrincipals/{principal}/appRoleAssignedTo/{assignment}",
        DOCUMENTED,
        DELETE=grants.unassign,
    ),
    *at("oauth2PermissionGrants", DOCUMENTED, GET=grants.list_all, POST=grants.create),
    *at(
        "oauth2PermissionGrants/{grant}",
        DOCUMENTED,
        GET=grants.get,
        PATCH=grants.change,
        DELETE=grants.delete,
    ),
    *_owners("applications/{application}", APPLICATION),
    *_owners("servicePrincipals/{principal}", SERVICE_PRINCIPAL),
)

ALTERNATE_KEYS: Final = {
    "applications": ("appId", "uniqueName"),
    "servicePrincipals": ("appId",),
}

ROUTER: Final = Router(
    BASE,
    _ROUTES,
    folds_case=True,
    note="Below `/beta` the same is answered. A segment may have `microsoft.graph.` before it, as "
    "in `deletedItems/microsoft.graph.application`. Instead of an id there may stand a key in "
    "brackets: "
    + ", ".join(f"`{name}({key}='...')`" for name, keys in ALTERNATE_KEYS.items() for key in keys)
    + ".",
)

COUNTS: Final[Router[Handler]] = Router(
    BASE,
    (
        *at("applications/$count", DOCUMENTED, GET=applications.list_all),
        *at("servicePrincipals/$count", DOCUMENTED, GET=principals.list_all),
        *at("users/$count", DOCUMENTED, GET=directory_objects.users),
    ),
    folds_case=True,
)
"""Collections whose length can be asked for; the handler lists what is counted."""

BATCHES: Final = Router(BASE, at("$batch", DOCUMENTED, POST=batch.run), folds_case=True)

DESCRIPTIONS: Final = Router(
    f"https://{HOST}",
    (
        *at(f"v1.0/{METADATA}", INFERRED, GET=metadata.description),
        *at(f"beta/{METADATA}", INFERRED, GET=metadata.description),
    ),
    folds_case=True,
    note="They need no token.",
)

OPENID: Final[Router[Handler]] = Router(
    f"https://{HOST}",
    at("oidc/userinfo", DOCUMENTED, GET=directory_objects.user_info),
    folds_case=True,
)
"""What has no version before it."""
