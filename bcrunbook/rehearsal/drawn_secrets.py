"""Secrets that are drawn at random, and the names under which a folder keeps its own."""

from __future__ import annotations

import secrets
import string
import uuid
from typing import Final

BATCH_SECRET: Final = "batch"
"""Under which name the client secret of the batch identity is kept."""

SECRET_ALPHABET: Final = string.ascii_letters + string.digits + "~.-_"
API_KEY_ALPHABET: Final = string.ascii_letters + string.digits


def password_name(upn: str) -> str:
    """Under which name a person's password is kept."""
    return f"password:{upn.lower()}"


def telemetry_name(tenant: str, environment: str) -> str:
    """Under which name the key of an environment's telemetry is kept."""
    return f"telemetry:{tenant}:{environment.lower()}"


def new_telemetry_key() -> str:
    """What opens the telemetry of an environment: a GUID, as any."""
    return str(uuid.uuid4())


def new_secret() -> str:
    """A client secret of the shape that the directory makes (contract G7.3)."""
    drawn = "".join(secrets.choice(SECRET_ALPHABET) for _ in range(37))
    return f"{drawn[:3]}{secrets.choice(string.digits)}Q~{drawn[3:]}"


def new_platform_proof() -> str:
    """What proves a job or an app to its platform; opaque to whoever bears it."""
    return secrets.token_urlsafe(48)


def new_password() -> str:
    """A password that any policy takes."""
    return f"{secrets.token_urlsafe(12)}-Aa1"


def new_api_key() -> str:
    """An API key of the shape that Codat makes: 40 letters and digits."""
    return "".join(secrets.choice(API_KEY_ALPHABET) for _ in range(40))
