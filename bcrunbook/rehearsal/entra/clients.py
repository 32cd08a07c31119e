"""Client applications at the sign-in endpoints: who they are and how they prove it.

Source: Entra docs, "OAuth 2.0 client credentials flow" and "certificate credentials".
"""

from __future__ import annotations

import base64
import binascii
import contextlib
import hashlib
import time
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any, Final
from urllib.parse import urlsplit

from cryptography import x509
from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import padding, rsa

from bcrunbook.rehearsal import first_party_apps, world
from bcrunbook.rehearsal.clock import parse_timestamp
from bcrunbook.rehearsal.cloud import RehearsalCloud
from bcrunbook.rehearsal.directory import (
    Registered,
    find_application,
    find_principal,
    is_switched_off,
)
from bcrunbook.rehearsal.entra.authority import Authority
from bcrunbook.rehearsal.entra.errors import SignInError, missing, unknown_client
from bcrunbook.rehearsal.keys import InvalidToken, split_token, unb64url
from bcrunbook.rehearsal.platforms.tokens import ISSUERS
from bcrunbook.rehearsal.state import Document

ASSERTION_TYPE: Final = "urn:ietf:params:oauth:client-assertion-type:jwt-bearer"
SECRET: Final = "1"
CERTIFICATE: Final = "2"
FEDERATED: Final = "3"
NONE: Final = "0"
"""How a client proved itself; the first two are the values of the claim `appidacr`."""


@dataclass(frozen=True)
class Client:
    """A client application: one of Microsoft's own, or a registered one.

    Args:
        app_id: its client id.
        name: its display name.
        registered: its registration; None for one of Microsoft's own.
        first_party: what it is if it is Microsoft's own.
        principal: its presence in the tenant of the authority, which may have secrets of its own.
    """

    app_id: str
    name: str
    registered: Registered | None
    first_party: first_party_apps.FirstParty | None
    principal: Document | None = None

    @property
    def document(self) -> Document:
        """The registration; empty for Microsoft's own applications."""
        return self.registered.document if self.registered else {}

    @property
    def allows_public_flows(self) -> bool:
        """Whether it may sign people in without proving itself."""
        return self.first_party is not None or bool(self.document.get("isFallbackPublicClient"))

    def redirects(self, platform: str) -> tuple[str, ...]:
        """The redirect addresses of one platform (web, publicClient, spa)."""
        if self.first_party is not None:
            return self.first_party.redirect_uris if platform == "publicClient" else ()
        return tuple((self.document.get(platform) or {}).get("redirectUris", ()))

    def platform_of(self, redirect_uri: str) -> str | None:
        """The platform under which an address is registered, or None."""
        for platform in ("web", "publicClient", "spa"):
            for known in self.redirects(platform):
                if known == redirect_uri or _same_loopback(known, redirect_uri):
                    return platform
        return None


def find_client(cloud: RehearsalCloud, app_id: str, authority: Authority) -> Client:
    """The client of that id as seen from an authority."""
    if not app_id:
        raise missing("client_id")
    directory = authority.tenant.name if authority.tenant else authority.name
    own = first_party_apps.BY_APP_ID.get(app_id.lower())
    if own is not None:
        return Client(own.app_id, own.name, None, own)
    registered = find_application(cloud, app_id)
    if registered is None or not cloud.clock.passed(
        registered.document["_created"], "application_signin", registered.id
    ):
        raise unknown_client(app_id, directory)
    if not registered.multi_tenant:
        if authority.tenant is None:
            raise SignInError(
                50194,
                "invalid_request",
                f"Application '{app_id}'({registered.document['displayName']}) is not configured "
                "as a multi-tenant application. Usage of the /common endpoint is not supported "
                "for such apps created after '10/15/2018'. Use a tenant-specific endpoint or "
                "configure the application to be multi-tenant.",
            )
        if authority.tenant.id != registered.tenant:
            raise unknown_client(app_id, directory)
    document = registered.document
    principal = find_principal(cloud, authority.tenant.id, app_id) if authority.tenant else None
    return Client(document["appId"], document["displayName"], registered, None, principal)


def prove(cloud: RehearsalCloud, client: Client, form: Mapping[str, str]) -> str:
    """Check the proof that came with a token request; answers how the client proved itself."""
    assertion = form.get("client_assertion")
    secret = form.get("client_secret")
    if not assertion and not secret:
        return NONE
    if client.first_party is not None or (
        client.allows_public_flows and not _has_credentials(client.document)
    ):
        raise SignInError(
            700025,
            "invalid_client",
            "Client is public so neither 'client_assertion' nor 'client_secret' should be "
            "presented.",
        )
    if assertion:
        if form.get("client_assertion_type") != ASSERTION_TYPE:
            raise missing("client_assertion_type")
        return _check_assertion(cloud, client, assertion)
    _check_secret(cloud, client, secret or "")
    return SECRET


