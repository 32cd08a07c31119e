"""The way out of this machine: proxy, exceptions from it, trusted certificates, and their faults.

All of it may be set in accounts.toml or in the environment, often by somebody else and long ago.
So each setting is read here, checked before it is used, and named when it is at fault. The name
and password in a proxy's address are made known to the scrubber first, and no message repeats what
a library says of an address: a parser that takes a part of the password for a port quotes it.
"""

from __future__ import annotations

import contextlib
import errno
import importlib.util
import os
import re
import ssl
import urllib.request
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Final, NoReturn
from urllib.parse import unquote

import httpx

from bcrunbook.cloud import Cloud
from bcrunbook.errors import FixInput, Unreachable
from bcrunbook.secrets import learn_environment, scrub

_IN_FILE: Final = "[network] proxy"
_CA: Final = "[network] ca"
# As curl has them: the small letters win, and ALL_PROXY is for what has none of its own.
_VARIABLES: Final = ("https_proxy", "HTTPS_PROXY", "all_proxy", "ALL_PROXY")
_SOCKS: Final = ("socks5", "socks5h")
_HOST: Final = re.compile(r"(\[[0-9A-Fa-f:.%]+\]|[^\s:/?#@\[\]\\]+)(?::(\d{1,5}))?/?")
# What an address cannot hold as it is, and what stands for it there.
_UNENCODED: Final = re.compile(r"[/?#@\\\[\]\s]")
_FORM: Final = "http://HOST:PORT"


