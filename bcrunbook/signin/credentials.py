"""An application's proof of itself: a certificate, or a token of the platform it runs on."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

from bcrunbook.errors import FixInput
from bcrunbook.secrets import Secret, scrub


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


def certificate_of(path: Path, password: str | None) -> dict[str, Any]:
    """A certificate and its key as MSAL takes them, loaded here so that a slip is told as one."""
    try:
        content = path.read_bytes()
    except OSError as error:
        raise FixInput(
            f"The certificate cannot be read ({type(error).__name__}).",
            where=str(path),
            next="check sign_in.certificate in accounts.toml",
        ) from None
    try:
        if path.suffix.lower() in (".pfx", ".p12"):
            return _pfx(path, content, password)
        return _pem(content, password)
    except (ValueError, TypeError) as error:
        # cryptography raises TypeError for a password that is missing or not needed.
        raise FixInput(
            f"The certificate cannot be used: {scrub(str(error), where='certificate error')}",
            where=str(path),
            next="name a PFX file, or a PEM file that holds the certificate and its private RSA"
            " key, and give sign_in.certificate_password where there is one",
        ) from None


def _pfx(path: Path, content: bytes, password: str | None) -> dict[str, Any]:
    from cryptography.hazmat.primitives.serialization import pkcs12

    secret = password.encode() if password else None
    key, certificate, _ = pkcs12.load_key_and_certificates(content, secret)
    if certificate is None:
        raise ValueError("the PFX file holds no certificate")
    _check_key(key)
    return {"private_key_pfx_path": str(path), "passphrase": password}


def _pem(content: bytes, password: str | None) -> dict[str, Any]:
    from cryptography import x509
    from cryptography.hazmat.primitives import hashes, serialization

    certificate = x509.load_pem_x509_certificate(content)
    key = serialization.load_pem_private_key(content, password.encode() if password else None)
    _check_key(key)
    text = content.decode("ascii", errors="replace")
    return {
        "private_key": text,
        "thumbprint": certificate.fingerprint(hashes.SHA1()).hex(),
        "public_certificate": text[text.find("-----BEGIN CERTIFICATE-----") :],
        **({"passphrase": password} if password else {}),
    }


def _check_key(key: object) -> None:
    from cryptography.hazmat.primitives.asymmetric import rsa

    if not isinstance(key, rsa.RSAPrivateKey):
        raise ValueError("the file holds no private RSA key, and Entra takes no other")