def demand_proof(proof: str, *, public_allowed: bool) -> None:
    """Refuse an unproven client where only a public one may go unproven."""
    if proof == NONE and not public_allowed:
        raise SignInError(
            7000218,
            "invalid_client",
            "The request body must contain the following parameter: 'client_assertion' or "
            "'client_secret'.",
        )


def service_principal(
    cloud: RehearsalCloud, client: Client, tenant: world.Tenant, *, app_only: bool = False
) -> Document | None:
    """The client's principal in a directory; without a person there must be one.

    Which code a deactivated application meets is not published (contract G8.13).
    """
    if client.registered is not None and is_switched_off(client.document):
        raise _disabled(client)
    principal = find_principal(cloud, tenant.id, client.app_id)
    if principal is None and app_only:
        if client.registered and client.registered.tenant == tenant.id:
            raise SignInError(
                7000229,
                "unauthorized_client",
                f"The client application {client.app_id} is missing service principal in the "
                f"tenant {tenant.id}. See instructions here: "
                "https://go.microsoft.com/fwlink/?linkid=2225119",
            )
        raise unknown_client(client.app_id, tenant.name)
    if principal is not None and not principal["accountEnabled"]:
        raise _disabled(client)
    return principal


def _disabled(client: Client) -> SignInError:
    return SignInError(
        7000112,
        "unauthorized_client",
        f"Application '{client.app_id}'({client.name}) is disabled.",
    )


def _has_credentials(document: Document) -> bool:
    return bool(document["_secrets"] or document["keyCredentials"] or document["_fics"])


def _secrets(client: Client) -> Iterator[tuple[str, Document, Document]]:
    """Key id, value and description of each secret of the application and of its principal."""
    for document in (client.document, client.principal or {}):
        # A folder of an earlier version has principals without secrets.
        values = document.get("_secrets", {})
        for entry in document.get("passwordCredentials", ()):
            if entry["keyId"] in values:
                yield entry["keyId"], values[entry["keyId"]], entry


def _check_secret(cloud: RehearsalCloud, client: Client, secret: str) -> None:
    wrong = SignInError(
        7000215,
        "invalid_client",
        "Invalid client secret provided. Ensure the secret being sent in the request is the "
        "client secret value, not the client secret ID, for a secret added to app "
        f"'{client.app_id}'.",
    )
    for key, kept, credential in _secrets(client):
        if kept["value"] != secret:
            continue
        if not cloud.clock.passed(kept["at"], "secret_usable", key):
            raise wrong
        if parse_timestamp(credential["endDateTime"]) <= cloud.clock.now():
            raise SignInError(
                7000222,
                "invalid_client",
                f"The provided client secret keys for app '{client.app_id}' are expired. Visit "
                "the Azure portal to create new keys for your app: "
                "https://aka.ms/NewClientSecret, or consider using certificate credentials for "
                "added security: https://aka.ms/certCreds.",
            )
        if parse_timestamp(credential["startDateTime"]) > cloud.clock.now():
            raise wrong
        return
    raise wrong


def _check_assertion(cloud: RehearsalCloud, client: Client, assertion: str) -> str:
    try:
        head, claims, signed, signature = split_token(assertion)
    except InvalidToken as problem:
        raise SignInError(
            50027,
            "invalid_request",
            "JWT token is invalid or malformed.",
        ) from problem
    if claims.get("iss") != client.app_id:
        _check_federated(client, claims)
        _check_issuer(cloud, claims, assertion)
        return FEDERATED
    certificate = _matching_certificate(client, head)
    key = certificate.public_key()
    algorithm = head.get("alg")
    scheme: Any
    if algorithm == "RS256":
        scheme = padding.PKCS1v15()
    elif algorithm == "PS256":
        scheme = padding.PSS(padding.MGF1(hashes.SHA256()), padding.PSS.DIGEST_LENGTH)
    else:
        raise _bad_assertion(client, f"the algorithm {algorithm} is not supported")
    if not isinstance(key, rsa.RSAPublicKey):
        raise _bad_assertion(client, "the registered key is no RSA key")
    try:
        key.verify(signature, signed, scheme, hashes.SHA256())
    except InvalidSignature as problem:
        raise _bad_assertion(
            client, "Key was found, but use of the key to verify the signature failed"
        ) from problem
    audience = str(claims.get("aud", ""))
    if not audience.startswith("https://login.microsoftonline.com/"):
        raise SignInError(50013, "invalid_client", "Assertion failed audience validation.")
    now = time.time()
    leeway = 300
    expires = claims.get("exp")
    if not isinstance(expires, int | float) or expires < now - leeway:
        raise SignInError(
            700024,
            "invalid_client",
            "Client assertion is not within its valid time range.",
        )
    if claims.get("nbf", 0) > now + leeway:
        raise SignInError(
            700024, "invalid_client", "Client assertion is not within its valid time range."
        )
    if claims.get("sub") != client.app_id:
        raise _bad_assertion(client, "the subject is not the client")
    return CERTIFICATE


