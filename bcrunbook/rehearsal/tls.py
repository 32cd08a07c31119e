"""Certificates: one certificate authority per folder, kept; one certificate per host, fresh.

The authority is nobody's but this folder's: its key stays in it, and trusting it is a matter of
one client setting, never of the machine.
"""

from __future__ import annotations

import ssl
from collections.abc import Iterable
from pathlib import Path
from typing import Final

import trustme

from bcrunbook.rehearsal.log import private_file

CERTIFICATE: Final = "ca.pem"
KEY: Final = "ca.key.pem"


def authority(directory: Path) -> trustme.CA:
    """The folder's certificate authority, made on first use."""
    certificate, key = directory / CERTIFICATE, directory / KEY
    if certificate.exists() and key.exists():
        return trustme.CA.from_pem(certificate.read_bytes(), key.read_bytes())
    ca = trustme.CA(organization_name="bcrunbook rehearsal cloud")
    private_file(key, ca.private_key_pem.bytes())
    certificate.write_bytes(ca.cert_pem.bytes())
    return ca


def server_context(ca: trustme.CA, hosts: Iterable[str]) -> ssl.SSLContext:
    """A context that answers each of the hosts with its own certificate and refuses others."""
    contexts: dict[str, ssl.SSLContext] = {}
    for host in hosts:
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        context.set_alpn_protocols(["http/1.1"])
        ca.issue_cert(host).configure_cert(context)
        contexts[host] = context

    def choose(
        connection: ssl.SSLObject | ssl.SSLSocket, name: str | None, _: ssl.SSLContext
    ) -> int | None:
        chosen = contexts.get((name or "").lower().rstrip("."))
        if chosen is None:
            return ssl.ALERT_DESCRIPTION_UNRECOGNIZED_NAME
        connection.context = chosen
        return None

    front = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    front.set_alpn_protocols(["http/1.1"])
    front.sni_callback = choose
    return front
