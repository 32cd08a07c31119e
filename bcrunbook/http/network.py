"""The way out of this machine: what sends by it, and what is meant when it is barred.

Proxy and certificates are settings of `proxy` and `certificates`; here they become a transport, and
a fault on the way becomes an error that names the setting and who can mend it.
"""

from __future__ import annotations

import ssl
from collections.abc import Callable
from typing import Final

import httpx

from bcrunbook.cloud import Cloud
from bcrunbook.errors import FixInput, Unreachable
from bcrunbook.http.certificates import (
    add_client_certificate,
    speaks_of_certificates,
    trust_variable,
    trusted_certificates,
)
from bcrunbook.http.proxy import PROXY_FORM, PROXY_SETTING, Proxy, goes_directly, proxy_of
from bcrunbook.secrets import scrub

BESIDE_PROXY: Final = "beside_proxy"
"""The extension of a request that no proxy may carry."""

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
            FixInput: the proxy, the trusted certificates or our own one cannot be used.
        """
        usual = self._transport(trusted_certificates(self._cloud))
        mine = self._cloud.certificate
        if mine is None:
            return usual
        trusted = trusted_certificates(self._cloud)
        add_client_certificate(trusted, mine)
        return _ByHost(mine.host, self._transport(trusted), usual)

    def _transport(self, trusted: ssl.SSLContext) -> httpx.AsyncBaseTransport:
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
                next=f"give it as {PROXY_FORM}",
            ) from None
        direct = httpx.AsyncHTTPTransport(verify=trusted)
        return _Bypassing(proxied, direct, lambda url: self.proxy_for(str(url)) is None)

    def proxy_for(self, url: str) -> Proxy | None:
        """The proxy through which a request goes; None where it goes directly."""
        if self._proxy is None or self._proxy.source == PROXY_SETTING:
            return self._proxy
        return None if goes_directly(httpx.URL(url)) else self._proxy

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

    def certificate_refused(self, error: httpx.RequestError, url: str) -> FixInput | None:
        """The error for a host that broke off over our own certificate; None for anything else."""
        if not speaks_of_certificates(error):
            return None
        host, mine = httpx.URL(url).host, self._cloud.certificate
        if mine is None or mine.host != host:
            return FixInput(
                f"{host} wants a client certificate.",
                why="mutual TLS is switched on there",
                next="have a certificate issued, and name it in accounts.toml; for Codat:"
                " [accounts.NAME.codat_mtls] with client, certificate and private_key",
            )
        return FixInput(
            f"{host} does not accept the client certificate.",
            where=f"accounts.toml, {mine.setting}",
            why="it has expired, was revoked, or was issued for something else",
            next="name the certificate that was issued to you last, and its private key",
            who="you, or whoever got the certificate from the service",
        )

    def _not_trusted(self, detail: str) -> tuple[str, str, str]:
        """Why a certificate was refused, what to do, and who: by what OpenSSL says of it.

        Its words are those of X509_verify_cert_error_string.
        """
        reason = detail.lower()
        ca, variable = self._cloud.ca, trust_variable()
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


def _detail(error: httpx.RequestError) -> str:
    return scrub(str(error), where="transport error") or type(error).__name__


class _ByHost(httpx.AsyncBaseTransport):
    """Sends to one host in a way of its own, and to all others as usual."""

    def __init__(
        self, host: str, own: httpx.AsyncBaseTransport, usual: httpx.AsyncBaseTransport
    ) -> None:
        self._host = host
        self._own = own
        self._usual = usual

    async def handle_async_request(self, request: httpx.Request) -> httpx.Response:
        way = self._own if request.url.host == self._host else self._usual
        return await way.handle_async_request(request)

    async def aclose(self) -> None:
        await self._own.aclose()
        await self._usual.aclose()


class _Bypassing(httpx.AsyncBaseTransport):
    """Sends through a proxy, or directly where an address does without or the caller says so."""

    def __init__(
        self,
        proxied: httpx.AsyncBaseTransport,
        direct: httpx.AsyncBaseTransport,
        does_without: Callable[[httpx.URL], bool],
    ) -> None:
        self._proxied = proxied
        self._direct = direct
        self._does_without = does_without

    async def handle_async_request(self, request: httpx.Request) -> httpx.Response:
        is_direct = BESIDE_PROXY in request.extensions or self._does_without(request.url)
        way = self._direct if is_direct else self._proxied
        return await way.handle_async_request(request)

    async def aclose(self) -> None:
        await self._proxied.aclose()
        await self._direct.aclose()
