"""Which endpoint serves which address.

Sources: Entra docs on the OAuth 2.0 flows, on OpenID Connect and on admin consent. What is marked
as recorded is what Microsoft's own client libraries ask for or what people are sent to, without its
being documented.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Final

from bcrunbook.rehearsal.cloud import RehearsalCloud
from bcrunbook.rehearsal.entra import (
    authorize,
    consent,
    device,
    device_page,
    discovery,
    token_endpoint,
)
from bcrunbook.rehearsal.entra.authority import find_authority
from bcrunbook.rehearsal.entra.errors import SignInError, error_answer
from bcrunbook.rehearsal.entra.pages import LOGIN_HOST, message_page
from bcrunbook.rehearsal.messages import Answer, Call, redirect
from bcrunbook.rehearsal.routing import Known, Route, Router, at

DOCUMENTED: Final = Known.DOCUMENTED
RECORDED: Final = Known.RECORDED

Endpoint = Callable[..., Answer]
"""From the cloud, the request and what stands in the address to the answer."""


def _device_page(cloud: RehearsalCloud, call: Call, *_: str) -> Answer:
    return device_page.answer(cloud, call)


def _instance(_: RehearsalCloud, call: Call, tenant: str) -> Answer:
    return discovery.instance(call)


def _realm(_: RehearsalCloud, call: Call, tenant: str, upn: str) -> Answer:
    return discovery.realm(upn)


def _keys(cloud: RehearsalCloud, call: Call, tenant: str) -> Answer:
    return discovery.keys(cloud)


def _sign_out(_: RehearsalCloud, call: Call, tenant: str) -> Answer:
    """Nobody stays signed in here, so there is nothing to end."""
    target = call.params.get("post_logout_redirect_uri", "")
    if target.startswith(("https://", "http://localhost")):
        return redirect(target)
    return message_page("Signed out", "You signed out of your account.")


def _of_version(version: int) -> tuple[Route[Endpoint], ...]:
    """The endpoints that there are of both versions."""
    v2 = "/v2.0" if version == 2 else ""

    def configuration(cloud: RehearsalCloud, call: Call, tenant: str) -> Answer:
        try:
            return discovery.configuration(cloud, find_authority(tenant), version)
        except SignInError as problem:
            problem.error = "invalid_tenant"
            return error_answer(call, problem)

    def token(cloud: RehearsalCloud, call: Call, tenant: str) -> Answer:
        return token_endpoint.answer(cloud, find_authority(tenant), call, version)

    def device_code(cloud: RehearsalCloud, call: Call, tenant: str) -> Answer:
        return device.start(cloud, find_authority(tenant), call, version)

    def authorization(cloud: RehearsalCloud, call: Call, tenant: str) -> Answer:
        return authorize.answer(cloud, tenant, call, version)

    def admin_consent(cloud: RehearsalCloud, call: Call, tenant: str) -> Answer:
        return consent.answer(cloud, tenant, call, version)

    return (
        *at(f"{{tenant}}{v2}/.well-known/openid-configuration", DOCUMENTED, GET=configuration),
        *at(f"{{tenant}}/discovery{v2}/keys", DOCUMENTED, GET=_keys),
        *at(f"{{tenant}}/oauth2{v2}/token", DOCUMENTED, POST=token),
        *at(f"{{tenant}}/oauth2{v2}/devicecode", DOCUMENTED, POST=device_code),
        *at(f"{{tenant}}/oauth2{v2}/authorize", DOCUMENTED, GET=authorization, POST=authorization),
        *at(f"{{tenant}}/oauth2{v2}/logout", DOCUMENTED, GET=_sign_out),
        *at(f"{{tenant}}/oauth2{v2}/deviceauth", RECORDED, GET=_device_page, POST=_device_page),
        *at(f"{{tenant}}{v2}/adminconsent", DOCUMENTED, GET=admin_consent, POST=admin_consent),
    )


ROUTER: Final[Router[Endpoint]] = Router(
    f"https://{LOGIN_HOST}",
    (
        *_of_version(2),
        *_of_version(1),
        *at("{tenant}/discovery/instance", RECORDED, GET=_instance),
        *at("{tenant}/userrealm/{upn}", RECORDED, GET=_realm),
        *at("devicelogin", RECORDED, GET=_device_page, POST=_device_page),
        *at("device", RECORDED, GET=_device_page, POST=_device_page),
    ),
    folds_case=True,
    note="The same is served at login.windows.net and login.microsoft.com, and for a browser by "
    "the pages server below `/login.microsoftonline.com`. Where an endpoint does not refuse "
    "another method itself, it answers it like its own.",
)
