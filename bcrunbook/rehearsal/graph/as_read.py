"""How reads print objects of the directory: some collections in another order than they were sent.

The answer that creates an object keeps the order of the request; every read after it does not
(contract G5.10).
"""

from __future__ import annotations

from typing import Final

from bcrunbook.rehearsal.state import Document

REVERSED: Final = ("appRoles", "requiredResourceAccess")
PLATFORMS: Final = ("web", "publicClient", "spa")
URIS: Final = ("redirectUris", "redirectUriSettings")


def application_as_read(document: Document) -> Document:
    """An application with app roles, redirect URIs and permissions reversed, newest secrets first.

    Args:
        document: the application, in the order of the requests that wrote it.
    """
    turned = {name: document[name][::-1] for name in REVERSED}
    for name in PLATFORMS:
        platform = document[name]
        uris = {key: platform[key][::-1] for key in URIS if key in platform}
        turned[name] = {**platform, **uris}
    return {**with_newest_secrets_first(document), **turned}


def with_newest_secrets_first(document: Document) -> Document:
    """An application or a service principal with its secrets as reads print them."""
    return {**document, "passwordCredentials": document["passwordCredentials"][::-1]}
