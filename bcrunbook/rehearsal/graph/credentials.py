"""Client secrets and certificates, and the policy that limits them.

Source: Graph docs, application: addPassword, removePassword; tenantAppManagementPolicy. A secret's
value is in the answer that makes it and nowhere else.
"""

from __future__ import annotations

import base64
import hashlib
import uuid
from datetime import UTC, datetime
from typing import Any, Final

from cryptography import x509
from cryptography.x509.oid import NameOID

from bcrunbook.rehearsal import world
from bcrunbook.rehearsal.clock import parse_timestamp, reprinted, timestamp
from bcrunbook.rehearsal.cloud import RehearsalCloud
from bcrunbook.rehearsal.drawn_secrets import new_secret
from bcrunbook.rehearsal.graph.errors import GraphError, bad_request
from bcrunbook.rehearsal.graph.request import Request, odata_answer
from bcrunbook.rehearsal.messages import Answer
from bcrunbook.rehearsal.state import Document

DAY: Final = 86400
DEFAULT_POLICY: Final = "00000000-0000-0000-0000-000000000000"
HINT_LENGTH: Final = 3
ADDED_AT: Final = "https://graph.microsoft.com"
"""Where the answer to addPassword says that the secret is (contract G6.16)."""
WINDOWS_NAMES: Final = {NameOID.STATE_OR_PROVINCE_NAME: "S"}


def add_secret(
    request: Request, document: Document, *, maximum: int | None, is_hinted: bool = True
) -> tuple[Document, Answer]:
    """An application or a principal with the secret that addPassword asks for, and its answer.

    Args:
        request: its body may hold a `passwordCredential`.
        document: who is to have the secret.
        maximum: how many secrets there may be.
        is_hinted: whether the answer has the first characters of the secret as its hint.
    """
    given = request.body("addPassword", optional=True).get("passwordCredential") or {}
    changed, shown = add_secrets(
        request.cloud,
        request.caller.tenant,
        document,
        [given],
        maximum=maximum,
        is_hinted=is_hinted,
    )
    context = f"{request.base}/$metadata#microsoft.graph.passwordCredential"
    answer = odata_answer(200, {"@odata.context": context, **shown[0]})
    return changed, answer.with_headers({"Location": ADDED_AT})


def add_secrets(
    cloud: RehearsalCloud,
    tenant: world.Tenant,
    document: Document,
    given: list[dict[str, Any]],
    *,
    maximum: int | None,
    is_hinted: bool = True,
) -> tuple[Document, list[Document]]:
    """The document with new secrets, and the credentials as only this answer may print them."""
    total = len(document["passwordCredentials"]) + len(given)
    if maximum is not None and total > maximum:
        raise GraphError(
            400,
            "TooManyAppPasswords",
            f"Not allowed to add {total} passwords. You can only add a maximum of {maximum} "
            "passwords.",
            details=[{"target": "passwordCredentials", "code": "TooManyAppPasswords"}],
        )
    shown: list[Document] = []
    secrets = dict(document["_secrets"])
    for entry in given:
        credential = _new_secret(cloud, tenant, entry, is_hinted=is_hinted)
        value = cloud.canaries.add(credential["secretText"])
        secrets[credential["keyId"]] = {"value": value, "at": cloud.clock.now()}
        shown.append(credential)
    hidden = [{**credential, "secretText": None} for credential in shown]
    changed = {
        **document,
        "passwordCredentials": [*document["passwordCredentials"], *hidden],
        "_secrets": secrets,
    }
    return changed, shown


def remove_secret(request: Request, document: Document) -> Document:
    """An application or a principal without the secret that removePassword names."""
    key = request.body("removePassword").get("keyId")
    if not key:
        raise bad_request("The parameter 'keyId' is required.", target="keyId")
    kept = [entry for entry in document["passwordCredentials"] if entry["keyId"] != key.lower()]
    if len(kept) == len(document["passwordCredentials"]):
        raise bad_request(f"No password credential found with keyId '{key}'.", target="keyId")
    secrets = {name: value for name, value in document["_secrets"].items() if name != key.lower()}
    return {**document, "passwordCredentials": kept, "_secrets": secrets}


def demand_no_key_ids(*credentials: list[dict[str, Any]]) -> None:
    """What is created brings no ids of its credentials: the service gives them (contract G7.10)."""
    if any(entry.get("keyId") is not None for entries in credentials for entry in entries):
        raise bad_request("Property 'keyId' cannot be set while creating.", target="keyId")


