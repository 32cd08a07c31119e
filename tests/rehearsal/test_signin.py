"""Sign-in as unmodified clients do it: msal and azure-identity, through the proxy."""

from __future__ import annotations

import base64
import hashlib
import json
import threading
import time
from datetime import datetime
from typing import Any
from urllib.parse import parse_qs, urlsplit

import httpx
import msal
import pytest
from azure.identity import ClientSecretCredential, DeviceCodeCredential
from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric import rsa

from bcrunbook.rehearsal import RehearsalDescription
from tests.rehearsal.support import (
    LOGIN,
    Graph,
    eventually,
    lines,
    person,
    submit,
    user_token,
    wait_for,
)
from tests.support.certificates import pem_of, self_signed

DEFAULT = ["https://graph.microsoft.com/.default"]
AZURE_CLI = "04b07795-8ddb-461a-bbee-02f9e1bf7b46"
GRAPH_COMMAND_LINE = "14d82eec-204b-4c2f-b7e8-296a70dab67e"


@pytest.fixture
def network(rehearsal: RehearsalDescription, monkeypatch: pytest.MonkeyPatch) -> dict[str, Any]:
    """The two settings that a program needs, as environment and as msal arguments."""
    monkeypatch.setenv("HTTPS_PROXY", rehearsal.proxy)
    monkeypatch.setenv("REQUESTS_CA_BUNDLE", rehearsal.ca)
    return {"proxies": {"https": rehearsal.proxy}, "verify": rehearsal.ca}


def approve(
    rehearsal: RehearsalDescription,
    browser: httpx.Client,
    user_code: str,
    user: dict[str, Any],
) -> httpx.Response:
    """What a person does with a device code."""
    page = browser.post(f"{rehearsal.pages}/devicelogin", data={"otc": user_code})
    return submit(browser, rehearsal.pages, page, username=user["upn"], password=user["password"])


def test_msal_client_credentials(rehearsal: RehearsalDescription, network: dict[str, Any]) -> None:
    """An application token comes by msal, with instance discovery on, and is cached.

    contract G17.5
    """
    identity = rehearsal.batch_identity
    app = msal.ConfidentialClientApplication(
        identity["client_id"],
        client_credential=identity["client_secret"],
        authority=f"{LOGIN}/{identity['tenant']}",
        **network,
    )
    first = app.acquire_token_for_client(DEFAULT)
    assert first["token_type"] == "Bearer"
    assert app.acquire_token_for_client(DEFAULT)["token_source"] == "cache"


def test_msal_device_flow(
    rehearsal: RehearsalDescription, network: dict[str, Any], browser: httpx.Client
) -> None:
    """A device code is redeemed once a person has signed in, and the next token is silent.

    contract G15.6, G16.7, G16.11, G24.1 and G24.4
    """
    user = person(rehearsal, "Global Administrator")
    app = msal.PublicClientApplication(
        rehearsal.clients["bootstrap"], authority=f"{LOGIN}/{user['tenant']}", **network
    )
    flow = app.initiate_device_flow(["User.Read"])
    assert flow["verification_uri"] == f"{rehearsal.pages}/devicelogin"
    pending = app.acquire_token_by_device_flow(flow, exit_condition=lambda _: True)
    assert pending["error"] == "authorization_pending"
    assert "You have signed in" in approve(rehearsal, browser, flow["user_code"], user).text
    result = app.acquire_token_by_device_flow(flow)
    claims = result["id_token_claims"]
    assert (claims["preferred_username"], claims["tid"]) == (user["upn"], user["tenant"])
    assert "62e90394-69f5-4237-9190-012177145e10" in claims["wids"]
    (account,) = app.get_accounts()
    assert account["home_account_id"].endswith(user["tenant"])
    silent = app.acquire_token_silent_with_error(["User.Read"], account=account)
    assert silent["token_source"] == "cache"
    other = app.acquire_token_silent_with_error(
        ["https://management.azure.com/user_impersonation"], account=account
    )
    assert other["token_source"] == "identity_provider"
    for value in (result["access_token"], result["refresh_token"], flow["device_code"]):
        assert value in lines(rehearsal.canaries)


