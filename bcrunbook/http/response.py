"""Whether an answer is the service's own, or that of something in between."""

from __future__ import annotations

import ipaddress
import re
from collections.abc import Iterable
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    # For types alone: who only knows what answers look like need not wait for what fetches them.
    from httpx import URL
    from httpx import Response as Response


def address_of(url: str) -> URL:
    """An address as the HTTP stack reads it, so that what is checked is where it is sent."""
    import httpx

    return httpx.URL(url)


def safe_address(url: str) -> URL | None:
    """An address to which a secret may be sent: https, or this machine's own; None for others.

    Args:
        url: the address, from wherever.
    """
    address = _read(url)
    if address is None or address.userinfo or not re.fullmatch(r"[\w.:-]+", address.host):
        return None
    return address if address.scheme == "https" or is_of_this_machine(address) else None


def own_address(url: str, hosts: Iterable[str]) -> URL | None:
    """An address, if it is https at the usual port of one of these hosts or of one below them.

    Args:
        url: the address, from wherever.
        hosts: names of hosts.
    """
    address = _read(url)
    if address is None:
        return None
    is_own = any(address.host == one or address.host.endswith(f".{one}") for one in hosts)
    is_plain = address.port is None and not address.userinfo
    return address if address.scheme == "https" and is_own and is_plain else None


def _read(url: str) -> URL | None:
    import httpx

    try:
        return address_of(url)
    except httpx.InvalidURL:
        return None


def is_of_this_machine(address: URL) -> bool:
    """Whether an address is one at which this machine, or what carries it, speaks to itself.

    Azure gives a machine its tokens at such an address, without encryption, and beside any proxy
    (contract G26.11).
    """
    if address.scheme != "http":
        return False
    if address.host == "localhost":
        return True
    try:
        ip = ipaddress.ip_address(address.host)
    except ValueError:
        return False
    return ip.is_loopback or ip.is_link_local


def is_elsewhere(status: int) -> bool:
    """Whether a status says that something other than the service answered.

    None of the services sends its caller elsewhere, and 511 ("Network Authentication Required") is
    for those in between.
    """
    return 300 <= status < 400 or status == 511


def is_strange(response: Response) -> bool:
    """Whether an answer is none of a service that always speaks JSON."""
    if is_elsewhere(response.status_code) or not response.is_success:
        return is_elsewhere(response.status_code)
    try:
        response.json()
    except (ValueError, RecursionError):
        return True
    return False
