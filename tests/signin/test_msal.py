"""What the sign-in relies on in MSAL, held against the version that is installed."""

from __future__ import annotations

import base64
import contextlib
import json
import time
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import httpx
import msal
import pytest
import requests

LOGIN = "https://login.microsoftonline.com"
TENANT = "5f1d0c9b-e7a8-4c21-a3d2-f6b4908e7c15"
AUTHORITY = f"{LOGIN}/{TENANT}"
SCOPES = ["https://graph.microsoft.com/.default"]
CLIENT = "11111111-2222-3333-4444-555555555555"
DISCOVERY = {
    "token_endpoint": f"{AUTHORITY}/oauth2/v2.0/token",
    "authorization_endpoint": f"{AUTHORITY}/oauth2/v2.0/authorize",
    "device_authorization_endpoint": f"{AUTHORITY}/oauth2/v2.0/devicecode",
    "issuer": f"{AUTHORITY}/v2.0",
}
FLOW = {"device_code": "d", "user_code": "U", "expires_in": 900, "interval": 1, "message": "m"}
REFUSED = {"error": "unauthorized_client", "error_description": "AADSTS700016: words."}


@dataclass
class Answer:
    """All that MSAL wants of an answer."""

    body: Any
    status_code: int = 200
    headers: dict[str, str] = field(default_factory=dict)

    @property
    def text(self) -> str:
        """The body."""
        return json.dumps(self.body)

    def raise_for_status(self) -> None:
        """Refuse a refusal."""
        if self.status_code >= 400:
            raise RuntimeError(str(self.status_code))


@dataclass
class Entra:
    """An HTTP client of MSAL's that answers token requests as the test says."""

    tokens: Iterator[Answer]
    forms: list[dict[str, Any]] = field(default_factory=list)
    reads: list[str] = field(default_factory=list)
    discovery: Answer = field(default_factory=lambda: Answer(DISCOVERY))

    def get(self, url: str, **_: Any) -> Answer:
        """The tenant's configuration."""
        self.reads.append(url)
        return self.discovery

    def post(self, url: str, *, data: Any = None, **_: Any) -> Answer:
        """A token, or what there is in its place."""
        self.forms.append(dict(data or {}))
        return next(self.tokens)

    def close(self) -> None:
        """Nothing is open."""


def entra(*answers: Answer) -> Entra:
    """An Entra that gives these answers in order."""
    return Entra(iter(answers))


def token(value: str, **more: Any) -> Answer:
    """A token answer."""
    basic = {"token_type": "Bearer", "access_token": value, "expires_in": 3600}
    return Answer({**basic, **more})


def application(network: Entra, **more: Any) -> msal.ConfidentialClientApplication:
    """An application that signs in by a secret."""
    return msal.ConfidentialClientApplication(
        CLIENT,
        client_credential="a-secret-of-the-test",
        authority=AUTHORITY,
        instance_discovery=False,
        http_client=network,
        **more,
    )


def ask(app: msal.ConfidentialClientApplication, **more: Any) -> dict[str, Any]:
    """What the application is answered."""
    return dict(app.acquire_token_for_client(SCOPES, **more))


def test_any_three_methods_make_a_client() -> None:
    """With four properties of an answer (contract G17.16)."""
    network = entra(token("one"))
    assert ask(application(network))["access_token"] == "one"


def test_a_refusal_is_a_dict() -> None:
    """And a configuration that is refused an exception (contract G17.1)."""
    assert ask(application(entra(Answer(REFUSED, 400))))["error"] == "unauthorized_client"
    network = entra()
    network.discovery = Answer({"error": "invalid_tenant"}, 400)
    with pytest.raises(ValueError, match="tenant"):
        application(network)


@pytest.mark.parametrize(("status", "asked"), [(400, 1), (401, 2)])
def test_a_refusal_may_be_told_from_memory(status: int, asked: int) -> None:
    """One with 400 is, one with 401 is asked anew; emptied, it is forgotten (contract G17.2)."""
    memory: dict[str, Any] = {}
    network = entra(*[Answer(REFUSED, status)] * 3)
    app = application(network, http_cache=memory)
    for _ in range(2):
        assert ask(app)["error"] == "unauthorized_client"
    assert len(network.forms) == asked
    memory.clear()
    ask(app)
    assert len(network.forms) == asked + 1


def test_trouble_is_told_again_without_asking() -> None:
    """After a 429 and after a 5xx alike (contract G17.3)."""
    for status in (429, 503):
        network = entra(Answer({"error": "x"}, status, {"retry-after": "30"}), token("late"))
        app = application(network)
        for _ in range(2):
            with contextlib.suppress(Exception):
                ask(app)
        assert len(network.forms) == 1


def test_a_tenants_configuration_is_read_once() -> None:
    """When the application is made, or at its first question (contract G17.4)."""
    network = entra(token("one"), token("two"))
    app = application(network)
    ask(app)
    ask(app, claims_challenge='{"access_token":{"acrs":{"value":"c1"}}}')
    configurations = [url for url in network.reads if "openid-configuration" in url]
    assert len(configurations) == 1


def test_a_kept_answer_has_less() -> None:
    """No scopes, no claims: the token and how long it lasts (contract G17.5)."""
    network = entra(token("one", scope=" ".join(SCOPES)))
    app = application(network)
    assert ask(app)["token_source"] == "identity_provider"
    again = ask(app)
    assert (again["access_token"], again["token_source"]) == ("one", "cache")
    assert {"expires_in", "token_type"} <= set(again) and "scope" not in again
    assert len(network.forms) == 1


