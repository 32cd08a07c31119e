"""Microsoft's own applications, as far as a rehearsal meets them: ids, permissions, names.

Sources: the Microsoft Graph permissions reference, the published application ids of first-party
applications, and for Business Central a community listing of its service principal. Whether a
delegated permission needs an administrator (`Admin`) or not (`User`) is data here and must be read
by clients; for the two Business Central scopes no public source settles it.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

MICROSOFT_TENANT: Final = "f8cdef31-a31e-4b4a-93e4-5f571e91255a"
"""The organisation that owns Microsoft's own applications."""

GRAPH_APP_ID: Final = "00000003-0000-0000-c000-000000000000"
BUSINESS_CENTRAL_APP_ID: Final = "996def3d-b36c-4153-8607-a6fd3c01b89f"
AZURE_MANAGEMENT_APP_ID: Final = "797f4846-ba00-4fd7-ba43-dac1f8f63013"
KEY_VAULT_APP_ID: Final = "cfa8b339-82a2-471a-a3c9-0fc0be7a4093"
AZURE_CLI_APP_ID: Final = "04b07795-8ddb-461a-bbee-02f9e1bf7b46"
AZURE_POWERSHELL_APP_ID: Final = "1950a258-227b-4e31-a9cf-717495945fc2"
GRAPH_COMMAND_LINE_APP_ID: Final = "14d82eec-204b-4c2f-b7e8-296a70dab67e"

OIDC_SCOPES: Final = ("openid", "profile", "email", "offline_access")


@dataclass(frozen=True)
class Scope:
    """A delegated permission that a resource offers."""

    value: str
    id: str
    admin: bool
    about: str


@dataclass(frozen=True)
class Role:
    """An application permission that a resource offers."""

    value: str
    id: str
    about: str


@dataclass(frozen=True)
class FirstParty:
    """An application of Microsoft's that is present in every tenant unless said otherwise."""

    app_id: str
    name: str
    names: tuple[str, ...] = ()
    scopes: tuple[Scope, ...] = ()
    roles: tuple[Role, ...] = ()
    public_client: bool = False
    preauthorised: tuple[tuple[str, tuple[str, ...]], ...] = ()
    """Resource and the fixed list of its scopes that this client may have without consent."""
    redirect_uris: tuple[str, ...] = ()


_GRAPH_SCOPES: Final = (
    Scope("openid", "37f7f235-527c-4136-accd-4a02d197296e", False, "Sign users in"),
    Scope("profile", "14dad69e-099b-42c9-810b-d002981feec1", False, "View users' basic profile"),
    Scope("email", "64a6cdd6-aab1-4aaf-94b8-3cc8405e90d0", False, "View users' email address"),
    Scope(
        "offline_access",
        "7427e0e9-2fba-42fe-b0c0-848c9e6a8182",
        False,
        "Maintain access to data you have given it access to",
    ),
    Scope(
        "User.Read",
        "e1fe6dd8-ba31-4d61-89e7-88639da4683d",
        False,
        "Sign in and read user profile",
    ),
    Scope(
        "User.ReadWrite",
        "b4e74841-8e56-480b-be8b-910348b18b4c",
        False,
        "Read and update user profile",
    ),
    Scope(
        "User.ReadBasic.All",
        "b340eb25-3456-403f-be2f-af7a0d370277",
        False,
        "Read all users' basic profiles",
    ),
    Scope(
        "User.Read.All",
        "a154be20-db9c-4678-8ab7-66f6cc099a59",
        True,
        "Read all users' full profiles",
    ),
    Scope(
        "User.ReadWrite.All",
        "204e0828-b5ca-4ad8-b9f3-f32a958e7cc4",
        True,
        "Read and write all users' full profiles",
    ),
    Scope("Group.Read.All", "5f8c59db-677d-491f-a6b8-5f174b11ec1d", True, "Read all groups"),
    Scope(
        "Group.ReadWrite.All",
        "4e46008b-f24c-477d-8fff-7bb4ec7aafe0",
        True,
        "Read and write all groups",
    ),
    Scope(
        "Directory.Read.All",
        "06da0dbc-49e2-44d2-8312-53f166ab848a",
        True,
        "Read directory data",
    ),
    Scope(
        "Directory.ReadWrite.All",
        "c5366453-9fb0-48a5-a156-24f0c49a4b84",
        True,
        "Read and write directory data",
    ),
    Scope(
        "Directory.AccessAsUser.All",
        "0e263e50-5827-48a4-b97c-d940288653c7",
        True,
        "Access directory as the signed in user",
    ),
    Scope(
        "Application.Read.All",
        "c79f8feb-a9db-4090-85f9-90d820caa0eb",
        True,
        "Read applications",
    ),
    Scope(
        "Application.ReadWrite.All",
        "bdfbf15f-ee85-4955-8675-146e8e5296b5",
        True,
        "Read and write all applications",
    ),
    Scope(
        "AppRoleAssignment.ReadWrite.All",
        "84bccea3-f856-4a8a-967b-dbe0a3d53a64",
        True,
        "Manage app permission grants and app role assignments",
    ),
    Scope(
        "AuditLog.Read.All",
        "e4c9e354-4dc5-45b8-9e7c-e1393b0b1a20",
        True,
        "Read audit log data",
    ),
    Scope(
        "DelegatedPermissionGrant.ReadWrite.All",
        "41ce6ca6-6826-4807-84f1-1c82854f7ee5",
        True,
        "Manage all delegated permission grants",
    ),
    Scope(
        "Organization.Read.All",
        "4908d5b9-3fb2-4b1e-9336-1888b7937185",
        True,
        "Read organization information",
    ),
    Scope(
        "Policy.Read.All",
        "572fea84-0151-49b2-9301-11cb16974376",
        True,
        "Read your organization's policies",
    ),
    Scope(
        "Policy.ReadWrite.ApplicationConfiguration",
        "b27add92-efb2-4f16-84f5-8108ba77985c",
        True,
        "Read and write your organization's application configuration policies",
    ),
    Scope(
        "Domain.Read.All",
        "2f9ee017-59c1-4f1d-9472-bd5529a7b311",
        True,
        "Read domains",
    ),
    Scope(
        "RoleManagement.Read.Directory",
        "741c54c3-0c1e-44a1-818b-3f97ab4e8c83",
        True,
        "Read directory RBAC settings",
    ),
    Scope(
        "Financials.ReadWrite.All",
        "f534bf13-55d4-45a9-8f3c-c92fe64d6131",
        False,
        "Read and write financials data",
    ),
    Scope("Mail.Read", "570282fd-fa5c-430d-a7fd-fc8dc98a9dca", False, "Read user mail"),
    Scope("Mail.Send", "e383f46e-2787-4529-855e-0e479a3ffac0", False, "Send mail as a user"),
    Scope("Calendars.Read", "465a38f9-76ea-45b9-9f34-9e8b0d4b0b42", False, "Read user calendars"),
    Scope("Files.Read", "10465720-29dd-4523-a11a-6a75c743c9d9", False, "Read user files"),
)

