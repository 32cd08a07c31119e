"""An application's proof of itself: a certificate, or a token of the platform it runs on."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

from bcrunbook.errors import FixInput
from bcrunbook.secrets import Secret, Veiled, scrub

_PFX = (".pfx", ".p12")


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
    """A certificate and its key as MSAL takes them, loaded here so that a slip is told as one.

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
            next="name a PFX file, or a PEM file that holds the certificate and its private RSA"
            " key, and give sign_in.certificate_password where there is one",
        )
    # Not raised above: the frames in which it failed hold the key.
    raise failed


def _pfx(path: Path, password: Secret | None) -> Veiled[dict[str, Any]]:
    from cryptography.hazmat.primitives.serialization import pkcs12

    text = password.reveal() if password else None
    key, certificate, _ = pkcs12.load_key_and_certificates(
        path.read_bytes(), text.encode() if text else None
    )
    if certificate is None:
        raise ValueError("the PFX file holds no certificate")
    _check_key(key)
    return Veiled({"private_key_pfx_path": str(path), "passphrase": text})


def _pem(path: Path, password: Secret | None) -> Veiled[dict[str, Any]]:
    from cryptography import x509
    from cryptography.hazmat.primitives import hashes, serialization

    content = path.read_bytes()
    passphrase = password.reveal() if password else None
    certificate = x509.load_pem_x509_certificate(content)
    key = serialization.load_pem_private_key(content, passphrase.encode() if passphrase else None)
    _check_key(key)
    text = content.decode("ascii", errors="replace")
    return Veiled(
        {
            "private_key": text,
            "thumbprint": certificate.fingerprint(hashes.SHA1()).hex(),
            "public_certificate": text[text.find("-----BEGIN CERTIFICATE-----") :],
            **({"passphrase": passphrase} if passphrase else {}),
        }
    )


def _check_key(key: object) -> None:
    from cryptography.hazmat.primitives.asymmetric import rsa

    if not isinstance(key, rsa.RSAPrivateKey):
        raise ValueError("the file holds no private RSA key, and Entra takes no other")
