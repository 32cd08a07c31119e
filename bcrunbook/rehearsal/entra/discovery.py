"""What clients ask before they sign anybody in: endpoints, aliases, keys, kinds of account.

The documents name the real addresses, except the two that a browser opens: a person's browser
does not go through the proxy, so those are on the pages server.
"""

from __future__ import annotations

from typing import Any, Final

from bcrunbook.rehearsal import world
from bcrunbook.rehearsal.cloud import RehearsalCloud
from bcrunbook.rehearsal.entra.authority import ORGANIZATIONS, Authority
from bcrunbook.rehearsal.messages import Answer, Call, json_answer

LOGIN: Final = "https://login.microsoftonline.com"
ALIASES: Final = (
    "login.microsoftonline.com",
    "login.windows.net",
    "login.microsoft.com",
    "sts.windows.net",
)


def configuration(cloud: RehearsalCloud, authority: Authority, version: int) -> Answer:
    """The OpenID Connect discovery document."""
    name = authority.name if authority.tenant is None else authority.tenant.id
    base = f"{LOGIN}/{name}"
    browser = f"{cloud.pages}/login.microsoftonline.com/{name}"
    issued_by = authority.tenant.id if authority.tenant else "{tenantid}"
    if authority.consumers:
        issued_by = world.CONSUMERS
    oauth = "/oauth2/v2.0" if version == 2 else "/oauth2"
    document: dict[str, Any] = {
        "token_endpoint": f"{base}{oauth}/token",
        "token_endpoint_auth_methods_supported": [
            "client_secret_post",
            "private_key_jwt",
            "client_secret_basic",
        ],
        "jwks_uri": f"{base}/discovery{'/v2.0' if version == 2 else ''}/keys",
        "response_modes_supported": ["query", "fragment", "form_post"],
        "subject_types_supported": ["pairwise"],
        "id_token_signing_alg_values_supported": ["RS256"],
        "response_types_supported": ["code"],
        "scopes_supported": ["openid", "profile", "email", "offline_access"],
        "issuer": (
            f"{LOGIN}/{issued_by}/v2.0" if version == 2 else f"https://sts.windows.net/{issued_by}/"
        ),
        "request_uri_parameter_supported": False,
        "userinfo_endpoint": "https://graph.microsoft.com/oidc/userinfo",
        "authorization_endpoint": f"{browser}{oauth}/authorize",
        "device_authorization_endpoint": f"{base}{oauth}/devicecode",
        "http_logout_supported": True,
        "frontchannel_logout_supported": True,
        "end_session_endpoint": f"{base}{oauth}/logout",
        "claims_supported": [
            "sub",
            "iss",
            "cloud_instance_name",
            "aud",
            "exp",
            "iat",
            "acr",
            "nonce",
            "preferred_username",
            "name",
            "tid",
            "ver",
            "email",
        ],
        "tenant_region_scope": "EU" if authority.tenant else None,
        "cloud_instance_name": "microsoftonline.com",
        "cloud_graph_host_name": "graph.windows.net",
        "msgraph_host": "graph.microsoft.com",
        "rbac_url": "https://pas.windows.net",
    }
    return json_answer(200, document)


def keys(cloud: RehearsalCloud) -> Answer:
    """The keys that tokens are signed with."""
    return json_answer(200, {"keys": [cloud.key.published()]})


def instance(call: Call) -> Answer:
    """Instance discovery: the names of this cloud's sign-in hosts."""
    asked = call.params.get("authorization_endpoint", "")
    host = asked.partition("://")[2].partition("/")[0].lower()
    if call.params.get("api-version") not in ("1.0", "1.1"):
        return json_answer(
            400,
            {
                "error": "invalid_request",
                "error_description": "AADSTS901002: The 'api-version' parameter is not supported.",
                "error_codes": [901002],
            },
        )
    if host not in ALIASES:
        return json_answer(
            400,
            {
                "error": "invalid_instance",
                "error_description": "AADSTS50049: Unknown or invalid instance.",
                "error_codes": [50049],
            },
        )
    tenant = asked.partition("://")[2].partition("/")[2].partition("/")[0] or ORGANIZATIONS
    return json_answer(
        200,
        {
            "tenant_discovery_endpoint": f"{LOGIN}/{tenant}/v2.0/.well-known/openid-configuration",
            "api-version": call.params["api-version"],
            "metadata": [
                {
                    "preferred_network": "login.microsoftonline.com",
                    "preferred_cache": "login.windows.net",
                    "aliases": list(ALIASES),
                }
            ],
        },
    )


def realm(upn: str) -> Answer:
    """User realm discovery: whether a name is known here and how it signs in."""
    home = world.home_of(upn)
    body: dict[str, Any] = {
        "ver": "1.0",
        "account_type": "Managed" if home else "Unknown",
        "domain_name": upn.rpartition("@")[2],
        "cloud_instance_name": "microsoftonline.com",
        "cloud_audience_urn": "urn:federation:MicrosoftOnline",
    }
    return json_answer(200, body)
