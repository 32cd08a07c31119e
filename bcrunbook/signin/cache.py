"""What is kept of a person's sign-in: encrypted where this machine can, otherwise in memory."""

from __future__ import annotations

import base64
import json
import logging
import time
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

from bcrunbook.hosts import LOGIN
from bcrunbook.person import cache_folder
from bcrunbook.secrets import Secret, Veiled

if TYPE_CHECKING:
    import msal

log = logging.getLogger(__name__)

KEPT_LONGER_THAN: Final = 300
"""Seconds that a kept token must still be good for; MSAL's own margin."""


def token_cache(kind: str) -> msal.TokenCache:
    """A person's token cache: encrypted where this machine can, otherwise in memory only."""
    import msal

    if kind == "memory":
        return msal.TokenCache()
    import msal_extensions

    try:
        if (folder := cache_folder()) is None:
            raise FileNotFoundError("no home folder")
        folder.mkdir(mode=0o700, parents=True, exist_ok=True)
        if kind == "file":
            return _plain_cache(folder / "tokens.json")
        encrypted = msal_extensions.build_encrypted_persistence(str(folder / "tokens.bin"))
        cache = msal_extensions.PersistedTokenCache(encrypted)
        list(cache.search(cache.CredentialType.ACCOUNT))  # LibSecret may fail only at first use
    except Exception as error:
        # msal-extensions lets errors of D-Bus, LibSecret and its imports through unmapped.
        log.warning(
            "This machine cannot keep the sign-in %s (%s): it is kept in memory only.",
            "in a file" if kind == "file" else "encrypted",
            type(error).__name__,
        )
        return msal.TokenCache()
    return cache


def _plain_cache(file: Path) -> msal.TokenCache:
    import msal_extensions

    file.touch(mode=0o600)
    file.chmod(0o600)  # it may be there already, made by something less careful
    text = file.read_bytes()
    try:
        json.loads(text or "{}")
    except ValueError:
        log.warning("The kept sign-in cannot be read and is begun anew.")
        file.write_bytes(b"")
    return msal_extensions.PersistedTokenCache(msal_extensions.FilePersistence(str(file)))


def likeliest_first(app: Any, known: list[dict[str, Any]]) -> list[dict[str, Any]]:
    """The people that the cache knows, those who have signed in to this tenant before first."""
    tenant = tenant_of(app).lower()
    here = {
        entry.get("home_account_id")
        for entry in app.token_cache.search("IdToken")
        if entry.get("realm", "").lower() == tenant
    }
    return sorted(known, key=lambda one: one["home_account_id"] not in here)


def kept_token(app: Any, scopes: Sequence[str], home_account_id: str | None) -> Secret | None:
    """The access token that MSAL has kept and that is still good; None without one.

    Args:
        app: MSAL's application.
        scopes: what it is for.
        home_account_id: whose it is; None for the application's own.
    """
    query = {
        "client_id": app.client_id,
        "environment": app.authority.instance,
        "realm": app.authority.tenant,
        "home_account_id": home_account_id,
    }
    for entry in app.token_cache.search("AccessToken", target=list(scopes), query=query):
        if int(entry["expires_on"]) - time.time() > KEPT_LONGER_THAN:
            return Secret(str(entry["secret"]))
    return None


def kept_claims(app: Any, home_account_id: str) -> dict[str, Any]:
    """The id token's claims, from the cache: a kept access token brings none with it."""
    tenant = tenant_of(app)
    for entry in app.token_cache.search("IdToken"):
        same_tenant = entry.get("realm", "").lower() == tenant.lower()
        if same_tenant and entry.get("home_account_id") == home_account_id:
            return _claims(Veiled(str(entry["secret"])))
    return {}


def _claims(token: Veiled[str]) -> dict[str, Any]:
    try:
        payload = token.reveal().split(".")[1]
        return dict(json.loads(base64.urlsafe_b64decode(payload + "=" * (-len(payload) % 4))))
    except (ValueError, IndexError, TypeError):
        return {}


def tenant_of(app: Any) -> str:
    """The id of the tenant that an MSAL application signs in to."""
    # The token endpoint names the tenant's id even when the authority was given by its domain.
    return str(app.authority.token_endpoint).removeprefix(f"{LOGIN}/").split("/", 1)[0]


def short_scopes(scope: str | Sequence[str]) -> frozenset[str]:
    """Scope values without the API in front of them."""
    names = scope.split() if isinstance(scope, str) else scope
    return frozenset(name.rsplit("/", 1)[-1] for name in names)
