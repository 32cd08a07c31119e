"""What can be done with a vault's secrets, one function an operation.

Source: Azure REST reference, Key Vault, "Secrets".
"""

from __future__ import annotations

import re
from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any, Final
from urllib.parse import urlencode

from bcrunbook.rehearsal import world
from bcrunbook.rehearsal.cloud import RehearsalCloud
from bcrunbook.rehearsal.keys import b64url, unb64url
from bcrunbook.rehearsal.keyvault import limits, records
from bcrunbook.rehearsal.keyvault.errors import (
    VaultError,
    bad_parameter,
    disabled,
    disallowed,
)
from bcrunbook.rehearsal.keyvault.records import Phase
from bcrunbook.rehearsal.messages import Answer, Call, json_answer, read_json
from bcrunbook.rehearsal.state import Document

MAXRESULTS: Final = re.compile(r"[0-9]{1,2}")


@dataclass(frozen=True)
class Request:
    """One request to a vault; `name` and `version` are from its path, empty when not there."""

    cloud: RehearsalCloud
    vault: world.Vault
    call: Call
    name: str
    version: str


def set_secret(request: Request) -> Answer:
    """Set a secret: a new version of its name."""
    body = _body(request)
    value = body.get("value")
    if not isinstance(value, str):
        raise bad_parameter("Property value has invalid value")
    if len(value.encode()) > limits.MAX_VALUE_BYTES:
        raise bad_parameter(f"The secret value is longer than {limits.MAX_VALUE_BYTES} bytes.")
    content_type, tags, attributes = _properties(body)
    record = records.writable(request.cloud, request.vault, request.name)
    fresh = records.new_version(request.cloud, value, content_type, tags, attributes)
    _demand_governed(request, fresh)
    if record is None:
        record = {"name": request.name, "versions": []}
    record = {**record, "versions": [*record["versions"], fresh]}
    records.keep(request.cloud, request.vault, record, "set")
    return _bundle(request, record, fresh)


def get_secret(request: Request) -> Answer:
    """A secret with its value, the newest version or a given one."""
    record = records.readable(request.cloud, request.vault, request.name)
    version = records.version_of(record, request.version)
    if not version["attributes"]["enabled"]:
        raise disabled("get")
    return _bundle(request, record, version)


def update_secret(request: Request) -> Answer:
    """Change what is kept beside the value."""
    body = _body(request)
    if "value" in body:
        # A value changes by setting a new version (REST reference, "Update Secret").
        raise bad_parameter("Property value has invalid value")
    content_type, tags, attributes = _properties(body)
    record = records.changeable(request.cloud, request.vault, request.name)
    old = records.version_of(record, request.version)
    now = int(request.cloud.clock.now())
    fresh = {
        **old,
        "contentType": old["contentType"] if content_type is None else content_type,
        "tags": old["tags"] if tags is None else tags,
        "attributes": {**old["attributes"], **attributes, "updated": now},
    }
    _demand_governed(request, fresh)
    versions = [fresh if one is old else one for one in record["versions"]]
    records.keep(request.cloud, request.vault, {**record, "versions": versions}, "update")
    return json_answer(200, records.item(request.vault, record, fresh, whole=True))


def delete_secret(request: Request) -> Answer:
    """Delete a secret, which can be recovered."""
    record = records.changeable(request.cloud, request.vault, request.name)
    records.keep(request.cloud, request.vault, record, "delete")
    gone = records.find(request.cloud, request.vault, request.name) or record
    return json_answer(200, records.deleted_item(request.vault, gone, whole=True))


def list_secrets(request: Request) -> Answer:
    """The secrets, without values."""
    items = [
        (key, records.item(request.vault, record, record["versions"][-1], whole=False))
        for key, record in records.every(request.cloud, request.vault, Phase.LIVE, Phase.READABLE)
    ]
    return _page(request, items)


def list_versions(request: Request) -> Answer:
    """The versions of a secret, without values."""
    try:
        record = records.readable(request.cloud, request.vault, request.name)
    except VaultError as problem:
        if problem.status != 404:
            raise
        # A name that is not there has no versions: an empty list, as Microsoft's own tests expect.
        return _page(request, [])
    items = [
        (one["version"], records.item(request.vault, record, one, whole=True))
        for one in record["versions"]
    ]
    # By their random ids: nobody is promised an order in time.
    return _page(request, sorted(items, key=lambda pair: pair[0]))


def list_deleted(request: Request) -> Answer:
    """The deleted secrets."""
    items = [
        (key, records.deleted_item(request.vault, record, whole=False))
        for key, record in records.every(request.cloud, request.vault, Phase.DELETED)
    ]
    return _page(request, items)


