"""Which certificates are trusted: those of accounts.toml, of the environment, or the usual ones."""

from __future__ import annotations

import contextlib
import errno
import os
import re
import ssl
from collections.abc import Iterator
from pathlib import Path
from typing import Final

import httpx

from bcrunbook.cloud import ClientCertificate, Cloud
from bcrunbook.errors import FixInput

_CA: Final = "[network] ca"
_ALERTS: Final = ("certificate", "unknown ca", "handshake failure")


def trust_variable() -> str:
    """The variable that replaces the usual authorities, as httpx reads it; empty for none."""
    names = ("SSL_CERT_FILE", "SSL_CERT_DIR")
    return next((name for name in names if os.environ.get(name)), "")


def trusted_certificates(cloud: Cloud) -> ssl.SSLContext:
    """What certificates are checked against.

    In the rehearsal its own authority only; live the usual ones, or those that SSL_CERT_FILE or
    SSL_CERT_DIR names in their place, and [network] ca beside them.

    Raises:
        FixInput: a file or folder cannot be used; names it and the setting.
    """
    _check_key_log()
    if cloud.ca is not None and not cloud.is_live:
        with _reading(cloud.ca, _CA):
            return ssl.create_default_context(cafile=str(cloud.ca))
    context = _usual_authorities()
    if cloud.ca is not None:
        with _reading(cloud.ca, _CA):
            context.load_verify_locations(cloud.ca)
    if not cloud.strict_certificates:
        context.verify_flags &= ~ssl.VERIFY_X509_STRICT
    return context


def add_client_certificate(context: ssl.SSLContext, mine: ClientCertificate) -> None:
    """Have a context show a certificate to whoever asks for one.

    Raises:
        FixInput: a file cannot be read, holds something else, or the two do not belong together.
    """
    why = ""
    try:
        # Without a function OpenSSL asks for a password at the terminal, and waits there.
        context.load_cert_chain(mine.certificate, mine.private_key, password=_no_password)
    except ssl.SSLError as error:
        reason = error.reason or ""
        why = (
            "the private key belongs to another certificate"
            if "MISMATCH" in reason
            else "one of the two files holds no such thing in the form PEM"
        )
    except OSError as error:
        why = error.strerror or type(error).__name__
    except _Protected:
        why = "the private key is protected by a password"
    if why:
        # Not raised above: the frames there know where the key is.
        raise FixInput(
            "The client certificate cannot be used.",
            where=f"accounts.toml, {mine.setting}",
            why=why,
            next="name the certificate that was issued to you and its private key, each as a PEM"
            " file, the key without a password and readable by you alone",
            who="you, or whoever got the certificate from the service",
        )


def speaks_of_certificates(error: Exception) -> bool:
    """Whether a host broke off over our own certificate, or over its being missing.

    OpenSSL names the alert by which it says so (RFC 8446, section 6.2).
    """
    detail = str(error).replace("_", " ").lower()
    return "alert" in detail and any(words in detail for words in _ALERTS)


class _Protected(Exception):
    """A private key wants a password."""


def _no_password() -> str:
    raise _Protected


def _usual_authorities() -> ssl.SSLContext:
    variable = trust_variable()
    if not variable:
        return httpx.create_ssl_context(trust_env=False)
    named = Path(os.environ[variable])
    with _reading(named, variable):
        if variable == "SSL_CERT_FILE":
            return ssl.create_default_context(cafile=str(named))
        # OpenSSL takes several, reads none before it is needed, and then only hashed names.
        folders = [Path(one) for one in str(named).split(os.pathsep)]
        if not any(_HASHED.fullmatch(file.name) for one in folders for file in _listed(one)):
            raise FileNotFoundError(errno.ENOENT, "no certificate is there under its hashed name")
        return ssl.create_default_context(capath=str(named))


_HASHED: Final = re.compile(r"[0-9a-f]{8}\.\d+")


def _listed(folder: Path) -> list[Path]:
    return list(folder.iterdir()) if folder.is_dir() else []


def _check_key_log() -> None:
    """See that what Python opens whenever certificates are read can be opened."""
    if named := os.environ.get("SSLKEYLOGFILE"):
        with _reading(Path(named), "SSLKEYLOGFILE"):
            open(named, "ab").close()


@contextlib.contextmanager
def _reading(path: Path, setting: str) -> Iterator[None]:
    try:
        yield
    except OSError as error:
        # An error of OpenSSL is one of these, and says nothing that helps.
        why = "it holds no certificate in the form PEM"
        if not isinstance(error, ssl.SSLError):
            why = error.strerror or type(error).__name__
        raise FixInput(
            "The CA bundle cannot be read."
            if setting == _CA
            else f"The environment variable {setting} names what cannot be used.",
            where=str(path),
            why=why,
            next=f"name a PEM file of certificate authorities in {_CA}"
            if setting == _CA
            else f"unset {setting}, or correct it: another program may have left it behind",
        ) from None