@dataclass(frozen=True)
class Proxy:
    """A proxy, and who says that it is to be used.

    Attributes:
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
        return _parsed(cloud.proxy, _IN_FILE)
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
    def refuse(why: str, advice: str = f"give it as {_FORM}") -> NoReturn:
        raise FixInput(f"The proxy in {source} cannot be used.", why=why, next=advice)

    before, mark, rest = value.partition("://")
    # curl and pip take an address without a scheme for one of http.
    scheme, rest = (before.lower(), rest) if mark else ("http", value)
    user, at, address = rest.rpartition("@")
    if value[:1] in "'\"":
        refuse("its value begins with a quote", "set it without quotes around it")
    if scheme not in ("http", "https", *_SOCKS):
        refuse("it is no proxy for HTTP", f"give it as {_FORM}; socks5h:// needs httpx[socks]")
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
        form = "http://USER:PASSWORD@HOST:PORT" if at else _FORM
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


class Network:
    """How one cloud is reached.

    Args:
        cloud: where requests go.

    Raises:
        FixInput: a setting of the network cannot be used; names it.
    """

    def __init__(self, cloud: Cloud) -> None:
        self._cloud = cloud
        self._proxy = proxy_of(cloud)

    def transport(self) -> httpx.AsyncBaseTransport:
        """What sends.

        Raises:
            FixInput: the proxy or the trusted certificates cannot be used.
        """
        trusted = trusted_certificates(self._cloud)
        if self._proxy is None:
            return httpx.AsyncHTTPTransport(verify=trusted)
        try:
            proxy = httpx.Proxy(
                self._proxy.address,
                auth=self._proxy.user,
                ssl_context=trusted if self._proxy.address.startswith("https:") else None,
            )
            proxied = httpx.AsyncHTTPTransport(verify=trusted, proxy=proxy)
        except (ValueError, httpx.InvalidURL):
            raise FixInput(
                f"The proxy in {self._proxy.source} cannot be used.",
                why="its host is no name that a machine can have",
                next=f"give it as {_FORM}",
            ) from None
        if self._proxy.source == _IN_FILE:
            return proxied
        return _ByEnvironment(proxied, httpx.AsyncHTTPTransport(verify=trusted))

    def proxy_for(self, url: str) -> Proxy | None:
        """The proxy through which a request goes; None where it goes directly."""
        if self._proxy is None or self._proxy.source == _IN_FILE:
            return self._proxy
        return None if _goes_directly(httpx.URL(url)) else self._proxy

    def refused(self, error: httpx.ProxyError, where: str, url: str) -> Unreachable:
        """The error for a proxy that did not let a request through."""
        detail = _detail(error)
        proxy = self.proxy_for(url)
        next, who = "check the proxy's address and what it allows, then run again", _KEEPER
        why = f"it does not let this host through: {proxy}"
        if not self._cloud.is_live:
            why = "the rehearsal cloud does not stand in for this host"
        elif detail.startswith("407") and proxy is not None and proxy.user is not None:
            why = (
                f"{proxy} does not take the user name and password that it was given, or takes"
                " them by NTLM or Negotiate only"
            )
            next = (
                f"correct them in {proxy.source}, percent-encoded; for NTLM or Negotiate run a"
                " local helper such as px or cntlm, and name that in HTTPS_PROXY"
            )
        elif detail.startswith("407"):
            why = f"{proxy} wants to know who asks"
            leave = " and leave [network] proxy out" if self._cloud.proxy is not None else ""
            next = (
                "set HTTPS_PROXY=http://USER:PASSWORD@HOST:PORT in the environment,"
                f" percent-encoded{leave}: accounts.toml holds no password. For NTLM or Negotiate"
                " run a local helper such as px or cntlm, and name that"
            )
        return Unreachable(
            f"The proxy refused the connection: {detail}.",
            where=where,
            why=why,
            next=next,
            who=who,
        )

    def silent(self, error: httpx.RequestError, where: str, url: str) -> Unreachable:
        """The error for a proxy that took the connection and never said whether the way is open."""
        return Unreachable(
            f"The proxy does not answer: {_detail(error)}.",
            where=where,
            why=f"it is overloaded, or lets nobody through to this host: {self.proxy_for(url)}",
            next="check the proxy's address and what it allows, then run again",
            who=_KEEPER,
        )

    def not_connected(self, error: httpx.RequestError, where: str, url: str) -> Unreachable:
        """The error for a connection that could not be made."""
        detail = _detail(error)
        what = f"No connection could be made: {detail}."
        if not self._cloud.is_live:
            return Unreachable(
                what,
                where=where,
                why="the rehearsal cloud has stopped",
                next="start it and leave it running: bcrunbook rehearsal serve --dir"
                f" {self._cloud.directory}",
            )
        if "CERTIFICATE_VERIFY_FAILED" in detail:
            why, next, who = self._not_trusted(detail)
            return Unreachable(what, where=where, why=why, next=next, who=who)
        proxy = self.proxy_for(url)
        if proxy is not None:
            return Unreachable(
                f"No connection could be made to the proxy: {detail}.",
                where=where,
                why=f"nothing answers at {proxy}",
                next=f"check the connection and {proxy.source}, then run again",
            )
        return Unreachable(
            what,
            where=where,
            why="the network is down, or needs a proxy",
            next="check the connection and [network] proxy in accounts.toml, then run again",
        )

    def _not_trusted(self, detail: str) -> tuple[str, str, str]:
        """Why a certificate was refused, what to do, and who: by what OpenSSL says of it.

        Its words are those of X509_verify_cert_error_string.
        """
        reason = detail.lower()
        ca, variable = self._cloud.ca, _trust_variable()
        if any(words in reason for words in _STRICT) and self._cloud.strict_certificates:
            return (
                "Python 3.13 and later want certificates as RFC 5280 has them, and those of an"
                " authority that inspects TLS traffic often lack something",
                "have its certificates made anew with what is missing, or accept them as they are:"
                " strict = false in accounts.toml, [network]",
                _KEEPER,
            )
        if "expired" in reason or "not yet valid" in reason:
            return (
                "by this machine's clock the certificate is out of its time: the clock is wrong, or"
                " the certificate of a proxy has run out",
                "compare the clock with another one; if it is right, have the certificate renewed",
                _KEEPER,
            )
        if "mismatch" in reason:
            return (
                "something else answers in the service's place: the sign-on page of a network, a"
                " proxy, or a wrong entry for its name",
                "open the service's address in a browser of this machine, and see who answers",
                _KEEPER,
            )
        if any(words in reason for words in _UNKNOWN):
            inspected = "the network inspects TLS traffic with a certificate authority of its own"
            if ca is not None:
                return (
                    f"{inspected}, and that is not one of those in {ca}",
                    "export the authority that a browser of this machine names for the service,"
                    " root and what stands between, and put it in that file",
                    _KEEPER,
                )
            if variable:
                return (
                    f"the environment variable {variable} names the only authorities that are"
                    " trusted, and the right one is not among them",
                    f"unset {variable}, and name your network's own authority in accounts.toml,"
                    " [network] ca",
                    "you",
                )
            return (
                inspected,
                "name that authority's PEM file in accounts.toml, [network] ca",
                "you",
            )
        return (
            "a certificate was presented that does not hold",
            "open the service's address in a browser of this machine, and see what it says of the"
            " certificate",
            _KEEPER,
        )


_KEEPER: Final = "you, or whoever keeps the proxy"
_STRICT: Final = (
    "authority key identifier",
    "subject key identifier",
    "not marked critical",
    "basic constraints",
    "key usage",
    "subject alternative name",
    "issuer name empty",
    "subject name empty",
    "signature algorithm",
)
_UNKNOWN: Final = ("self-signed", "self signed", "unable to get", "unable to verify")


def _detail(error: httpx.RequestError) -> str:
    return scrub(str(error), where="transport error") or type(error).__name__


class _ByEnvironment(httpx.AsyncBaseTransport):
    """Sends through the environment's proxy, or directly where NO_PROXY says so."""

    def __init__(self, proxied: httpx.AsyncBaseTransport, direct: httpx.AsyncBaseTransport) -> None:
        self._proxied = proxied
        self._direct = direct

    async def handle_async_request(self, request: httpx.Request) -> httpx.Response:
        way = self._direct if _goes_directly(request.url) else self._proxied
        return await way.handle_async_request(request)

    async def aclose(self) -> None:
        await self._proxied.aclose()
        await self._direct.aclose()


