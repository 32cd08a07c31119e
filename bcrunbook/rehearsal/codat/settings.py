"""Settings of an instance: profile, allowed origins, and the tokens that browser parts need.

Source: Codat's OpenAPI description (Settings, CORS settings, Get company access token). The old
`apiKey` of a profile is a secret and is left out; a PUT needs all fields.
"""

from __future__ import annotations

import re
import secrets
from typing import Any, Final
from urllib.parse import urlsplit

from bcrunbook.rehearsal.cloud import RehearsalCloud
from bcrunbook.rehearsal.codat import world
from bcrunbook.rehearsal.codat.errors import bad_request
from bcrunbook.rehearsal.codat.records import find_company
from bcrunbook.rehearsal.codat.request import Request
from bcrunbook.rehearsal.messages import Answer, json_answer

PROFILE: Final = "codatProfile"
ORIGINS: Final = "codatOrigins"
ONLY: Final = "-"
"""The key of a record of which an instance has one."""

PROFILE_TEXTS: Final = ("name", "redirectUrl", "logoUrl", "iconUrl")
TOKEN_SECONDS: Final = 86400


def profile_of(cloud: RehearsalCloud, instance: world.Instance) -> dict[str, Any]:
    """The profile of an instance."""
    kept = cloud.store.latest(PROFILE, instance.id, ONLY)
    return kept or {
        "name": instance.name,
        "redirectUrl": "https://app.millrace.example/linked/{companyId}",
        "logoUrl": f"https://client-images.codat.io/logo/{instance.id}.png",
        "iconUrl": f"https://client-images.codat.io/icon/{instance.id}.ico",
        "whiteListUrls": [],
    }


def profile(request: Request) -> Answer:
    """The profile."""
    return json_answer(200, profile_of(request.cloud, request.instance))


def replace_profile(request: Request) -> Answer:
    """The profile anew."""
    body = request.body()
    for name in PROFILE_TEXTS:
        if not isinstance(body.get(name), str):
            raise bad_request(f"`{name}` is required and must be a string.")
    urls = _urls(body, "whiteListUrls")
    document = {**{name: body[name] for name in PROFILE_TEXTS}, "whiteListUrls": urls}
    request.cloud.store.put(PROFILE, request.instance.id, ONLY, document)
    return json_answer(200, document)


def origins(request: Request) -> Answer:
    """Which origins may call from a browser."""
    kept = request.cloud.store.latest(ORIGINS, request.instance.id, ONLY)
    return json_answer(200, kept or {"allowedOrigins": []})


def set_origins(request: Request) -> Answer:
    """Say which origins may call from a browser, all of them anew."""
    document = {"allowedOrigins": _urls(request.body(), "allowedOrigins")}
    request.cloud.store.put(ORIGINS, request.instance.id, ONLY, document)
    return json_answer(200, document)


def access_token(request: Request, company: str) -> Answer:
    """A token for the browser parts of one company. Nothing here takes it."""
    find_company(request, company)
    token = request.cloud.canaries.add(secrets.token_urlsafe(48))
    return json_answer(
        200, {"expiresIn": TOKEN_SECONDS, "accessToken": token, "tokenType": "Bearer"}
    )


def is_url(value: Any) -> bool:
    """Whether a value is an absolute web address."""
    if not isinstance(value, str) or not re.fullmatch(r"[!-~]+", value):
        return False
    try:
        parts = urlsplit(value)
        has_good_port = parts.port is None or parts.port > 0
    except ValueError:
        return False
    return parts.scheme in ("http", "https") and bool(parts.hostname) and has_good_port


def _urls(body: dict[str, Any], name: str) -> list[str]:
    given = body.get(name)
    if not isinstance(given, list) or not all(is_url(value) for value in given):
        raise bad_request(f"`{name}` is required and must be an array of URLs.")
    return given
