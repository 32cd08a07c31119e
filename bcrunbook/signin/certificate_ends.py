"""When a certificate of ours ends, as far as its file tells without a password."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from cryptography import x509


@dataclass(frozen=True)
class CertificateLife:
    """From when to when a certificate is valid (UTC)."""

    begins: datetime
    ends: datetime


def certificate_life(file: Path) -> CertificateLife | None:
    """The life of the certificate in a file; None where the file does not tell.

    Of several it is the one that has issued none of the others, and of those the one that ends
    last: that one is shown.

    Args:
        file: a .pem or .pfx file. No private key in it is read, and no password is asked for.
    """
    try:
        found = _certificates(file.read_bytes())
    except (OSError, ValueError, TypeError):
        return None
    issuers = {one.issuer for one in found if one.issuer != one.subject}
    own = [one for one in found if one.subject not in issuers]
    last = max(own, key=lambda one: one.not_valid_after_utc, default=None)
    if last is None:
        return None
    return CertificateLife(last.not_valid_before_utc, last.not_valid_after_utc)


def _certificates(content: bytes) -> list[x509.Certificate]:
    # Here and not above: most accounts have no certificate.
    from cryptography.hazmat.primitives.serialization import pkcs12
    from cryptography.x509 import load_pem_x509_certificates

    if b"-----BEGIN" in content:
        return load_pem_x509_certificates(content)
    _, own, others = pkcs12.load_key_and_certificates(content, None)
    return [*([own] if own is not None else []), *others]
