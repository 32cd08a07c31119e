"""What `$metadata` says: the resources that are stood in for, with their properties.

It is open to everybody, as clients that are built from it expect (contract G1.13).
"""

from __future__ import annotations

from typing import Final

from bcrunbook.rehearsal.csdl import Type, document
from bcrunbook.rehearsal.graph.schema import TYPES
from bcrunbook.rehearsal.messages import Answer

_NAMESPACE: Final = "microsoft.graph"
_SIMPLE: Final = {
    "str": "Edm.String",
    "bool": "Edm.Boolean",
    "int": "Edm.Int32",
    "guid": "Edm.Guid",
    "date": "Edm.DateTimeOffset",
    "base64": "Edm.Binary",
}
_SETS: Final = {
    "applications": "application",
    "directoryRoles": "directoryRole",
    "domains": "domain",
    "oauth2PermissionGrants": "oAuth2PermissionGrant",
    "organization": "organization",
    "servicePrincipals": "servicePrincipal",
    "users": "user",
}


def description() -> Answer:
    """The answer, the same for everybody."""
    named = [Type(name, _typed(properties), _key(properties)) for name, properties in TYPES.items()]
    mentioned = {
        type_.strip("[]@")
        for properties in TYPES.values()
        for type_ in properties.values()
        if "@" in type_
    }
    # What is taken as it is given, and not looked into.
    opaque = [Type(name, {}, is_open=True) for name in sorted(mentioned - set(TYPES))]
    return document(_NAMESPACE, [*named, *opaque], _SETS, {"me": "user"})


def _key(properties: dict[str, str]) -> str:
    # What lies within a resource has a GUID, and is no entity.
    return "id" if properties.get("id") == "str" else ""


def _typed(properties: dict[str, str]) -> dict[str, str]:
    return {name: _type(type_) for name, type_ in properties.items()}


def _type(written: str) -> str:
    inner = written.strip("[]")
    type_ = f"{_NAMESPACE}.{inner[1:]}" if inner.startswith("@") else _SIMPLE[inner]
    return f"Collection({type_})" if written.startswith("[") else type_