_GRAPH_ROLES: Final = (
    Role("Application.Read.All", "9a5d68dd-52b0-4cc2-bd40-abcf44ac3a30", "Read all applications"),
    Role(
        "Application.ReadWrite.All",
        "1bfefb4e-e0b5-418b-a88f-73c46d2cc8e9",
        "Read and write all applications",
    ),
    Role(
        "Application.ReadWrite.OwnedBy",
        "18a4783c-866b-4cc7-a460-3d5e5662c884",
        "Manage apps that this app creates or owns",
    ),
    Role(
        "AppRoleAssignment.ReadWrite.All",
        "06b708a9-e830-4db3-a914-8e69da51d44f",
        "Manage app permission grants and app role assignments",
    ),
    Role(
        "DelegatedPermissionGrant.ReadWrite.All",
        "8e8e4742-1d95-4f68-9d56-6ee75648c72a",
        "Manage all delegated permission grants",
    ),
    Role("Directory.Read.All", "7ab1d382-f21e-4acd-a863-ba3e13f7da61", "Read directory data"),
    Role(
        "Directory.ReadWrite.All",
        "19dbc75e-c2e2-444c-a770-ec69d8559fc7",
        "Read and write directory data",
    ),
    Role(
        "Organization.Read.All",
        "498476ce-e0fe-48b0-b801-37ba7e2685c6",
        "Read organization information",
    ),
    Role(
        "Policy.Read.All",
        "246dd0d5-5bd0-4def-940b-0421030a5b68",
        "Read your organization's policies",
    ),
    Role(
        "Policy.ReadWrite.ApplicationConfiguration",
        "be74164b-cff1-491c-8741-e671cb536e13",
        "Read and write your organization's application configuration policies",
    ),
    Role("Domain.Read.All", "dbb9058a-0e50-45d7-ae91-66909b5d4664", "Read domains"),
    Role("User.Read.All", "df021288-bdef-4463-88db-98f22de89214", "Read all users' full profiles"),
    Role("Group.Read.All", "5b567255-7703-4780-807c-7be8301ae99b", "Read all groups"),
)

_CLI_GRAPH_SCOPES: Final = (
    "Application.ReadWrite.All",
    "AppRoleAssignment.ReadWrite.All",
    "AuditLog.Read.All",
    "DelegatedPermissionGrant.ReadWrite.All",
    "Directory.AccessAsUser.All",
    "Group.ReadWrite.All",
    "User.Read.All",
    "User.ReadWrite.All",
    *OIDC_SCOPES,
)
_POWERSHELL_GRAPH_SCOPES: Final = ("AuditLog.Read.All", "Directory.AccessAsUser.All", *OIDC_SCOPES)
_NATIVE: Final = (
    "http://localhost",
    "https://login.microsoftonline.com/common/oauth2/nativeclient",
    "urn:ietf:wg:oauth:2.0:oob",
)