def _matching_certificate(client: Client, head: Mapping[str, Any]) -> x509.Certificate:
    wanted: set[bytes] = set()
    for name in ("x5t", "x5t#S256"):
        text = str(head.get(name, ""))
        try:
            wanted.add(unb64url(text))
        except ValueError:
            continue
    with contextlib.suppress(ValueError):
        wanted.add(binascii.unhexlify(str(head.get("kid", ""))))
    for kept in client.document["keyCredentials"]:
        der = base64.b64decode(client.document["_keys"][kept["keyId"]])
        if {hashlib.sha1(der).digest(), hashlib.sha256(der).digest()} & wanted:
            return x509.load_der_x509_certificate(der)
    raise _bad_assertion(client, "The key was not found")


def _bad_assertion(client: Client, reason: str) -> SignInError:
    return SignInError(
        700027,
        "invalid_client",
        f"The certificate with identifier used to sign the client assertion is not registered on "
        f"application. [Reason - {reason}.] App: '{client.app_id}'.",
    )


def _check_federated(client: Client, claims: Mapping[str, Any]) -> None:
    issuer, subject = str(claims.get("iss", "")), str(claims.get("sub", ""))
    audience = claims.get("aud")
    audiences = set(audience if isinstance(audience, list) else [audience])
    same_issuer = [fic for fic in client.document["_fics"] if fic["issuer"] == issuer]
    if not same_issuer:
        raise SignInError(
            700211,
            "invalid_client",
            f"No matching federated identity record found for presented assertion issuer "
            f"'{issuer}'. Check your federated identity credential Subject, Audience and Issuer "
            "against the presented assertion.",
        )
    same_subject = [fic for fic in same_issuer if fic["subject"] == subject]
    if not same_subject:
        # Entra docs, breaking changes, August 2024: subjects are compared with regard to case.
        alike = any(fic["subject"].lower() == subject.lower() for fic in same_issuer)
        raise SignInError(
            7002138 if alike else 700213,
            "invalid_client",
            f"No matching federated identity record found for presented assertion subject "
            f"'{subject}'. "
            + (
                "The subject matches with case-insensitive comparison, but not with "
                "case-sensitive comparison. "
                if alike
                else ""
            )
            + "Check your federated identity credential Subject, Audience and Issuer against the "
            "presented assertion.",
        )
    if not any(audiences & set(fic["audiences"]) for fic in same_subject):
        raise SignInError(
            700212,
            "invalid_client",
            f"No matching federated identity record found for presented assertion audience "
            f"'{audience}'. Check your federated identity credential Subject, Audience and "
            "Issuer against the presented assertion.",
        )
    if claims.get("exp", 0) < time.time():
        raise SignInError(
            700024, "invalid_client", "Client assertion is not within its valid time range."
        )


def _check_issuer(cloud: RehearsalCloud, claims: Mapping[str, Any], assertion: str) -> None:
    """Refuse what the issuer has not signed, where it is one that is stood in for."""
    if claims["iss"] not in ISSUERS:
        return
    try:
        cloud.key.verify(assertion)
    except InvalidToken as problem:
        raise SignInError(
            7000272,
            "invalid_client",
            "The certificate used to sign the federated credential could not be found in the "
            f"metadata of identity provider {claims['iss']}. Please validate that your Identity "
            "Provider's metadata exposes the key used to sign the incoming token.",
        ) from problem


def _same_loopback(known: str, given: str) -> bool:
    """Entra docs, redirect URI restrictions: the port of a loopback address is not compared."""
    first, second = urlsplit(known), urlsplit(given)
    return (
        first.scheme == second.scheme == "http"
        and first.hostname == second.hostname
        and first.hostname in ("localhost", "127.0.0.1")
        and (first.path or "/") == (second.path or "/")
        and not second.query
    )
