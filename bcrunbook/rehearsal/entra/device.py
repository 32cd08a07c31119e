"""The device authorization flow: codes handed out, typed in by a person, redeemed by the client.

Source: Entra docs, "OAuth 2.0 device authorization grant".
"""

from __future__ import annotations

import secrets
from typing import Any, Final

from bcrunbook.rehearsal import world
from bcrunbook.rehearsal.cloud import RehearsalCloud
from bcrunbook.rehearsal.entra import scopes
from bcrunbook.rehearsal.entra.authority import Authority
from bcrunbook.rehearsal.entra.clients import Client, find_client
from bcrunbook.rehearsal.entra.errors import SignInError, missing
from bcrunbook.rehearsal.messages import Answer, Call, json_answer
from bcrunbook.rehearsal.state import GLOBAL, Document

FLOW: Final = "deviceCode"
LIFETIME: Final = 900
INTERVAL: Final = 5
ALPHABET: Final = "ABCDEFGHJKLMNPQRSTUVWXYZ23456789"
PENDING: Final = "pending"
APPROVED: Final = "approved"
DECLINED: Final = "declined"
REDEEMED: Final = "redeemed"


def start(cloud: RehearsalCloud, authority: Authority, call: Call, version: int) -> Answer:
    """Hand out a pair of codes."""
    fields = {**call.params, **call.form}
    client = find_client(cloud, fields.get("client_id", ""), authority)
    resource, scope = fields.get("resource", ""), fields.get("scope", "")
    if version == 1:
        if not resource:
            raise missing("resource")
    else:
        scopes.parse(scope)
    code = cloud.canaries.add(secrets.token_urlsafe(96))
    # What a person reads aloud and types in is meant to be seen, so it is no canary.
    shown = "".join(secrets.choice(ALPHABET) for _ in range(9))
    cloud.store.put(
        FLOW,
        GLOBAL,
        code,
        {
            "user_code": shown,
            "client": client.app_id,
            "authority": authority.name,
            "scope": scope,
            "resource": resource,
            "at": cloud.clock.now(),
            "state": PENDING,
        },
    )
    page = f"{cloud.pages}/devicelogin"
    body: dict[str, Any] = {
        "user_code": shown,
        "device_code": code,
        "verification_uri": page,
        "expires_in": LIFETIME,
        "interval": cloud.clock.shortened(INTERVAL),
        "message": (
            f"To sign in, use a web browser to open the page {page} and enter the code {shown} "
            "to authenticate."
        ),
    }
    if version == 1:
        body["verification_url"] = body.pop("verification_uri")
        body["expires_in"], body["interval"] = str(LIFETIME), str(body["interval"])
    return json_answer(200, body)


def find(cloud: RehearsalCloud, shown: str) -> tuple[str, Document] | None:
    """The running flow of a code that somebody typed in."""
    wanted = shown.strip().upper().replace("-", "")
    for key, flow in cloud.store.all_latest(FLOW, GLOBAL):
        if flow["user_code"] == wanted and flow["state"] == PENDING and not _expired(cloud, flow):
            return key, flow
    return None


def approve(cloud: RehearsalCloud, code: str, flow: Document, user: world.User) -> None:
    """A person signed in and agreed."""
    cloud.store.put(
        FLOW, GLOBAL, code, {**flow, "state": APPROVED, "tenant": user.tenant, "oid": user.oid}
    )


def decline(cloud: RehearsalCloud, code: str, flow: Document) -> None:
    """A person refused."""
    cloud.store.put(FLOW, GLOBAL, code, {**flow, "state": DECLINED})


def redeem(cloud: RehearsalCloud, client: Client, code: str) -> Document:
    """The flow of a device code once somebody has agreed; each other state is its own error."""
    flow = cloud.store.latest(FLOW, GLOBAL, code)
    if flow is None or flow["client"] != client.app_id:
        raise SignInError(
            70018,
            "bad_verification_code",
            "Invalid verification code due to User typing in wrong user code for device code flow.",
        )
    if flow["state"] == REDEEMED:
        raise SignInError(
            54005,
            "invalid_grant",
            "OAuth2 Authorization code was already redeemed, please retry with a new valid code "
            "or use an existing refresh token.",
        )
    if flow["state"] == DECLINED:
        raise SignInError(
            65004,
            "authorization_declined",
            "User declined to consent to access the app.",
        )
    if _expired(cloud, flow):
        raise SignInError(
            70019,
            "expired_token",
            "Verification code expired.",
        )
    if flow["state"] == PENDING:
        raise SignInError(
            70016,
            "authorization_pending",
            "OAuth 2.0 device flow error. Authorization is pending. Continue polling.",
        )
    cloud.store.put(FLOW, GLOBAL, code, {**flow, "state": REDEEMED})
    return flow


def _expired(cloud: RehearsalCloud, flow: Document) -> bool:
    return bool(cloud.clock.now() - flow["at"] > LIFETIME)
