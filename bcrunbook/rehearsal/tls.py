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
CLIENT_CERTIFICATE: Final = "client.pem"
CLIENT_KEY: Final = "client.key.pem"


def authority(directory: Path) -> trustme.CA:
    """The folder's certificate authority, made on first use."""
    certificate, key = directory / CERTIFICATE, directory / KEY
    if certificate.exists() and key.exists():
        return trustme.CA.from_pem(certificate.read_bytes(), key.read_bytes())
    ca = trustme.CA(organization_name="bcrunbook rehearsal cloud")
    private_file(key, ca.private_key_pem.bytes())
    certificate.write_bytes(ca.cert_pem.bytes())
    return ca


def client_certificate(directory: Path, ca: trustme.CA) -> tuple[Path, Path]:
    """The certificate, and its key, by which a client may show who it is; made on first use."""
    certificate, key = directory / CLIENT_CERTIFICATE, directory / CLIENT_KEY
    if not (certificate.exists() and key.exists()):
        issued = ca.issue_cert(common_name="client of the rehearsal cloud")
        private_file(key, issued.private_key_pem.bytes())
        certificate.write_bytes(issued.cert_chain_pems[0].bytes())
    return certificate, key


def server_context(ca: trustme.CA, hosts: Iterable[str]) -> ssl.SSLContext:
    """A context that answers each of the hosts with its own certificate and refuses others.

    The other end is asked for a certificate of this authority and may do without: whether one is
    needed depends on the request.
    """
    contexts: dict[str, ssl.SSLContext] = {}
    for host in hosts:
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        context.set_alpn_protocols(["http/1.1"])
        ca.issue_cert(host).configure_cert(context)
        ca.configure_trust(context)
        context.verify_mode = ssl.CERT_OPTIONAL
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
    # OpenSSL asks for a certificate as the first context says, and checks it by the chosen one.
    front.verify_mode = ssl.CERT_OPTIONAL
    front.sni_callback = choose
    return front
