"""What can be done with a vault's secrets, one function an operation.

Source: Azure REST reference, Key Vault, "Secrets".
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from typing import Any
from urllib.parse import urlencode

from bcrunbook.rehearsal import world
from bcrunbook.rehearsal.cloud import RehearsalCloud
from bcrunbook.rehearsal.keys import b64url, unb64url
from bcrunbook.rehearsal.keyvault import access, records
from bcrunbook.rehearsal.keyvault.errors import (
    VaultError,
    bad_parameter,
    being_deleted,
    disabled,
    disallowed,
)
from bcrunbook.rehearsal.keyvault.records import Phase
from bcrunbook.rehearsal.messages import Answer, Call, json_answer, read_json
from bcrunbook.rehearsal.state import Document

NAME = re.compile(r"[0-9a-zA-Z-]{1,127}")
LONGEST_VALUE = 25 * 1024
"""Bytes of a value (About secrets: "maximum size of 25k bytes each")."""
LONGEST_GOVERNED = 366 * 86400
"""Seconds that a secret of a governed vault may live."""
LONGEST_CONTENT_TYPE = 255
MOST_TAGS = 15
LONGEST_TAG = 256
LARGEST_PAGE = 25
MAXRESULTS = re.compile(r"[0-9]{1,2}")
LATEST = 253402300799
"""The last second of the year 9999: no client can hold a later date."""


@dataclass(frozen=True)
class Request:
    """One request to a vault; `name` and `version` are from its path, empty when not there."""

    cloud: RehearsalCloud
    vault: world.Vault
    call: Call
    name: str
    version: str


Operation = Callable[[Request], Answer]


def find(method: str, parts: list[str]) -> tuple[str, Operation, str, str] | None:
    """The data action, the operation, and the name and version in the path; None for none.

    Raises:
        VaultError: 400, the name cannot be one.
    """
    collection, name, rest = (*parts[:3], "", "", "")[:3]
    if not 1 <= len(parts) <= 3 or collection not in ("secrets", "deletedsecrets"):
        return None
    place = collection
    if name:
        if not NAME.fullmatch(name):
            raise bad_parameter(f"The request URI contains an invalid name: {name}")
        place += "/name"
    if rest:
        words = {"secrets": ("versions", "backup"), "deletedsecrets": ("recover",)}
        place += f"/{rest}" if rest in words[collection] else "/version"
    found = _OPERATIONS.get((method, place))
    return (*found, name, rest if place == "secrets/name/version" else "") if found else None


def _set(request: Request) -> Answer:
    body = _body(request)
    value = body.get("value")
    if not isinstance(value, str):
        raise bad_parameter("Property value has invalid value")
    if len(value.encode()) > LONGEST_VALUE:
        raise bad_parameter(f"The secret value is longer than {LONGEST_VALUE} bytes.")
    content_type, tags, attributes = _properties(body)
    record = records.writable(request.cloud, request.vault, request.name)
    fresh = records.new_version(request.cloud, value, content_type, tags, attributes)
    _demand_governed(request, fresh)
    if record is None:
        record = {"name": request.name, "versions": []}
    record = {**record, "versions": [*record["versions"], fresh]}
    records.keep(request.cloud, request.vault, record, "set")
    return _bundle(request, record, fresh)


def _get(request: Request) -> Answer:
    record = records.readable(request.cloud, request.vault, request.name)
    version = records.version_of(record, request.version)
    if not version["attributes"]["enabled"]:
        raise disabled("get")
    return _bundle(request, record, version)


def _update(request: Request) -> Answer:
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


def _delete(request: Request) -> Answer:
    record = records.changeable(request.cloud, request.vault, request.name)
    records.keep(request.cloud, request.vault, record, "delete")
    gone = records.find(request.cloud, request.vault, request.name) or record
    return json_answer(200, records.deleted_item(request.vault, gone, whole=True))


def _list(request: Request) -> Answer:
    items = [
        (key, records.item(request.vault, record, record["versions"][-1], whole=False))
        for key, record in records.every(request.cloud, request.vault, Phase.LIVE, Phase.READABLE)
    ]
    return _page(request, items)


def _versions(request: Request) -> Answer:
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


def _list_deleted(request: Request) -> Answer:
    items = [
        (key, records.deleted_item(request.vault, record, whole=False))
        for key, record in records.every(request.cloud, request.vault, Phase.DELETED)
    ]
    return _page(request, items)


def _get_deleted(request: Request) -> Answer:
    record = records.deleted(request.cloud, request.vault, request.name)
    return json_answer(200, records.deleted_item(request.vault, record, whole=True))


def _recover(request: Request) -> Answer:
    _refuse_while_deleting(request)
    record = records.deleted(request.cloud, request.vault, request.name)
    records.keep(request.cloud, request.vault, record, "recover")
    return json_answer(200, records.item(request.vault, record, record["versions"][-1], whole=True))


def _purge(request: Request) -> Answer:
    _refuse_while_deleting(request)
    record = records.deleted(request.cloud, request.vault, request.name)
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
    if version["attributes"]["exp"] - request.cloud.clock.now() > LONGEST_GOVERNED:
        raise disallowed(request.name, "Secrets should have the specified maximum validity period")


def _refuse_while_deleting(request: Request) -> None:
    record = records.find(request.cloud, request.vault, request.name)
    if records.phase_of(request.cloud, record) is Phase.BEING_DELETED:
        raise being_deleted(request.name)


_OPERATIONS: dict[tuple[str, str], tuple[str, Operation]] = {
    ("PUT", "secrets/name"): (access.SET, _set),
    ("GET", "secrets/name"): (access.GET, _get),
    ("GET", "secrets/name/version"): (access.GET, _get),
    ("PATCH", "secrets/name"): (access.UPDATE, _update),
    ("PATCH", "secrets/name/version"): (access.UPDATE, _update),
    ("DELETE", "secrets/name"): (access.DELETE, _delete),
    ("GET", "secrets"): (access.READ_METADATA, _list),
    ("GET", "secrets/name/versions"): (access.READ_METADATA, _versions),
    ("GET", "deletedsecrets"): (access.READ_METADATA, _list_deleted),
    ("GET", "deletedsecrets/name"): (access.READ_METADATA, _get_deleted),
    ("POST", "deletedsecrets/name/recover"): (access.RECOVER, _recover),
    ("DELETE", "deletedsecrets/name"): (access.PURGE, _purge),
}


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
    if content_type is not None and not _is_text(content_type, LONGEST_CONTENT_TYPE):
        raise bad_parameter("Property contentType has invalid value")
    if tags is not None:
        fits = isinstance(tags, dict) and len(tags) <= MOST_TAGS
        texts: Iterable[Any] = (*tags, *tags.values()) if fits else ()
        if not fits or not all(_is_text(text, LONGEST_TAG) for text in texts):
            raise bad_parameter("Property tags has invalid value")
    if given is not None and not isinstance(given, dict):
        raise bad_parameter("Property attributes has invalid value")
    attributes: dict[str, Any] = {}
    for name, kind in (("enabled", bool), ("nbf", int), ("exp", int)):
        value = (given or {}).get(name)
        if value is not None:
            if type(value) is not kind or (kind is int and not 0 <= value <= LATEST):
                raise bad_parameter(f"Property {name} has invalid value")
            attributes[name] = value
    return content_type, tags, attributes


def _is_text(value: object, longest: int) -> bool:
    return isinstance(value, str) and len(value) <= longest


def _page(request: Request, items: list[tuple[str, Document]]) -> Answer:
    """One page and the address of the next, which names the port although nobody needs it."""
    params = request.call.params
    asked = params.get("maxresults", str(LARGEST_PAGE))
    if not MAXRESULTS.fullmatch(asked) or not 1 <= int(asked) <= LARGEST_PAGE:
        raise bad_parameter(f"maxresults must be between 1 and {LARGEST_PAGE}")
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