FIRST_PARTY: Final = (
    FirstParty(
        GRAPH_APP_ID,
        "Microsoft Graph",
        (
            "https://graph.microsoft.com",
            "https://graph.microsoft.com/",
            "00000003-0000-0000-c000-000000000000/graph.microsoft.com",
        ),
        _GRAPH_SCOPES,
        _GRAPH_ROLES,
    ),
    FirstParty(
        BUSINESS_CENTRAL_APP_ID,
        "Dynamics 365 Business Central",
        ("https://api.businesscentral.dynamics.com", "https://projectmadeira.com"),
        (
            Scope(
                "user_impersonation",
                "bce0976a-cb0b-473b-8800-84eda9f8e447",
                False,
                "Access as the signed-in user",
            ),
            Scope(
                "Financials.ReadWrite.All",
                "2fb13c28-9d89-417f-9af2-ec3065bc16e6",
                True,
                "Access Dynamics 365 Business Central as the signed-in user",
            ),
        ),
        (
            Role(
                "Automation.ReadWrite.All",
                "d365bc00-a990-0000-00bc-160000000001",
                "Full access to automation",
            ),
            Role("API.ReadWrite.All", "a42b0b75-311e-488d-b67e-8fe84f924341", "Full API access"),
            Role(
                "AdminCenter.ReadWrite.All",
                "a20fe46f-4f63-4666-8e0e-9b882d90b837",
                "Full access to the admin center API",
            ),
            Role(
                "app_access",
                "3983b928-ed40-4111-bbad-e7910cf234bd",
                "Access according to the application's permissions",
            ),
        ),
    ),
    FirstParty(
        AZURE_MANAGEMENT_APP_ID,
        "Windows Azure Service Management API",
        (
            "https://management.azure.com/",
            "https://management.azure.com",
            "https://management.core.windows.net/",
            "https://management.core.windows.net",
        ),
        (
            Scope(
                "user_impersonation",
                "41094075-9dad-400e-a0bd-54e686782033",
                False,
                "Access Azure Service Management as organization users",
            ),
        ),
    ),
    FirstParty(
        KEY_VAULT_APP_ID,
        "Azure Key Vault",
        ("https://vault.azure.net",),
        (
            Scope(
                "user_impersonation",
                "f53da476-18e3-4152-8e01-aec403e6edc0",
                False,
                "Have full access to the Azure Key Vault service",
            ),
        ),
    ),
    FirstParty(
        AZURE_CLI_APP_ID,
        "Microsoft Azure CLI",
        public_client=True,
        preauthorised=(
            (GRAPH_APP_ID, _CLI_GRAPH_SCOPES),
            (AZURE_MANAGEMENT_APP_ID, ("user_impersonation",)),
            (KEY_VAULT_APP_ID, ("user_impersonation",)),
        ),
        redirect_uris=_NATIVE,
    ),
    FirstParty(
        AZURE_POWERSHELL_APP_ID,
        "Microsoft Azure PowerShell",
        public_client=True,
        preauthorised=(
            (GRAPH_APP_ID, _POWERSHELL_GRAPH_SCOPES),
            (AZURE_MANAGEMENT_APP_ID, ("user_impersonation",)),
            (KEY_VAULT_APP_ID, ("user_impersonation",)),
            (BUSINESS_CENTRAL_APP_ID, ("user_impersonation", "Financials.ReadWrite.All")),
        ),
        redirect_uris=_NATIVE,
    ),
    FirstParty(
        GRAPH_COMMAND_LINE_APP_ID,
        "Microsoft Graph Command Line Tools",
        public_client=True,
        redirect_uris=_NATIVE,
    ),
    FirstParty("c44b4083-3bb0-49c1-b47d-974e53cbdf3c", "Azure Portal"),
    FirstParty(
        "00000002-0000-0000-c000-000000000000",
        "Windows Azure Active Directory",
        ("https://graph.windows.net", "https://graph.windows.net/"),
        (
            Scope(
                "User.Read",
                "311a71cc-e848-46a1-bdf8-97ff7156d8e6",
                False,
                "Sign in and read user profile",
            ),
        ),
    ),
    FirstParty(
        "00000002-0000-0ff1-ce00-000000000000",
        "Office 365 Exchange Online",
        ("https://outlook.office365.com", "https://outlook.office.com"),
    ),
    FirstParty("00000003-0000-0ff1-ce00-000000000000", "Office 365 SharePoint Online"),
    FirstParty("cc15fd57-2c6c-4117-a88c-83b1d56b4bbe", "Microsoft Teams Services"),
    FirstParty("00000007-0000-0000-c000-000000000000", "Common Data Service"),
)

BY_APP_ID: Final = {application.app_id: application for application in FIRST_PARTY}
