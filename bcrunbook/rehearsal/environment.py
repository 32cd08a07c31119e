"""The environment variables that lead a program to a rehearsal cloud instead of the real services.

Sources: the manuals of curl, Python's requests and httpx, Node.js (NODE_EXTRA_CA_CERTS), and the
Azure SDKs (EnvironmentCredential), each tried against the rehearsal cloud.
"""

from __future__ import annotations

from typing import Final

from bcrunbook.rehearsal.description import RehearsalDescription

PROXY: Final = ("HTTPS_PROXY", "https_proxy")
"""Programs differ in which spelling wins where both are set."""

NO_PROXY: Final = ("NO_PROXY", "no_proxy")
"""Emptied: an exception that was made for the real services would lead to them."""

CA_BUNDLES: Final = ("SSL_CERT_FILE", "REQUESTS_CA_BUNDLE", "CURL_CA_BUNDLE", "NODE_EXTRA_CA_CERTS")
"""OpenSSL and whoever uses its defaults, requests, curl, Node.js."""


def environment_of(description: RehearsalDescription) -> dict[str, str]:
    """What to set for a program that is to talk to a rehearsal cloud.

    Args:
        description: the running rehearsal cloud.

    Returns:
        The way to it (proxy and certificates) and the identity of its batch application under the
        names that the Azure SDKs read, and CODAT_API_KEY.
    """
    identity = description.batch_identity
    return {
        **dict.fromkeys(PROXY, description.proxy),
        **dict.fromkeys(NO_PROXY, ""),
        **dict.fromkeys(CA_BUNDLES, description.ca),
        "AZURE_TENANT_ID": identity["tenant"],
        "AZURE_CLIENT_ID": identity["client_id"],
        "AZURE_CLIENT_SECRET": identity["client_secret"],
        "CODAT_API_KEY": description.codat["api_key"],
    }