def _goes_directly(url: httpx.URL) -> bool:
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


def _trust_variable() -> str:
    """The variable that replaces the usual authorities, as httpx reads it; empty for none."""
    names = ("SSL_CERT_FILE", "SSL_CERT_DIR")
    return next((name for name in names if os.environ.get(name)), "")


def trusted_certificates(cloud: Cloud) -> ssl.SSLContext:
    """What certificates are checked against.

    In the rehearsal its own authority only; live the usual ones, or those that SSL_CERT_FILE or
    SSL_CERT_DIR names in their place, and [network] ca beside them.

    Raises:
        FixInput: a file or folder cannot be used; names it and the setting.
    """
    _check_key_log()
    if cloud.ca is not None and not cloud.is_live:
        with _reading(cloud.ca, _CA):
            return ssl.create_default_context(cafile=str(cloud.ca))
    context = _usual_authorities()
    if cloud.ca is not None:
        with _reading(cloud.ca, _CA):
            context.load_verify_locations(cloud.ca)
    if not cloud.strict_certificates:
        context.verify_flags &= ~ssl.VERIFY_X509_STRICT
    return context


def _usual_authorities() -> ssl.SSLContext:
    variable = _trust_variable()
    if not variable:
        return httpx.create_ssl_context(trust_env=False)
    named = Path(os.environ[variable])
    with _reading(named, variable):
        if variable == "SSL_CERT_FILE":
            return ssl.create_default_context(cafile=str(named))
        # OpenSSL takes several, reads none before it is needed, and then only hashed names.
        folders = [Path(one) for one in str(named).split(os.pathsep)]
        if not any(_HASHED.fullmatch(file.name) for one in folders for file in _listed(one)):
            raise FileNotFoundError(errno.ENOENT, "no certificate is there under its hashed name")
        return ssl.create_default_context(capath=str(named))


_HASHED: Final = re.compile(r"[0-9a-f]{8}\.\d+")


def _listed(folder: Path) -> list[Path]:
    return list(folder.iterdir()) if folder.is_dir() else []


def _check_key_log() -> None:
    """See that what Python opens whenever certificates are read can be opened."""
    if named := os.environ.get("SSLKEYLOGFILE"):
        with _reading(Path(named), "SSLKEYLOGFILE"):
            open(named, "ab").close()


@contextlib.contextmanager
def _reading(path: Path, setting: str) -> Iterator[None]:
    try:
        yield
    except OSError as error:
        # An error of OpenSSL is one of these, and says nothing that helps.
        why = "it holds no certificate in the form PEM"
        if not isinstance(error, ssl.SSLError):
            why = error.strerror or type(error).__name__
        raise FixInput(
            "The CA bundle cannot be read."
            if setting == _CA
            else f"The environment variable {setting} names what cannot be used.",
            where=str(path),
            why=why,
            next=f"name a PEM file of certificate authorities in {_CA}"
            if setting == _CA
            else f"unset {setting}, or correct it: another program may have left it behind",
        ) from None
