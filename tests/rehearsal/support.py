"""Small ways to talk to a rehearsal cloud, for the tests in this folder."""

from __future__ import annotations

import re
import ssl
import time
import uuid
from collections.abc import Callable
from dataclasses import replace
from html import unescape
from pathlib import Path
from typing import Any

import httpx
import pytest

from bcrunbook.rehearsal import RehearsalDescription, world
from tests.support.clock import pace_of, pass_time_between_looks

GRAPH = "https://graph.microsoft.com/v1.0"
LOGIN = "https://login.microsoftonline.com"
DEADLINE = 20.0
STEP = 0.5
"""Seconds of a rehearsal's between two attempts: what comes after shorter ones is seen apart."""


def client_of(
    description: RehearsalDescription, certificate: tuple[str, str] | None = None
) -> httpx.Client:
    """An ordinary client with the two settings that a rehearsal needs, and maybe a certificate."""
    pace_of(description)  # from now on this process is known at its clock, if it has one
    context = ssl.create_default_context(cafile=description.ca)
    if certificate is not None:
        context.load_cert_chain(*certificate)
    return httpx.Client(proxy=description.proxy, verify=context, trust_env=False, timeout=20)


def person(
    description: RehearsalDescription, role: str, *, account: str = "trial"
) -> dict[str, Any]:
    """Who holds a role in the tenant of an account."""
    tenant = tenant_of(description, account)
    found: dict[str, Any] = next(user for user in tenant["users"] if role in user["roles"])
    return {**found, "tenant": tenant["id"]}


def set_roles(
    monkeypatch: pytest.MonkeyPatch, tenant: str, upn: str, *roles: str, licence: bool = True
) -> world.User:
    """Give somebody other roles for a test; without a licence they lose that as well."""
    before = world.find_user(tenant, upn)
    assert before is not None
    sets = before.permission_sets if licence else ()
    after = replace(before, roles=roles, permission_sets=sets)
    known = world.TENANTS[tenant]
    users = tuple(after if one == before else one for one in known.users)
    monkeypatch.setitem(world.TENANTS, tenant, replace(known, users=users))
    monkeypatch.setitem(world.users_by_oid(), (tenant, after.oid), after)
    return after


def tenant_of(description: RehearsalDescription, account: str) -> dict[str, Any]:
    """The tenant meant for a kind of account."""
    wanted = description.accounts[account]["tenant"]
    return next(tenant for tenant in description.tenants if tenant["id"] == wanted)


def app_token(
    http: httpx.Client, description: RehearsalDescription, tenant: str | None = None
) -> str:
    """An access token of the batch identity for Microsoft Graph."""
    identity = description.batch_identity
    answer = signing_in(
        http, tenant or identity["tenant"], identity["client_id"], identity["client_secret"]
    )
    return str(answer.raise_for_status().json()["access_token"])


def signing_in(http: httpx.Client, tenant: str, client_id: str, secret: str) -> httpx.Response:
    """What an application is answered that signs in for Microsoft Graph."""
    return http.post(
        f"{LOGIN}/{tenant}/oauth2/v2.0/token",
        data={
            "grant_type": "client_credentials",
            "client_id": client_id,
            "client_secret": secret,
            "scope": "https://graph.microsoft.com/.default",
        },
    )


def user_token(
    http: httpx.Client,
    description: RehearsalDescription,
    user: dict[str, Any],
    scope: str = "https://graph.microsoft.com/.default",
) -> str:
    """An access token of a person, by way of the bootstrap application."""
    answer = http.post(
        f"{LOGIN}/{user['tenant']}/oauth2/v2.0/token",
        data={
            "grant_type": "password",
            "client_id": description.clients["bootstrap"],
            "username": user["upn"],
            "password": user["password"],
            "scope": scope,
        },
    )
    return str(answer.raise_for_status().json()["access_token"])


def eventually(
    call: Callable[[], httpx.Response], *, until: int | tuple[int, ...] = (200, 201, 204)
) -> httpx.Response:
    """Repeat a call until it answers with a wanted status, and let time pass in between."""
    wanted = (until,) if isinstance(until, int) else until
    answers: list[httpx.Response] = []

    def is_wanted() -> bool:
        answers.append(call())
        return answers[-1].status_code in wanted

    try:
        wait_for(is_wanted)
    except TimeoutError:
        pytest.fail(f"{answers[-1].status_code} {answers[-1].text}")
    return answers[-1]


def wait_for(check: Callable[[], Any], *, step: float = STEP) -> Any:
    """Repeat a check until it is true, and let time pass in between; answers what it answered.

    Args:
        check: what is asked.
        step: seconds of the rehearsal's between two attempts.

    Raises:
        TimeoutError: it was not true for too long; the deadline is generous.
    """
    deadline = time.monotonic() + DEADLINE
    while not (found := check()):
        if time.monotonic() > deadline:
            raise TimeoutError("the deadline passed")
        pass_time_between_looks(step)
    return found


class Service:
    """One of the services, with a token, under its base address."""

    base = ""

    def __init__(self, http: httpx.Client, token: str = "") -> None:
        self.http = http
        self.token = token

    def __call__(
        self,
        method: str,
        path: str,
        body: Any = None,
        headers: dict[str, str] | None = None,
    ) -> httpx.Response:
        """Ask with the token; a path is one of the service."""
        return self.http.request(
            method,
            path if path.startswith("https:") else f"{self.base}{path}",
            json=body,
            headers={"Authorization": f"Bearer {self.token}", **(headers or {})},
        )


class Graph(Service):
    """Microsoft Graph with a token."""

    base = GRAPH

    def application(self, **properties: Any) -> dict[str, Any]:
        """A new application of the consumer audience, replicated and ready to be changed."""
        made = self("POST", "/applications", desired(**properties))
        assert made.status_code == 201, made.text
        app: dict[str, Any] = made.json()
        eventually(lambda: self("GET", f"/applications/{app['id']}"))
        eventually(
            lambda: self("PATCH", f"/applications/{app['id']}", {"displayName": app["displayName"]})
        )
        return app

    def principal(self, app_id: str) -> dict[str, Any]:
        """A new service principal, replicated."""
        made = eventually(
            lambda: self("POST", "/servicePrincipals", {"appId": app_id}), until=201
        ).json()
        eventually(lambda: self("GET", f"/servicePrincipals/{made['id']}"))
        return dict(made)


def desired(**properties: Any) -> dict[str, Any]:
    """The application that the setup asks for."""
    return {
        "displayName": f"Codat {uuid.uuid4().hex[:8]}",
        "signInAudience": "AzureADandPersonalMicrosoftAccount",
        "api": {"requestedAccessTokenVersion": 2},
        "web": {"redirectUris": ["https://dynamics365businesscentral.codat.io/oauth/callback"]},
        **properties,
    }


def lines(path: str | Path) -> list[str]:
    """The lines of a text file."""
    return Path(path).read_text("utf-8").splitlines()


def hidden_fields(page: str) -> dict[str, str]:
    """The hidden fields of a page's form."""
    found = re.findall(r'<input type="hidden" name="([^"]*)" value="([^"]*)">', page)
    return {unescape(name): unescape(value) for name, value in found}


def form_action(page: str) -> str:
    """Where a page's form goes."""
    found = re.search(r'<form method="post" action="([^"]*)"', page)
    assert found is not None, page
    return unescape(found[1])


def submit(browser: httpx.Client, base: str, page: httpx.Response, **typed: str) -> httpx.Response:
    """Fill in a page's form and send it."""
    action = httpx.URL(base).join(form_action(page.text))
    return browser.post(action, data={**hidden_fields(page.text), **typed})
