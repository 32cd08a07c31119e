"""Keys, and certificates that nobody or an authority of the test has signed."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Any

from cryptography import x509
from cryptography.hazmat.primitives import hashes
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
