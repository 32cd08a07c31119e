"""Applications that sign in without a secret, and a person at this machine's browser."""

from __future__ import annotations

import base64
import json
import os
import threading
import time
import webbrowser
from typing import Any

import pytest
from cryptography import x509
from cryptography.hazmat.primitives.serialization import Encoding

from tests.support.independent_client import browse

PLATFORM = "https://issuer.example"
"""The issuer of a platform whose tokens an application is told to trust."""
_EXCHANGE = "api://AzureADTokenExchange"


def key_credential(made: x509.Certificate) -> dict[str, Any]:
    """A certificate as an application holds it."""
    return {
        "type": "AsymmetricX509Cert",
        "usage": "Verify",
        "key": base64.b64encode(made.public_bytes(Encoding.DER)).decode(),
        "displayName": "runner",
    }


def federated_credential(subject: str) -> dict[str, Any]:
    """The trust in a platform's tokens as an application holds it."""
    return {"name": "runner", "issuer": PLATFORM, "subject": subject, "audiences": [_EXCHANGE]}


def platform_token(subject: str) -> str:
    """The token of a platform that Entra is told to trust."""
    claims = {
        "iss": PLATFORM,
        "sub": subject,
        "aud": _EXCHANGE,
        "exp": int(time.time()) + 300,
        "jti": os.urandom(8).hex(),
    }
    parts = [{"alg": "RS256", "typ": "JWT"}, claims]
    encoded = [base64.urlsafe_b64encode(json.dumps(one).encode()).decode() for one in parts]
    return ".".join([*(one.rstrip("=") for one in encoded), "c2ln"])


def sit_at_browser(patch: pytest.MonkeyPatch, **answers: str) -> None:
    """Put a person with these answers, as `browse` takes them, at the machine's browser."""

    def opened(url: str, *_: Any, **__: Any) -> bool:
        threading.Thread(target=browse, args=(url,), kwargs=answers, daemon=True).start()
        return True

    patch.setattr(webbrowser, "get", lambda *_: None)
    patch.setattr(webbrowser, "open", opened)