def test_msal_interactive(
    rehearsal: RehearsalDescription, network: dict[str, Any], browser: httpx.Client
) -> None:
    """The interactive flow of msal: its own loopback receiver gets the posted result.

    contract G17.12 and G24.5
    """
    user = person(rehearsal, "Global Administrator")
    app = msal.PublicClientApplication(
        rehearsal.clients["bootstrap"], authority=f"{LOGIN}/{user['tenant']}", **network
    )
    failures: list[BaseException] = []

    def person_at_the_browser(url: str) -> None:
        try:
            page = browser.get(url)
            result = submit(
                browser, rehearsal.pages, page, username=user["upn"], password=user["password"]
            )
            submit(browser, rehearsal.pages, result)
        except BaseException as problem:
            failures.append(problem)

    def open_browser(url: str, **_: Any) -> bool:
        threading.Thread(target=person_at_the_browser, args=(url,)).start()
        return True

    result = app.acquire_token_interactive(
        ["User.Read"], timeout=20, auth_uri_callback=open_browser
    )
    assert not failures
    assert result["id_token_claims"]["preferred_username"] == user["upn"]


def test_msal_certificate(
    network: dict[str, Any], admin: Graph, rehearsal: RehearsalDescription
) -> None:
    """A certificate on the application signs in, and another one, or its name alone, does not.

    contract G18.2, G18.5 and G21.35
    """
    app = admin.application()
    pem, der = _certificate()
    key = {
        "type": "AsymmetricX509Cert",
        "usage": "Verify",
        "key": base64.b64encode(der).decode(),
        "displayName": "test",
    }
    assert (
        admin("PATCH", f"/applications/{app['id']}", {"keyCredentials": [key]}).status_code == 204
    )
    admin.principal(app["appId"])
    tenant = rehearsal.accounts["trial"]["tenant"]

    def sign_in(private: str, certificate: bytes) -> dict[str, Any]:
        thumbprint = hashlib.sha1(certificate).hexdigest()
        client = msal.ConfidentialClientApplication(
            app["appId"],
            client_credential={"private_key": private, "thumbprint": thumbprint},
            authority=f"{LOGIN}/{tenant}",
            **network,
        )
        answer: dict[str, Any] = client.acquire_token_for_client(DEFAULT)
        return answer

    assert "access_token" in sign_in(pem, der)
    other_pem, other_der = _certificate()
    assert sign_in(other_pem, other_der)["error_codes"] == [700027]
    assert sign_in(other_pem, der)["error_codes"] == [700027]
    assert sign_in(pem, other_der)["error_codes"] == [700027]


def test_azure_identity(
    rehearsal: RehearsalDescription, network: dict[str, Any], browser: httpx.Client
) -> None:
    """azure-identity signs in an application and a person with nothing but the environment set."""
    identity = rehearsal.batch_identity
    with ClientSecretCredential(
        identity["tenant"], identity["client_id"], identity["client_secret"]
    ) as credential:
        assert credential.get_token(*DEFAULT).expires_on > time.time()
    user = person(rehearsal, "Application Developer")

    def prompt(_: str, user_code: str, __: datetime) -> None:
        approve(rehearsal, browser, user_code, user)

    with DeviceCodeCredential(
        client_id=rehearsal.clients["bootstrap"],
        tenant_id=user["tenant"],
        prompt_callback=prompt,
    ) as people:
        token = people.get_token("https://graph.microsoft.com/User.Read")
    assert token.token in lines(rehearsal.canaries)


