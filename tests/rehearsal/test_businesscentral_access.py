"""Who may ask Business Central what: tokens, permissions, cards, licences, roles, limits."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pytest

from bcrunbook.rehearsal import RehearsalDescription, drawn_secrets, seed, world
from bcrunbook.rehearsal.directory import ASSIGNMENT, find_principal
from bcrunbook.rehearsal.state import GLOBAL
from tests.rehearsal.businesscentral_support import (
    API,
    LOGIN,
    NOBODY,
    SCOPE,
    BusinessCentral,
    bc,
    error_code,
)
from tests.rehearsal.in_process import open_cloud
from tests.rehearsal.support import client_of, set_roles

__all__ = ["bc"]

INVALID = "Authentication_InvalidCredentials"
ADMIN_LIST = "/admin/v2.29/applications/BusinessCentral/environments"


def statuses(bc: BusinessCentral, environment: str) -> list[int]:
    """What discovery, data, extensions, the deployment status and the admin centre answer."""
    one = bc.environment(environment)
    return [
        answer.status_code
        for answer in (
            bc("GET", "/environments/v1.2"),
            one.of_company("customers"),
            one.managed("extensions"),
            one.managed("extensionDeploymentStatus"),
            bc("GET", ADMIN_LIST),
        )
    ]


@pytest.mark.parametrize(
    ("tenant", "expected"),
    [
        (world.TRIAL, [200, 200, 200, 200, 200]),
        (world.BAKERY, [200, 200, 200, 200, 200]),
        (world.PRODUCTION, [200, 401, 401, 401, 403]),
    ],
)
def test_the_batch_identity(bc: BusinessCentral, tenant: str, expected: list[int]) -> None:
    """What was granted in a tenant is what works there (contract B1.2 and B11.10)."""
    assert statuses(bc.as_batch(tenant), "Production") == expected


@pytest.mark.parametrize(
    ("roles", "expected"),
    [
        (["API.ReadWrite.All"], [200, 200, 403, 403, 403]),
        (["Automation.ReadWrite.All"], [200, 403, 200, 200, 403]),
        (["AdminCenter.ReadWrite.All"], [200, 403, 403, 403, 200]),
    ],
)
def test_each_api_has_its_permission(
    bc: BusinessCentral, roles: list[str], expected: list[int]
) -> None:
    """A permission opens one surface and no other.

    contract B1.11, B10.1, B10.11, B10.12, B10.13, B10.14, B11.9 and B16.6
    """
    cloud, now = bc.cloud, int(bc.clock.now())
    claims = {"aud": API, "tid": bc.tenant, "oid": NOBODY, "appid": world.BATCH_CLIENT}
    bc.token = cloud.key.sign({**claims, "exp": now + 600, "roles": roles})
    assert statuses(bc, "Normal") == expected
    # The permissions alone, without the card and the line in the admin centre, open nothing.
    every = list(world.BUSINESS_CENTRAL_ROLES)
    bc.token = cloud.key.sign({**claims, "appid": NOBODY, "exp": now + 600, "roles": every})
    assert statuses(bc, "Normal") == [200, 401, 401, 401, 401]


@pytest.mark.parametrize(
    ("tenant", "upn", "expected"),
    [
        (world.LAB, "vera.stone@saltmarsh-lab.example", [200, 200, 200, 200, 200]),
        (world.LAB, "ned.ash@saltmarsh-lab.example", [200, 200, 400, 400, 401]),
        (world.TRIAL, "robin.hale@millrace-trial.example", [200, 200, 200, 200, 200]),
        (world.TRIAL, "jo.lindqvist@millrace-trial.example", [200, 401, 401, 401, 401]),
    ],
)
def test_people(bc: BusinessCentral, tenant: str, upn: str, expected: list[int]) -> None:
    """A licence opens the data, the permission set the extensions, the role the admin centre.

    contract B1.2, B7.9, B8.7, B10.3, B10.8 and B11.9
    """
    bc.as_person(upn, tenant)
    name = "Normal" if tenant == world.LAB else "Sandbox"
    assert statuses(bc, name) == expected


@pytest.mark.parametrize(
    ("role", "expected"),
    [
        ("Global Administrator", [200, 200, 400, 400, 200]),
        ("Dynamics 365 Administrator", [200, 200, 400, 400, 200]),
        ("Dynamics 365 Business Central Administrator", [200, 200, 400, 400, 200]),
        ("Cloud Application Administrator", [200, 401, 401, 401, 401]),
    ],
)
def test_an_administrator_without_a_licence(
    bc: BusinessCentral, monkeypatch: pytest.MonkeyPatch, role: str, expected: list[int]
) -> None:
    """May read everywhere and use the admin centre, but has no permission set for extensions.

    contract B10.7 and B10.8
    """
    vera = set_roles(
        monkeypatch, world.LAB, "vera.stone@saltmarsh-lab.example", role, licence=False
    )
    bc.as_person(vera.upn)
    assert statuses(bc, "Normal") == expected


def test_discovery_leaves_nothing_out(bc: BusinessCentral) -> None:
    """Also for somebody who can open none; whether that is so is unknown (contract B4.2)."""
    bc.as_person("jo.lindqvist@millrace-trial.example", world.TRIAL)
    listed = bc("GET", "/environments/v1.2").json()["value"]
    assert {one["name"] for one in listed} == {"Production", "Sandbox"}


def test_what_is_no_token_for_business_central(bc: BusinessCentral) -> None:
    """No token, a broken one, one of another service, one that is over: all are refused alike.

    contract B1.14 and B11.8
    """
    one = bc.environment("Normal")
    good = bc.token
    graph = bc.sign_in(
        grant_type="client_credentials",
        client_id=world.BATCH_CLIENT,
        client_secret=bc.cloud.secret(drawn_secrets.BATCH_SECRET),
        scope="https://graph.microsoft.com/.default",
    ).json()["access_token"]
    for token in ("", "a.b.c", graph):
        bc.token = token
        answer = one.of_company("accounts")
        assert (answer.status_code, error_code(answer)) == (401, INVALID)
        assert bc("GET", ADMIN_LIST).json()["code"] == INVALID
    bc.token = good
    assert one.of_company("accounts").status_code == 200
    bc.clock.pass_(7200)
    assert one.of_company("accounts").status_code == 401


def test_a_token_is_good_for_its_own_tenant(bc: BusinessCentral) -> None:
    """By id, by domain, or unnamed; never for another one (contract B1.3 and B1.12)."""
    path = "/Normal/api/v2.0/companies"
    for tenant in ("", f"/{world.LAB}", "/saltmarsh-lab.example", "/SaltmarshLab.onmicrosoft.com"):
        assert bc("GET", f"/v2.0{tenant}{path}").status_code == 200, tenant
    for tenant in (world.BAKERY, "nobody.example"):
        answer = bc("GET", f"/v2.0/{tenant}/Production/api/v2.0/companies")
        assert (answer.status_code, error_code(answer)) == (401, INVALID)


def test_refusals_in_two_envelopes(bc: BusinessCentral) -> None:
    """Wrapped, with the correlation id twice, here; bare there (contract B11.1 and B11.3)."""
    answer = bc.environment("Normal").of_company("nothing")
    assert set(answer.json()) == {"error"}
    assert answer.json()["error"]["message"].endswith(
        f"  CorrelationId:  {answer.headers['ms-correlation-x']}."
    )
    refused = bc("GET", f"{ADMIN_LIST}/Nowhere")
    assert refused.status_code == 404 and set(refused.json()) == {"code", "message"}


def test_the_rate_limit(bc: BusinessCentral) -> None:
    """Six thousand in five minutes, by each principal, and nobody says for how long to wait.

    contract B12.1 and B12.5
    """
    for _ in range(6000):
        last = bc("GET", "/environments/v1.2")
    assert last.status_code == 200
    refused = bc.environment("Normal").of_company("accounts")
    assert refused.status_code == 429 and "Retry-After" not in refused.headers
    assert "Maximum (6000)" in refused.json()["error"]["message"]
    batch = bc.token
    bc.as_person("vera.stone@saltmarsh-lab.example")
    assert bc("GET", "/environments/v1.2").status_code == 200
    bc.token = batch
    bc.clock.pass_(301)
    assert bc("GET", "/environments/v1.2").status_code == 200


def test_a_customer_that_never_let_the_batch_identity_in(bc: BusinessCentral) -> None:
    """No token without a service principal; an administrator's consent makes one."""
    bc.tenant = world.JOINERY
    form = {
        "grant_type": "client_credentials",
        "client_id": world.BATCH_CLIENT,
        "client_secret": bc.cloud.secret(drawn_secrets.BATCH_SECRET),
    }
    refused = bc.sign_in(**form)
    assert refused.status_code in (400, 401)
    assert refused.json()["error"] == "unauthorized_client"
    upn = "owen.pryce@tidewater-joinery.example"
    consent = bc.http.post(
        f"{LOGIN}/{world.JOINERY}/adminconsent",
        data={
            "client_id": world.BATCH_CLIENT,
            "username": upn,
            "password": bc.cloud.secret(drawn_secrets.password_name(upn)),
            "decision": "accept",
        },
    )
    assert "Consent granted" in consent.text
    bc.clock.pass_(60)
    assert bc.sign_in(**form).status_code == 200
    assert statuses(bc, "Production") == [200, 200, 200, 200, 200]


