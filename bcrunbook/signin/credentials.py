"""An application's proof of itself: a certificate, or a token of the platform it runs on."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

from bcrunbook.errors import FixInput
from bcrunbook.secrets import Secret, Veiled, scrub

_PFX: Final = (".pfx", ".p12")

if TYPE_CHECKING:
    from cryptography import x509
    from cryptography.hazmat.primitives.asymmetric import rsa


def assertion_of(path: Path) -> Callable[[], str]:
    """A function that reads the platform's token from its file, anew at each call.

    Raises:
        FixInput: (the function) the file is missing, empty or no text.
    """

    def assertion() -> str:
        try:
            value = path.read_text(encoding="utf-8").strip()
        except (OSError, UnicodeDecodeError) as error:
            value, why = "", type(error).__name__
        else:
            why = "it is empty"
        if value:
            return Secret(value).reveal()
        raise FixInput(
            f"The federated token cannot be read ({why}).",
            where=str(path),
            next="check sign_in.token_file and that the platform has written the file",
        )

    return assertion


def certificate_of(path: Path, password: Secret | None) -> Veiled[dict[str, Any]]:
    """A certificate and its key as MSAL takes them, loaded here so that a slip is reported as one.

    Raises:
        FixInput: the file cannot be read, or is not what Entra takes.
    """
    try:
        return _pfx(path, password) if path.suffix.lower() in _PFX else _pem(path, password)
    except OSError as error:
        failed = FixInput(
            f"The certificate cannot be read ({type(error).__name__}).",
            where=str(path),
            next="check sign_in.certificate in accounts.toml",
        )
    except Exception as error:
        # cryptography raises ValueError, TypeError for a password that is missing or not needed,
        # and exceptions of its own for what it does not support.
        failed = FixInput(
            f"The certificate cannot be used: {scrub(str(error), where='certificate error')}",
            where=str(path),
            next="name a PFX file, or a PEM file that holds a valid certificate and its private RSA"
            " key, and give sign_in.certificate_password where there is one",
        )
    # Not raised above: the frames in which it failed hold the key.
    raise failed


def _pfx(path: Path, password: Secret | None) -> Veiled[dict[str, Any]]:
    from cryptography.hazmat.primitives.serialization import pkcs12

    text = password.reveal() if password else None
    key, certificate, others = pkcs12.load_key_and_certificates(
        path.read_bytes(), text.encode() if text else None
    )
    if certificate is None and not others:
        raise ValueError("the PFX file holds no certificate")
    own = _chain(key, [*filter(None, [certificate]), *others])
    if own[0] == certificate:
        return Veiled({"private_key_pfx_path": str(path), "passphrase": text})
    return _as_pem(key, own)


def _pem(path: Path, password: Secret | None) -> Veiled[dict[str, Any]]:
    from cryptography import x509
    from cryptography.hazmat.primitives import serialization

    content, text = path.read_bytes(), password.reveal() if password else None
    certificates = x509.load_pem_x509_certificates(content)
    key = serialization.load_pem_private_key(content, text.encode() if text else None)
    return _as_pem(key, _chain(key, certificates))


def _as_pem(key: Any, chain: Sequence[x509.Certificate]) -> Veiled[dict[str, Any]]:
    from cryptography.hazmat.primitives import hashes, serialization

    text = key.private_bytes(
        serialization.Encoding.PEM,
        serialization.PrivateFormat.PKCS8,
        serialization.NoEncryption(),
    ).decode()
    return Veiled(
        {
            "private_key": text,
            "thumbprint": chain[0].fingerprint(hashes.SHA1()).hex(),
            "public_certificate": b"".join(
                one.public_bytes(serialization.Encoding.PEM) for one in chain
            ).decode(),
        }
    )


def _chain(key: object, certificates: Sequence[x509.Certificate]) -> list[x509.Certificate]:
    """The key's own certificate and, after it, who issued it, as far as the file tells.

    A file may hold them in any order: one made from a Key Vault's PFX has the authority first.
    """
    from cryptography.hazmat.primitives.asymmetric import rsa

    if not isinstance(key, rsa.RSAPrivateKey):
        raise ValueError("the file holds no private RSA key, and Entra takes no other")
    own = [one for one in certificates if _is_of(one, key)]
    if not own:
        raise ValueError("the private key in it belongs to none of the certificates in it")
    now = datetime.now(UTC)
    # Of one that was renewed for the same key, the one that is valid, and longest.
    own.sort(key=lambda one: (_is_valid(one, now), one.not_valid_after_utc), reverse=True)
    if now > own[0].not_valid_after_utc:
        raise ValueError(f"it expired on {own[0].not_valid_after_utc:%Y-%m-%d}")
    if now < own[0].not_valid_before_utc:
        raise ValueError(
            f"it is valid from {own[0].not_valid_before_utc:%Y-%m-%d %H:%M} UTC only, or this"
            " machine's clock is wrong"
        )
    chain, left = own[:1], [one for one in certificates if one not in own]
    while issuer := next((one for one in left if _has_issued(one, chain[-1])), None):
        chain.append(issuer)
        left.remove(issuer)
    return chain


def _is_of(certificate: x509.Certificate, key: rsa.RSAPrivateKey) -> bool:
    from cryptography.exceptions import UnsupportedAlgorithm

    try:
        return certificate.public_key() == key.public_key()
    except (ValueError, UnsupportedAlgorithm):
        return False  # an authority's key may be of a kind that is not known here


def _is_valid(certificate: x509.Certificate, now: datetime) -> bool:
    return certificate.not_valid_before_utc <= now <= certificate.not_valid_after_utc


def _has_issued(issuer: x509.Certificate, certificate: x509.Certificate) -> bool:
    from cryptography.exceptions import InvalidSignature, UnsupportedAlgorithm

    try:
        certificate.verify_directly_issued_by(issuer)
    except (ValueError, TypeError, InvalidSignature, UnsupportedAlgorithm):
        return False
    return True