FORM = {
    "grant_type": "client_credentials",
    "scope": "https://graph.microsoft.com/.default",
}
REFUSALS: list[tuple[str, dict[str, str | None], int, str, int]] = [
    ("wrong secret", {"client_secret": "wrong"}, 401, "invalid_client", 7000215),
    ("no secret", {"client_secret": None}, 401, "invalid_client", 7000216),
    (
        "unknown client",
        {"client_id": "11111111-1111-4111-8111-111111111111"},
        400,
        "unauthorized_client",
        700016,
    ),
    ("no grant type", {"grant_type": None}, 400, "invalid_request", 900144),
    ("unknown grant type", {"grant_type": "magic"}, 400, "unsupported_grant_type", 70003),
    ("no scope", {"scope": None}, 400, "invalid_request", 900144),
    ("named scope", {"scope": "User.Read"}, 400, "invalid_scope", 1002012),
    (
        "unknown resource",
        {"scope": "https://nothing.example/.default"},
        400,
        "invalid_resource",
        500011,
    ),
    (
        "two resources",
        {"scope": "https://graph.microsoft.com/a https://management.azure.com/b"},
        400,
        "invalid_request",
        28000,
    ),
    (
        "default and more",
        {"scope": "https://graph.microsoft.com/.default User.Read"},
        400,
        "invalid_scope",
        70011,
    ),
    (
        "secret of a public client",
        {"client_id": AZURE_CLI},
        401,
        "invalid_client",
        700025,
    ),
    ("unknown tenant", {"tenant": "nowhere.example"}, 400, "invalid_request", 90002),
    ("common", {"tenant": "common"}, 400, "invalid_request", 9001023),
]


@pytest.mark.parametrize(
    ("case", "change", "status", "error", "code"), REFUSALS, ids=[r[0] for r in REFUSALS]
)
def test_refusals(
    rehearsal: RehearsalDescription,
    http: httpx.Client,
    case: str,
    change: dict[str, str | None],
    status: int,
    error: str,
    code: int,
) -> None:
    """A refused token request has the status, OAuth error and AADSTS number of the real one.

    contract G16.1, G16.3, G16.4, G16.14, G21.5, G21.10, G21.11, G21.19, G21.20, G21.25, G21.27 and
    G21.31
    """
    identity = rehearsal.batch_identity
    form = {
        **FORM,
        "client_id": identity["client_id"],
        "client_secret": identity["client_secret"],
        "tenant": identity["tenant"],
        **change,
    }
    tenant = form.pop("tenant")
    data = {name: value for name, value in form.items() if value is not None}
    answer = http.post(f"{LOGIN}/{tenant}/oauth2/v2.0/token", data=data)
    body = answer.json()
    assert (answer.status_code, body["error"], body["error_codes"]) == (status, error, [code]), case
    assert body["error_description"].startswith(f"AADSTS{code}: ")
    assert {"timestamp", "trace_id", "correlation_id", "error_uri"} <= set(body)


PEOPLE: list[tuple[str, dict[str, str], int]] = [
    ("wrong password", {"password": "wrong"}, 50126),
    ("unknown user", {"username": "nobody@millrace-trial.example"}, 50034),
    ("unknown domain", {"username": "robin@nowhere.example"}, 50034),
    ("not consented", {"scope": "Mail.Read"}, 65001),
    ("unknown scope", {"scope": "Everything.ReadWrite"}, 650053),
    ("foreign tenant", {"tenant": "millrace.example"}, 50020),
    ("first party beyond its list", {"client_id": AZURE_CLI, "scope": "Policy.Read.All"}, 65002),
]


@pytest.mark.parametrize(("case", "change", "code"), PEOPLE, ids=[p[0] for p in PEOPLE])
def test_refused_people(
    rehearsal: RehearsalDescription,
    http: httpx.Client,
    case: str,
    change: dict[str, str],
    code: int,
) -> None:
    """A person who may not sign in this way is told the number that the documentation explains.

    contract G1.10, G21.1, G21.5, G21.7, G21.11, G21.14 and G21.15
    """
    user = person(rehearsal, "Global Administrator")
    form = {
        "grant_type": "password",
        "client_id": rehearsal.clients["bootstrap"],
        "username": user["upn"],
        "password": user["password"],
        "scope": "User.Read",
        "tenant": user["tenant"],
        **change,
    }
    answer = http.post(f"{LOGIN}/{form.pop('tenant')}/oauth2/v2.0/token", data=form)
    assert answer.json()["error_codes"] == [code], case


