"""The signing key of the stand-in for Entra, and JSON Web Tokens made and checked with it."""

from __future__ import annotations

import base64
import datetime
import hashlib
import json
from pathlib import Path
from typing import Any

from cryptography import x509
from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import padding, rsa
from cryptography.x509.oid import NameOID

from bcrunbook.rehearsal.log import private_file
from bcrunbook.rehearsal.messages import read_json


class InvalidToken(Exception):
    """The token is malformed or not ours."""


def b64url(data: bytes) -> str:
    """Base64url without padding."""
    return base64.urlsafe_b64encode(data).rstrip(b"=").decode()


def unb64url(text: str) -> bytes:
    """The reverse of `b64url`; ValueError for anything else."""
    return base64.b64decode(text.encode() + b"=" * (-len(text) % 4), altchars=b"-_", validate=True)


def split_token(token: str) -> tuple[dict[str, Any], dict[str, Any], bytes, bytes]:
    """Header, claims, signed part and signature of a token that nobody has verified yet."""
    try:
        head, claims, signature = token.split(".")
        parsed = read_json(unb64url(head)), read_json(unb64url(claims))
        raw = unb64url(signature)
    except (ValueError, UnicodeDecodeError) as problem:
        raise InvalidToken("not a JSON Web Token") from problem
    if not all(isinstance(part, dict) for part in parsed):
        raise InvalidToken("not a JSON Web Token")
    return parsed[0], parsed[1], f"{head}.{claims}".encode(), raw


class SigningKey:
    """An RSA key with the certificate that the discovery documents publish."""

    def __init__(self, key: rsa.RSAPrivateKey) -> None:
        self._key = key
        self._certificate = _certificate(key).public_bytes(serialization.Encoding.DER)
        self._id = b64url(hashlib.sha1(self._certificate).digest())

    @classmethod
    def kept_in(cls, path: Path) -> SigningKey:
        """The key in that file, made on first use."""
        if path.exists():
            key = serialization.load_pem_private_key(path.read_bytes(), None)
            if not isinstance(key, rsa.RSAPrivateKey):
                raise ValueError(f"{path} holds no RSA key")
            return cls(key)
        key = rsa.generate_private_key(public_exponent=65537, key_size=2048)
        private_file(
            path,
            key.private_bytes(
                serialization.Encoding.PEM,
                serialization.PrivateFormat.PKCS8,
                serialization.NoEncryption(),
            ),
        )
        return cls(key)

    def sign(self, claims: dict[str, Any]) -> str:
        """A token, RS256."""
        head = {"typ": "JWT", "alg": "RS256", "x5t": self._id, "kid": self._id}
        parts = [
            b64url(json.dumps(part, separators=(",", ":")).encode()) for part in (head, claims)
        ]
        signed = ".".join(parts)
        signature = self._key.sign(signed.encode(), padding.PKCS1v15(), hashes.SHA256())
        return f"{signed}.{b64url(signature)}"

    def verify(self, token: str) -> dict[str, Any]:
        """The claims of a token that this key signed; InvalidToken for any other."""
        head, claims, signed, signature = split_token(token)
        if head.get("alg") != "RS256":
            raise InvalidToken("the token is not signed with RS256")
        try:
            self._key.public_key().verify(signature, signed, padding.PKCS1v15(), hashes.SHA256())
        except InvalidSignature as problem:
            raise InvalidToken("the signature does not match") from problem
        return claims

    def published(self) -> dict[str, Any]:
        """The key as a JSON Web Key."""
        numbers = self._key.public_key().public_numbers()
        return {
            "kty": "RSA",
            "use": "sig",
            "kid": self._id,
            "x5t": self._id,
            "n": b64url(numbers.n.to_bytes(256, "big")),
            "e": b64url(numbers.e.to_bytes(3, "big")),
            "x5c": [base64.b64encode(self._certificate).decode()],
            "cloud_instance_name": "microsoftonline.com",
        }


def _certificate(key: rsa.RSAPrivateKey) -> x509.Certificate:
    """A self-signed certificate that depends on the key alone, so that its id never changes."""
    name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "rehearsal token signing")])
    start = datetime.datetime(2025, 1, 1, tzinfo=datetime.UTC)
    return (
        x509.CertificateBuilder()
        .subject_name(name)
        .issuer_name(name)
        .public_key(key.public_key())
        .serial_number(key.public_key().public_numbers().n % (1 << 64) or 1)
        .not_valid_before(start)
        .not_valid_after(start.replace(year=2045))
        .sign(key, hashes.SHA256())
    )
