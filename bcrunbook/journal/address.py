"""Which address a request went to, without what in it belongs to somebody."""

from __future__ import annotations

import re
from typing import Final
from urllib.parse import parse_qsl, unquote, urlsplit

from bcrunbook.hosts import (
    AZURE_MANAGEMENT,
    BUSINESS_CENTRAL_API,
    BUSINESS_CENTRAL_CLIENT,
    GRAPH,
    LOGIN_ADDRESSES,
    VAULT_SUFFIX,
)
from bcrunbook.journal.entry import PLACEHOLDER
from bcrunbook.journal.words import FIELDS, PARAMETERS, SEGMENTS

CODAT: Final = "api.codat.io"
_HOSTS: Final = frozenset(
    {
        CODAT,
        *(host for _, host in LOGIN_ADDRESSES),
        *(
            one.removeprefix("https://")
            for one in (GRAPH, AZURE_MANAGEMENT, BUSINESS_CENTRAL_API, BUSINESS_CENTRAL_CLIENT)
        ),
    }
)
VAULT: Final = f"{PLACEHOLDER}.{VAULT_SUFFIX}"

_VERSION: Final = re.compile(r"v\d{1,2}\.\d{1,2}")
_KEYED: Final = re.compile(r"([^()]+)\((.*)\)")


def host_of(host: str) -> str:
    """A service's public name; a vault has just what follows its own.

    Args:
        host: a host's name.
    """
    host = host.lower()
    if host in _HOSTS:
        return host
    return VAULT if host.endswith(f".{VAULT_SUFFIX}") else PLACEHOLDER


def path_of(path: str) -> str:
    """A path with `{}` in the place of each part that is not the same for everybody.

    Args:
        path: as it was sent, without what was asked for behind it.
    """
    return "/".join(_segment(unquote(one)) for one in path.split("/"))


def _segment(segment: str) -> str:
    if segment in SEGMENTS or not segment or _VERSION.fullmatch(segment):
        return segment
    if keyed := _KEYED.fullmatch(segment):
        name, keys = keyed.groups()
        key = keys.partition("=")[0] if "=" in keys else ""
        shown = f"{key}={PLACEHOLDER}" if key in FIELDS else PLACEHOLDER
        return f"{name if name in SEGMENTS else PLACEHOLDER}({shown})"
    return PLACEHOLDER


def query_of(query: str) -> tuple[str, ...]:
    """The names of what was asked for behind a path.

    Args:
        query: as it was sent.
    """
    names = {name for name, _ in parse_qsl(query, keep_blank_values=True)}
    return tuple(sorted({name if name in PARAMETERS else PLACEHOLDER for name in names}))


def address_of(address: str) -> str:
    """Host and path of an address, as they are told; a relative one has no host."""
    try:
        parts = urlsplit(address)
        return (host_of(parts.hostname) if parts.hostname else "") + path_of(parts.path)
    except ValueError:
        return PLACEHOLDER