def test_discovery(rehearsal: RehearsalDescription, http: httpx.Client) -> None:
    """The discovery document keeps real addresses, except the one that a browser opens.

    contract G16.2
    """
    tenant = rehearsal.accounts["trial"]["tenant"]
    for name in (tenant, "millrace-trial.example"):
        document = http.get(f"{LOGIN}/{name}/v2.0/.well-known/openid-configuration").json()
        assert document["issuer"] == f"{LOGIN}/{tenant}/v2.0"
        assert document["token_endpoint"] == f"{LOGIN}/{tenant}/oauth2/v2.0/token"
        assert document["authorization_endpoint"].startswith(rehearsal.pages)
    unknown = http.get(f"{LOGIN}/nowhere.example/v2.0/.well-known/openid-configuration")
    assert (unknown.status_code, unknown.json()["error"]) == (400, "invalid_tenant")
    (key,) = http.get(f"{LOGIN}/common/discovery/v2.0/keys").json()["keys"]
    assert key["kty"] == "RSA"
    realm = http.get(f"{LOGIN}/common/userrealm/robin.hale@millrace-trial.example?api-version=1.0")
    assert realm.json()["account_type"] == "Managed"


def test_id_tokens_can_be_validated(rehearsal: RehearsalDescription, http: httpx.Client) -> None:
    """An ID token verifies against the published keys, as a strict client checks it.

    contract G24.4
    """
    import jwt

    user = person(rehearsal, "Global Administrator")
    form = {
        "grant_type": "password",
        "client_id": rehearsal.clients["bootstrap"],
        "username": user["upn"],
        "password": user["password"],
        "scope": "User.Read openid profile",
    }
    answer = http.post(f"{LOGIN}/{user['tenant']}/oauth2/v2.0/token", data=form).json()
    (key,) = http.get(f"{LOGIN}/common/discovery/v2.0/keys").json()["keys"]
    claims = jwt.decode(
        answer["id_token"],
        jwt.PyJWK(key).key,
        algorithms=["RS256"],
        audience=form["client_id"],
        issuer=f"{LOGIN}/{user['tenant']}/v2.0",
    )
    assert claims["preferred_username"] == user["upn"]
    assert "refresh_token" not in answer


def test_v1_endpoint(rehearsal: RehearsalDescription, http: httpx.Client) -> None:
    """The older token endpoint takes a resource and answers with numbers as texts."""
    identity = rehearsal.batch_identity
    answer = http.post(
        f"{LOGIN}/{identity['tenant']}/oauth2/token",
        data={
            "grant_type": "client_credentials",
            "client_id": identity["client_id"],
            "client_secret": identity["client_secret"],
            "resource": "https://management.core.windows.net/",
        },
    ).json()
    assert (answer["expires_in"], answer["resource"]) == (
        "3599",
        "https://management.core.windows.net/",
    )
    headers = {"Authorization": f"Bearer {answer['access_token']}"}
    subscriptions = http.get(
        "https://management.azure.com/subscriptions?api-version=2022-12-01", headers=headers
    )
    assert subscriptions.json() == {"value": [], "count": {"type": "Total", "value": 0}}


def test_tenants_a_person_can_see(rehearsal: RehearsalDescription, http: httpx.Client) -> None:
    """The list holds the person's home and the tenant where that person is only a guest.

    contract G19.3 and G19.5
    """
    user = person(rehearsal, "Global Administrator")
    token = user_token(http, rehearsal, user, "https://management.azure.com/user_impersonation")
    headers = {"Authorization": f"Bearer {token}"}
    address = "https://management.azure.com/tenants"
    listed = http.get(f"{address}?api-version=2020-01-01", headers=headers).json()["value"]
    assert [entry["tenantId"] for entry in listed] == [
        user["tenant"],
        rehearsal.accounts["not_to_be_used"]["tenant"],
    ]
    missing = http.get(address, headers=headers)
    assert missing.json()["error"]["code"] == "MissingApiVersionParameter"
    wrong = {"Authorization": f"Bearer {user_token(http, rehearsal, user)}"}
    assert http.get(f"{address}?api-version=2020-01-01", headers=wrong).status_code == 401


