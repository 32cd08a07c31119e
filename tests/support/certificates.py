"""Keys and certificates that nobody else has signed, and an authority that signs some."""

from __future__ import annotations

import ssl
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

from cryptography import x509
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.serialization import (
    BestAvailableEncryption,
    Encoding,
    NoEncryption,
    PrivateFormat,
)
from cryptography.x509.oid import NameOID


def self_signed(key: Any, *, since: int = -1, name: str = "runner") -> x509.Certificate:
    """A certificate for a key, valid for a month since a day (from today)."""
    return issued(key, key, since=since, name=name, by=name)


def issued(
    key: Any, authority: Any, *, since: int = -1, name: str = "runner", by: str = "authority"
) -> x509.Certificate:
    """A certificate for a key that an authority, by its key and name, has signed."""
    subject, issuer = (
        x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, one)]) for one in (name, by)
    )
    begins = datetime.now(UTC) + timedelta(days=since)
    builder = x509.CertificateBuilder().subject_name(subject).issuer_name(issuer)
    builder = builder.public_key(key.public_key()).serial_number(x509.random_serial_number())
    builder = builder.not_valid_before(begins).not_valid_after(begins + timedelta(days=30))
    return builder.sign(authority, hashes.SHA256())


def pem_of(key: Any, password: str = "") -> bytes:
    """A private key as PEM."""
    kind = BestAvailableEncryption(password.encode()) if password else NoEncryption()
    return bytes(key.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, kind))


class Authority:
    """A certificate authority of a company's own, and servers with its certificates."""

    def __init__(self) -> None:
        self._key = ec.generate_private_key(ec.SECP256R1())
        self._name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "company authority")])
        usage = dict.fromkeys(_USAGES, False) | {"key_cert_sign": True, "crl_sign": True}
        self._certificate = (
            self._builder(self._name, self._key, datetime.now(UTC) + timedelta(days=30))
            .add_extension(x509.BasicConstraints(ca=True, path_length=None), critical=True)
            .add_extension(x509.KeyUsage(**usage), critical=True)
            .sign(self._key, hashes.SHA256())
        )
        self.pem = self._certificate.public_bytes(Encoding.PEM)

    def server(
        self,
        folder: Path,
        host: str,
        *,
        until: datetime | None = None,
        names_authority: bool = True,
    ) -> ssl.SSLContext:
        """What a server for a host needs.

        Args:
            folder: where the certificate may be put.
            host: the host that it is for.
            until: when it ends; in a month when None.
            names_authority: whether it says which key has signed it.
        """
        key = ec.generate_private_key(ec.SECP256R1())
        name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, host)])
        builder = self._builder(name, key, until or datetime.now(UTC) + timedelta(days=30))
        builder = builder.add_extension(
            x509.SubjectAlternativeName([x509.DNSName(host)]), critical=False
        )
        if names_authority:
            builder = builder.add_extension(
                x509.AuthorityKeyIdentifier.from_issuer_public_key(self._key.public_key()),
                critical=False,
            )
        file = folder / f"{x509.random_serial_number():x}.pem"
        certificate = builder.sign(self._key, hashes.SHA256())
        file.write_bytes(pem_of(key) + certificate.public_bytes(Encoding.PEM))
        context = ssl.create_default_context(ssl.Purpose.CLIENT_AUTH)
        context.load_cert_chain(file)
        return context

    def _builder(self, name: x509.Name, key: Any, until: datetime) -> x509.CertificateBuilder:
        return (
            x509.CertificateBuilder()
            .subject_name(name)
            .issuer_name(self._name)
            .public_key(key.public_key())
            .serial_number(x509.random_serial_number())
            .not_valid_before(datetime.now(UTC) - timedelta(days=10))
            .not_valid_after(until)
            .add_extension(
                x509.SubjectKeyIdentifier.from_public_key(key.public_key()), critical=False
            )
        )


_USAGES = (
    "digital_signature",
    "content_commitment",
    "key_encipherment",
    "data_encipherment",
    "key_agreement",
    "key_cert_sign",
    "crl_sign",
    "encipher_only",
    "decipher_only",
)