@pytest.mark.parametrize(("lasts", "asked"), [(320, 1), (280, 2)])
def test_a_token_is_used_until_minutes_before_its_end(lasts: int, asked: int) -> None:
    """It has to have more than 300 seconds left (contract G17.6)."""
    network = entra(token("one", expires_in=lasts), token("two"))
    app = application(network)
    ask(app)
    ask(app)
    assert len(network.forms) == asked


@pytest.mark.parametrize(
    ("answer", "is_kept"),
    [(Answer(REFUSED, 400), True), (Answer({"error": "x"}, 503), False)],
)
def test_a_token_that_is_renewed_early(answer: Answer, is_kept: bool) -> None:
    """A refusal leaves the kept one, a 5xx fails although there is one (contract G17.7)."""
    network = entra(token("one", expires_in=86399, refresh_in=-1), answer)
    app = application(network)
    ask(app)
    assert len(network.forms) == 1
    again: dict[str, Any] = {}
    with contextlib.suppress(Exception):
        again = ask(app)
    assert len(network.forms) == 2
    assert (again.get("access_token") == "one") is is_kept


def test_demanded_claims_always_ask() -> None:
    """Whatever is kept (contract G17.9)."""
    network = entra(token("one"), token("two"))
    app = application(network)
    ask(app)
    demand = '{"access_token":{"acrs":{"value":"c1"}}}'
    assert ask(app, claims_challenge=demand)["access_token"] == "two"
    assert json.loads(network.forms[1]["claims"]) == json.loads(demand)


@pytest.mark.parametrize(
    ("spelt", "asked"), [("https://graph.microsoft.com/User.Read", 1), ("User.Read", 2)]
)
def test_scopes_are_kept_as_the_answer_spells_them(spelt: str, asked: int) -> None:
    """Another spelling than was asked for makes the next call a request (contract G17.10)."""
    wanted = ["https://graph.microsoft.com/User.Read"]
    answer = token("one", scope=spelt, refresh_token="r", **who())
    network = entra(Answer(FLOW), answer, answer)
    app = public(network)
    app.acquire_token_by_device_flow(app.initiate_device_flow(wanted))
    (account,) = app.get_accounts()
    before = len(network.forms)
    app.acquire_token_silent(wanted, account=account)
    assert len(network.forms) - before == asked - 1


def who() -> dict[str, str]:
    """Who signed in: an id token of long ago, for another, that nobody signed."""

    def part(data: dict[str, Any]) -> str:
        return base64.urlsafe_b64encode(json.dumps(data).encode()).decode().rstrip("=")

    claims = {
        "oid": "an-oid",
        "tid": TENANT,
        "sub": "s",
        "aud": "somebody-else",
        "iss": "nobody",
        "exp": int(time.time()) - 86400,
        "iat": 0,
        "preferred_username": "ada@contoso.example",
    }
    return {
        "id_token": f"{part({'alg': 'none'})}.{part(claims)}.x",
        "client_info": part({"uid": "an-oid", "utid": TENANT}),
    }


def public(network: Entra) -> msal.PublicClientApplication:
    """A client by which people sign in."""
    return msal.PublicClientApplication(
        CLIENT, authority=AUTHORITY, instance_discovery=False, http_client=network
    )


def test_an_id_token_is_not_validated() -> None:
    """Neither its end nor whom it is for; `client_info` names the account (contract G17.11)."""
    network = entra(Answer(FLOW), token("one", scope="User.Read", refresh_token="r", **who()))
    app = public(network)
    started = app.initiate_device_flow(["User.Read"])
    result = app.acquire_token_by_device_flow(started)
    assert result["id_token_claims"]["aud"] == "somebody-else"
    (account,) = app.get_accounts()
    assert account["home_account_id"] == f"an-oid.{TENANT}"


def test_what_a_device_codes_request_bears() -> None:
    """The code twice, and no scope; one poll where the condition is true (contract G17.14)."""
    network = entra(Answer(FLOW), Answer({"error": "authorization_pending"}, 400))
    app = public(network)
    started = app.initiate_device_flow(["User.Read"])
    answer = app.acquire_token_by_device_flow(started, exit_condition=lambda _: True)
    assert answer["error"] == "authorization_pending" and len(network.forms) == 2
    form = network.forms[1]
    assert form["device_code"] == form["code"] == "d"
    assert (form["client_id"], str(form["client_info"])) == (CLIENT, "1")
    assert not form.get("scope")


def test_an_authority_in_plain_text_is_refused() -> None:
    """Before anything is asked (contract G17.15)."""
    with pytest.raises(ValueError, match="https"):
        msal.PublicClientApplication(CLIENT, authority=f"http://login.microsoftonline.com/{TENANT}")


def test_whose_certificates_are_trusted(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    """For requests the environment wins over a session's own (contract G24.6)."""
    for name in ("REQUESTS_CA_BUNDLE", "CURL_CA_BUNDLE"):
        with monkeypatch.context() as patch:
            patch.delenv("REQUESTS_CA_BUNDLE", raising=False)
            patch.setenv(name, "/of/the/environment.pem")
            session = requests.Session()
            session.verify = "/of/the/session.pem"
            settings = session.merge_environment_settings(LOGIN, {}, None, None, None)
            assert settings["verify"] == "/of/the/environment.pem"
            httpx.create_ssl_context()
    monkeypatch.setenv("SSL_CERT_FILE", str(tmp_path / "missing.pem"))
    with pytest.raises(FileNotFoundError):
        httpx.create_ssl_context()