def test_authorize_checks_the_redirect_address(
    rehearsal: RehearsalDescription, browser: httpx.Client
) -> None:
    """An address that is not registered is never redirected to (contract G21.3)."""
    answer = browser.get(
        f"{rehearsal.pages}/login.microsoftonline.com/organizations/oauth2/v2.0/authorize",
        params={
            "client_id": rehearsal.clients["bootstrap"],
            "response_type": "code",
            "redirect_uri": "https://elsewhere.example/",
            "scope": "User.Read",
        },
    )
    assert answer.status_code == 400 and "AADSTS50011" in answer.text


def test_code_and_challenge(
    rehearsal: RehearsalDescription, browser: httpx.Client, http: httpx.Client
) -> None:
    """A code is good once and only with the verifier of its challenge.

    contract G16.5, G16.10 and G21.20
    """
    user = person(rehearsal, "Global Administrator")
    page = browser.get(
        f"{rehearsal.pages}/login.microsoftonline.com/organizations/oauth2/v2.0/authorize",
        params={
            "client_id": rehearsal.clients["bootstrap"],
            "response_type": "code",
            "redirect_uri": "http://localhost:12345",
            "scope": "User.Read offline_access openid",
            "state": '<&">',
            "code_challenge": "JBbiqONGWPaAmwXk_8bT6UnlPfrn65D32eZlJS-zGG0",
            "code_challenge_method": "S256",
        },
    )
    done = submit(browser, rehearsal.pages, page, username=user["upn"], password=user["password"])
    query = parse_qs(urlsplit(done.headers["location"]).query)
    assert query["state"] == ['<&">']
    form = {
        "grant_type": "authorization_code",
        "client_id": rehearsal.clients["bootstrap"],
        "redirect_uri": "http://localhost:12345",
        "code": query["code"][0],
    }
    address = f"{LOGIN}/{user['tenant']}/oauth2/v2.0/token"
    wrong = http.post(address, data={**form, "code_verifier": "wrong"})
    assert wrong.json()["error_codes"] == [501481]
    right = {**form, "code_verifier": "test-verifier"}
    challenge = base64.urlsafe_b64encode(hashlib.sha256(b"test-verifier").digest())
    assert challenge.rstrip(b"=") == b"JBbiqONGWPaAmwXk_8bT6UnlPfrn65D32eZlJS-zGG0"
    assert http.post(address, data=right).status_code == 200
    assert http.post(address, data=right).json()["error_codes"] == [54005]


def test_consent_while_signing_in(
    rehearsal: RehearsalDescription, browser: httpx.Client, http: httpx.Client
) -> None:
    """A missing permission is asked of somebody who may answer; others are told to find one.

    contract G1.9, G21.16 and G21.18
    """
    developer = person(rehearsal, "Application Developer", account="production")
    admin = person(rehearsal, "Global Administrator", account="production")

    def start() -> dict[str, Any]:
        answer = http.post(
            f"{LOGIN}/{admin['tenant']}/oauth2/v2.0/devicecode",
            data={"client_id": GRAPH_COMMAND_LINE, "scope": "Directory.Read.All"},
        )
        return dict(answer.json())

    refused = approve(rehearsal, browser, start()["user_code"], developer)
    assert "AADSTS90094" in refused.text
    flow = start()

    def redeem() -> httpx.Response:
        return http.post(
            f"{LOGIN}/{admin['tenant']}/oauth2/v2.0/token",
            data={
                "grant_type": "urn:ietf:params:oauth:grant-type:device_code",
                "client_id": GRAPH_COMMAND_LINE,
                "device_code": flow["device_code"],
            },
        )

    question = approve(rehearsal, browser, flow["user_code"], admin)
    assert "Permissions requested" in question.text
    assert "AADSTS65004" in submit(browser, rehearsal.pages, question, decision="cancel").text
    assert redeem().json()["error_codes"] == [65004]
    flow = start()
    question = approve(rehearsal, browser, flow["user_code"], admin)
    done = submit(browser, rehearsal.pages, question, decision="accept", organization="1")
    assert "You have signed in" in done.text
    redeemed = redeem()
    assert "Directory.Read.All" in redeemed.json()["scope"]
    again = approve(rehearsal, browser, start()["user_code"], developer)
    assert "You have signed in" in again.text