def demand_same_secrets(document: Document, given: Document) -> None:
    """A PATCH may repeat the secrets that are there and not change them; they are taken out."""
    entries = given.pop("passwordCredentials", None)
    if entries is None:
        return
    known = document["passwordCredentials"]
    if len(entries) != len(known) or any(entry not in known for entry in entries):
        raise bad_request(
            "Updates to passwordCredentials are not allowed; use addPassword and removePassword.",
            target="passwordCredentials",
        )


def set_certificates(document: Document, given: list[dict[str, Any]]) -> Document:
    """The application with exactly these certificates; one without its bytes must be known."""
    kept_keys = document["_keys"]
    credentials: list[Document] = []
    keys: dict[str, str] = {}
    for entry in given:
        key = str(entry.get("keyId") or uuid.uuid4()).lower()
        content = entry.get("key") or kept_keys.get(key)
        if not content:
            raise bad_request(
                "The key property is required for a new key credential.", target="keyCredentials"
            )
        credentials.append(_certificate(entry, key, content))
        keys[key] = content
    return {**document, "keyCredentials": credentials, "_keys": keys}


def _certificate(entry: dict[str, Any], key: str, content: str) -> Document:
    if entry.get("type") != "AsymmetricX509Cert" or entry.get("usage") != "Verify":
        raise bad_request(
            "The type must be AsymmetricX509Cert and the usage Verify.", target="keyCredentials"
        )
    der = base64.b64decode(content)
    try:
        certificate = x509.load_der_x509_certificate(der)
    except ValueError as problem:
        raise bad_request(
            "The key is no certificate in DER form.", target="keyCredentials"
        ) from problem
    thumbprint = hashlib.sha1(der).hexdigest().upper()
    return {
        "customKeyIdentifier": entry.get("customKeyIdentifier") or thumbprint,
        "displayName": entry.get("displayName") or _named(certificate.subject),
        "endDateTime": _printed(
            entry.get("endDateTime"), certificate.not_valid_after_utc.timestamp()
        ),
        "key": None,
        "keyId": key,
        "startDateTime": _printed(
            entry.get("startDateTime"), certificate.not_valid_before_utc.timestamp()
        ),
        "type": "AsymmetricX509Cert",
        "usage": "Verify",
    }


def _named(subject: x509.Name) -> str:
    """A subject as Windows writes it: the parts in the order of the certificate, S for the state.

    Contract G7.15.
    """
    return ", ".join(part.rfc4514_string(WINDOWS_NAMES) for part in subject.rdns)


def _new_secret(
    cloud: RehearsalCloud, tenant: world.Tenant, entry: dict[str, Any], *, is_hinted: bool
) -> Document:
    if entry.get("secretText") is not None or entry.get("hint") is not None:
        raise bad_request("New password credentials must be generated using service actions.")
    now = cloud.clock.now()
    start = parse_timestamp(entry["startDateTime"]) if entry.get("startDateTime") else now
    end = (
        parse_timestamp(entry["endDateTime"]) if entry.get("endDateTime") else _in_two_years(start)
    )
    if end <= start or end <= now:
        raise GraphError(
            400,
            "KeyCredentialsInvalidEndDate",
            "Credential end date is invalid: it must be after the start date and in the future.",
            details=[
                {
                    "code": "InvalidKeyEndDate",
                    "message": "Credential end date is invalid.",
                    "target": "EndDate",
                }
            ],
        )
    _obey_policy(tenant, start, end)
    value = new_secret()
    return {
        "customKeyIdentifier": None,
        "displayName": entry.get("displayName"),
        "endDateTime": _printed(entry.get("endDateTime"), end),
        "hint": value[:HINT_LENGTH] if is_hinted else None,
        "keyId": str(entry.get("keyId") or uuid.uuid4()).lower(),
        "secretText": value,
        "startDateTime": _printed(entry.get("startDateTime"), start),
    }


def _printed(given: str | None, seconds: float) -> str:
    return reprinted(given) if given else timestamp(seconds)


def _in_two_years(start: float) -> float:
    moment = datetime.fromtimestamp(start, UTC)
    try:
        return moment.replace(year=moment.year + 2).timestamp()
    except ValueError:
        return moment.replace(year=moment.year + 2, day=28).timestamp()


def _obey_policy(tenant: world.Tenant, start: float, end: float) -> None:
    longest = tenant.policy.max_secret_days
    if longest is None or end - start <= longest * DAY:
        return
    message = (
        "Credential lifetime exceeds the max value allowed as per assigned policy "
        f"'{DEFAULT_POLICY}'."
    )
    raise GraphError(
        400,
        "CredentialInvalidLifetimeAsPerAppPolicy",
        message,
        details=[{"code": "InvalidKeyEndDate", "message": message, "target": "EndDate"}],
    )