def test_a_folder_of_an_older_version(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """What is new is added once; what somebody has changed since stays changed."""
    old = (world.TRIAL, world.PRODUCTION, world.ACCOUNTANT)
    with monkeypatch.context() as patch:
        tenants = {name: replace(world.TENANTS[name], batch_business_central=()) for name in old}
        patch.setattr(world, "TENANTS", tenants)
        with open_cloud(tmp_path) as (cloud, _):
            secret = cloud.secret(drawn_secrets.BATCH_SECRET)
            with cloud.store.transaction():
                cloud.store.put(seed.SEEDED, GLOBAL, seed.BATCH_BUSINESS_CENTRAL, None)
    with open_cloud(tmp_path) as (cloud, clock):
        assert cloud.secret(drawn_secrets.BATCH_SECRET) == secret
        bc = BusinessCentral(cloud, clock).as_batch(world.TRIAL)
        assert statuses(bc, "Sandbox") == [200] * 5
        bc.as_person("ines.moura@brackenfield-bakery.example", world.BAKERY)
        assert statuses(bc, "Production") == [200] * 5
        bc.as_batch(world.BAKERY)
        assert statuses(bc, "Production") == [200] * 5
        principal = find_principal(cloud, world.TRIAL, world.BATCH_CLIENT)
        assert principal is not None
        with cloud.store.transaction():
            for key, held in list(cloud.store.all_latest(ASSIGNMENT, world.TRIAL)):
                if held["principalId"] == principal["id"]:
                    cloud.store.put(ASSIGNMENT, world.TRIAL, key, None)
    with open_cloud(tmp_path) as (cloud, clock):
        bc = BusinessCentral(cloud, clock).as_batch(world.TRIAL)
        assert bc("GET", ADMIN_LIST).status_code == 403


def test_the_cloud_stands_in_for_the_hosts(rehearsal: RehearsalDescription) -> None:
    """The description names the environments that are few, and the proxy leads to the host.

    contract B1.1
    """
    named = {(one["tenant"], one["environment"]) for one in rehearsal.businesscentral}
    assert (world.LAB, "NeverFinishes") in named
    assert not any(tenant == world.COOPERATIVE for tenant, _ in named)
    identity = rehearsal.batch_identity
    with client_of(rehearsal) as client:
        form = {
            "grant_type": "client_credentials",
            "client_id": identity["client_id"],
            "client_secret": identity["client_secret"],
            "scope": SCOPE,
        }
        granted = client.post(f"{LOGIN}/{world.COOPERATIVE}/oauth2/v2.0/token", data=form).json()
        headers = {"Authorization": f"Bearer {granted['access_token']}"}
        listed = client.get(f"{API}/environments/v1.2", headers=headers).json()["value"]
        assert len(listed) == 1000
        url = f"https://businesscentral.dynamics.com/{world.LAB}/Normal/deployment/url"
        assert client.get(url).json()["status"] == "Ready"