def test_admin_consent_page(
    rehearsal: RehearsalDescription, browser: httpx.Client, admin: Graph
) -> None:
    """The consent address makes the principal and the tenant-wide grant, and says so.

    contract G20.1, G20.3, G20.4, G20.5, G21.3 and G21.18
    """
    redirect = "https://dynamics365businesscentral.codat.io/oauth/callback"
    app = admin.application()
    user = person(rehearsal, "Cloud Application Administrator")
    address = (
        f"{rehearsal.pages}/login.microsoftonline.com/{user['tenant']}/v2.0/adminconsent"
        f"?client_id={app['appId']}&redirect_uri={redirect}&state=s1"
        "&scope=https://api.businesscentral.dynamics.com/user_impersonation"
    )
    unregistered = browser.get(address.replace("callback", "elsewhere"))
    assert "AADSTS50011" in unregistered.text
    developer = person(rehearsal, "Application Developer")
    refused = submit(
        browser,
        rehearsal.pages,
        browser.get(address),
        username=developer["upn"],
        password=developer["password"],
    )
    assert "AADSTS90095" in refused.text
    question = submit(
        browser,
        rehearsal.pages,
        browser.get(address),
        username=user["upn"],
        password=user["password"],
    )
    done = submit(browser, rehearsal.pages, question, decision="accept")
    query = parse_qs(urlsplit(done.headers["location"]).query)
    assert (query["admin_consent"], query["tenant"], query["state"]) == (
        ["True"],
        [user["tenant"]],
        ["s1"],
    )
    assert "code" not in query and "error" not in query
    principal = eventually(
        lambda: admin("GET", f"/servicePrincipals(appId='{app['appId']}')")
    ).json()
    grants = wait_for(
        lambda: admin("GET", f"/servicePrincipals/{principal['id']}/oauth2PermissionGrants").json()[
            "value"
        ]
    )
    assert [(grant["consentType"], grant["scope"]) for grant in grants] == [
        ("AllPrincipals", "user_impersonation")
    ]
    question = submit(
        browser,
        rehearsal.pages,
        browser.get(address),
        username=user["upn"],
        password=user["password"],
    )
    declined = submit(browser, rehearsal.pages, question, decision="cancel")
    query = parse_qs(urlsplit(declined.headers["location"]).query)
    assert query["error"] == ["access_denied"] and query["admin_consent"] == ["True"]


def test_federated_assertion(
    rehearsal: RehearsalDescription, http: httpx.Client, admin: Graph
) -> None:
    """An assertion of another issuer signs in when issuer, subject and audience are on record.

    contract G18.3, G18.4, G18.6, G21.32 and G21.33
    """
    app = admin.application()
    record = {
        "name": "runner",
        "issuer": "https://issuer.example",
        "subject": "repo:books",
        "audiences": ["api://AzureADTokenExchange"],
    }
    made = admin("POST", f"/applications/{app['id']}/federatedIdentityCredentials", record)
    assert made.status_code == 201
    admin.principal(app["appId"])

    def sign_in(subject: str, lives: int = 300) -> httpx.Response:
        claims = {
            "iss": record["issuer"],
            "sub": subject,
            "aud": "api://AzureADTokenExchange",
            "exp": int(time.time()) + lives,
        }
        parts = [{"alg": "RS256", "typ": "JWT"}, claims]
        encoded = [
            base64.urlsafe_b64encode(json.dumps(part).encode()).rstrip(b"=").decode()
            for part in parts
        ]
        return http.post(
            f"{LOGIN}/{rehearsal.accounts['trial']['tenant']}/oauth2/v2.0/token",
            data={
                **FORM,
                "client_id": app["appId"],
                "client_assertion": ".".join([*encoded, "c2ln"]),
                "client_assertion_type": "urn:ietf:params:oauth:client-assertion-type:jwt-bearer",
            },
        )

    eventually(lambda: sign_in("repo:books"))
    assert sign_in("repo:other").json()["error_codes"] == [700213]
    assert sign_in("repo:books", lives=-60).json()["error_codes"] == [700024]


def _certificate() -> tuple[str, bytes]:
    key = rsa.generate_private_key(public_exponent=65537, key_size=2048)
    return pem_of(key).decode(), self_signed(key).public_bytes(serialization.Encoding.DER)