def get_deleted(request: Request) -> Answer:
    """One deleted secret."""
    record = records.deleted(request.cloud, request.vault, request.name)
    return json_answer(200, records.deleted_item(request.vault, record, whole=True))


def recover_deleted(request: Request) -> Answer:
    """Bring a deleted secret back."""
    record = records.restorable(request.cloud, request.vault, request.name)
    records.keep(request.cloud, request.vault, record, "recover")
    return json_answer(200, records.item(request.vault, record, record["versions"][-1], whole=True))


def purge_deleted(request: Request) -> Answer:
    """Delete a deleted secret for good."""
    record = records.purgeable(request.cloud, request.vault, request.name)
    records.keep(request.cloud, request.vault, {**record, "versions": []}, "purge")
    return Answer(204)


def _demand_governed(request: Request, version: Document) -> None:
    """Azure Policy for Key Vault: built-in definitions, by their display names."""
    if not request.vault.is_governed:
        return
    if not version["contentType"]:
        raise disallowed(request.name, "Secrets should have content type set")
    if "exp" not in version["attributes"]:
        raise disallowed(request.name, "Key Vault secrets should have an expiration date")
    if version["attributes"]["exp"] - request.cloud.clock.now() > limits.MAX_GOVERNED_SECONDS:
        raise disallowed(request.name, "Secrets should have the specified maximum validity period")


def _bundle(request: Request, record: Document, version: Document) -> Answer:
    described = records.item(request.vault, record, version, whole=True)
    return json_answer(200, {"value": version["value"], **described})


def _body(request: Request) -> dict[str, Any]:
    try:
        body = read_json(request.call.body)
    except ValueError:
        body = None
    if not isinstance(body, dict):
        raise bad_parameter("The request body could not be parsed as JSON.")
    known = {"value", "contentType", "tags", "attributes"}
    for name in body:
        if name not in known:
            raise bad_parameter(f"Property {name} has invalid value")
    return body


def _properties(
    body: dict[str, Any],
) -> tuple[str | None, dict[str, str] | None, dict[str, Any]]:
    content_type, tags, given = body.get("contentType"), body.get("tags"), body.get("attributes")
    if content_type is not None and not _is_text(content_type, limits.MAX_CONTENT_TYPE_LENGTH):
        raise bad_parameter("Property contentType has invalid value")
    if tags is not None:
        fits = isinstance(tags, dict) and len(tags) <= limits.MAX_TAGS
        texts: Iterable[Any] = (*tags, *tags.values()) if fits else ()
        if not fits or not all(_is_text(text, limits.MAX_TAG_LENGTH) for text in texts):
            raise bad_parameter("Property tags has invalid value")
    if given is not None and not isinstance(given, dict):
        raise bad_parameter("Property attributes has invalid value")
    attributes: dict[str, Any] = {}
    for name, kind in (("enabled", bool), ("nbf", int), ("exp", int)):
        value = (given or {}).get(name)
        if value is not None:
            if type(value) is not kind or (kind is int and not 0 <= value <= limits.LATEST_SECOND):
                raise bad_parameter(f"Property {name} has invalid value")
            attributes[name] = value
    return content_type, tags, attributes


def _is_text(value: object, longest: int) -> bool:
    return isinstance(value, str) and len(value) <= longest


def _page(request: Request, items: list[tuple[str, Document]]) -> Answer:
    """One page and the address of the next, which names the port although nobody needs it."""
    params = request.call.params
    asked = params.get("maxresults", str(limits.MAX_PAGE_SIZE))
    if not MAXRESULTS.fullmatch(asked) or not 1 <= int(asked) <= limits.MAX_PAGE_SIZE:
        raise bad_parameter(f"maxresults must be between 1 and {limits.MAX_PAGE_SIZE}")
    after = _unpacked(params["$skiptoken"]) if "$skiptoken" in params else ""
    left = [pair for pair in items if pair[0] > after]
    shown = left[: int(asked)]
    more = None
    if len(left) > len(shown):
        query = {
            "api-version": params["api-version"],
            "$skiptoken": b64url(shown[-1][0].encode()),
            "maxresults": asked,
        }
        path = request.call.path.rstrip("/")
        more = f"https://{request.vault.host}:443{path}?{urlencode(query, safe='$')}"
    return json_answer(200, {"value": [one for _, one in shown], "nextLink": more})


def _unpacked(token: str) -> str:
    try:
        return unb64url(token).decode()
    except ValueError:
        raise bad_parameter("The skiptoken is not valid.") from None
