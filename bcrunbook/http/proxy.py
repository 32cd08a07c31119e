"""Which proxy requests go through: read where it is set, and checked before it is used.

It may be set in accounts.toml or in the environment, often by somebody else and long ago, so it is
named when it is at fault. The name and password in a proxy's address are made known to the scrubber
first, and no message repeats what a library says of an address: a parser that takes a part of the
password for a port quotes it.
"""

from __future__ import annotations

import importlib.util
import os
import re
import urllib.request
from dataclasses import dataclass, field
from typing import Final, NoReturn
from urllib.parse import unquote

import httpx

from bcrunbook.cloud import Cloud
from bcrunbook.errors import FixInput
from bcrunbook.secrets import learn_environment

PROXY_SETTING: Final = "[network] proxy"
PROXY_FORM: Final = "http://HOST:PORT"
# As curl has them: the small letters win, and ALL_PROXY is for what has none of its own.
_VARIABLES: Final = ("https_proxy", "HTTPS_PROXY", "all_proxy", "ALL_PROXY")
_SOCKS: Final = ("socks5", "socks5h")
_HOST: Final = re.compile(r"(\[[0-9A-Fa-f:.%]+\]|[^\s:/?#@\[\]\\]+)(?::(\d{1,5}))?/?")
# What an address cannot hold as it is, and what stands for it there.
_UNENCODED: Final = re.compile(r"[/?#@\\\[\]\s]")


@dataclass(frozen=True)
class Proxy:
    """A proxy, and who says that it is to be used.

    Args:
        address: scheme, host and port, without name and password.
        source: the setting it was read from.
        user: name and password, as they are.
    """

    address: str
    source: str
    user: tuple[str, str] | None = field(default=None, repr=False)

    def __str__(self) -> str:
        return f"{self.address} ({self.source})"


def proxy_of(cloud: Cloud) -> Proxy | None:
    """The proxy that a cloud's requests go through, if any.

    Raises:
        FixInput: one is set that cannot be used; names the setting, and never repeats it.
    """
    if cloud.proxy is not None:
        return _parsed(cloud.proxy, PROXY_SETTING)
    if not cloud.is_live:
        return None
    learn_environment()
    for name in _VARIABLES:
        if name in os.environ:
            # An empty one switches off what the others say.
            value = os.environ[name].strip()
            return _parsed(value, f"the environment variable {name}") if value else None
    system = urllib.request.getproxies().get("https")
    return _parsed(system, "this system's proxy settings") if system else None


def _parsed(value: str, source: str) -> Proxy:
    def refuse(why: str, advice: str = f"give it as {PROXY_FORM}") -> NoReturn:
        raise FixInput(f"The proxy in {source} cannot be used.", why=why, next=advice)

    before, mark, rest = value.partition("://")
    # curl and pip take an address without a scheme for one of http.
    scheme, rest = (before.lower(), rest) if mark else ("http", value)
    user, at, address = rest.rpartition("@")
    if value[:1] in "'\"":
        refuse("its value begins with a quote", "set it without quotes around it")
    if scheme not in ("http", "https", *_SOCKS):
        refuse("it is no proxy for HTTP", f"give it as {PROXY_FORM}; socks5h:// needs httpx[socks]")
    if found := _UNENCODED.search(user):
        sign = found[0]
        refuse(
            "user name and password hold "
            + ("a blank" if sign.isspace() else f"the sign {sign}")
            + ", which ends them or is not allowed there",
            "percent-encode it in the user name and password: "
            + ", ".join(f"{one} as %{ord(one):02X}" for one in "/#?@\\")
            + ", a blank as %20",
        )
    host = _HOST.fullmatch(address)
    if host is None or int(host[2] or 0) > 65535:
        form = "http://USER:PASSWORD@HOST:PORT" if at else PROXY_FORM
        refuse("no host and port can be read from it", f"give it as {form}")
    if scheme in _SOCKS and importlib.util.find_spec("socksio") is None:
        refuse(
            "it is a SOCKS proxy, and those are not supported without a further package",
            'run: pip install "httpx[socks]"; or name an HTTP proxy in HTTPS_PROXY',
        )
    name, _, password = user.partition(":")
    return Proxy(
        f"{scheme}://{address.rstrip('/')}",
        source,
        (unquote(name), unquote(password)) if at else None,
    )


def goes_directly(url: httpx.URL) -> bool:
    """Whether the environment exempts an address from its proxy (NO_PROXY)."""
    proxies = urllib.request.getproxies_environment()
    if not proxies:
        # macOS and Windows have exceptions of their own.
        return bool(urllib.request.proxy_bypass(url.host))
    # Python knows `.codat.io`, and compares the port where there is one. Many write `*.codat.io`.
    proxies["no"] = ",".join(
        one.strip().removeprefix("*") if len(one.strip()) > 1 else one.strip()
        for one in proxies.get("no", "").split(",")
    )
    where = f"{url.host}:{url.port or 443}"
    return bool(urllib.request.proxy_bypass_environment(where, proxies))  # type: ignore[attr-defined]
