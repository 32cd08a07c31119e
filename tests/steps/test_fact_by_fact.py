"""What the steps make of facts that no other test of them meets, one by one."""

from __future__ import annotations

import asyncio
from datetime import datetime, timedelta
from typing import Any

import pytest

from bcrunbook.accounts import Account, Customer
from bcrunbook.order import API_PERMISSIONS, CLIENT_SECRET, REGISTER_APPLICATION
from bcrunbook.rehearsal import RehearsalDescription
from bcrunbook.steps.link_customer.codat_customer import TAG, find_company, tag_of
from bcrunbook.steps.link_customer.installation.poll import DeploymentEvent
from bcrunbook.steps.link_customer.installation.verdict import Verdict, judge
from bcrunbook.steps.link_customer.installation.watch import line
from bcrunbook.steps.requirements import SCOPES
from tests.conftest import MakeWorkspace, only_account
from tests.rehearsal.support import eventually
from tests.services.test_codat import company, listed, scripted
from tests.steps.test_verdict import FAILING, RUNNING, START, poll
from tests.steps.test_watching_together import LOG, Service, a_view, admin_centre, now
from tests.support.independent_client import MakeClient, person_of
from tests.support.running import run_steps, states

__all__ = ["now"]

GRAPH_API = "00000003-0000-0000-c000-000000000000"


async def test_a_policys_whole_length_is_not_used_up(
    make_workspace: MakeWorkspace, cloud: RehearsalDescription, make_client: MakeClient
) -> None:
    """An hour stays for the service's own clock (contract G8.6)."""
    capped = cloud.accounts["short_secrets"]["tenant"]
    workspace = make_workspace(tenant=capped, secret_lifetime="90 days")
    await run_steps(workspace, REGISTER_APPLICATION, CLIENT_SECRET)
    (made,) = make_client(capped).application(only_account(workspace))["passwordCredentials"]
    begins, ends = (datetime.fromisoformat(made[one]) for one in ("startDateTime", "endDateTime"))
    left = timedelta(days=90) - (ends - begins)
    assert timedelta(minutes=59) < left < timedelta(minutes=62)


async def test_a_persons_own_consent_is_left_alone(
    make_workspace: MakeWorkspace, cloud: RehearsalDescription, make_client: MakeClient
) -> None:
    """It is neither taken for the tenant's nor changed (contract G10.2 and G10.6)."""
    workspace = make_workspace()
    await run_steps(workspace, REGISTER_APPLICATION)
    client = make_client()
    app = client.application(only_account(workspace))
    own, api = (
        client.call("GET", f"/servicePrincipals(appId='{one}')").json()["id"]
        for one in (app["appId"], "996def3d-b36c-4153-8607-a6fd3c01b89f")
    )
    users = client.call("GET", "/users").json()["value"]
    theirs = {
        "clientId": own,
        "resourceId": api,
        "consentType": "Principal",
        "principalId": users[0]["id"],
        "scope": " ".join(SCOPES),
    }
    made = await asyncio.to_thread(
        eventually, lambda: client.call("POST", "/oauth2PermissionGrants", theirs)
    )
    assert states(await run_steps(workspace, API_PERMISSIONS)) == ["changed"]
    found = {one["consentType"]: one for one in client.grants(app["appId"])}
    assert set(found) == {"Principal", "AllPrincipals"}
    assert found["Principal"]["id"] == made.json()["id"]
    assert found["Principal"]["scope"] == theirs["scope"]


@pytest.mark.parametrize(
    ("status", "verdict"),
    [
        ("queued", Verdict.INSTALLING),
        ("running", Verdict.INSTALLING),
        ("Running", Verdict.INSTALLING),
        ("scheduled", Verdict.NOT_LINKED),
        ("failed", Verdict.SUSPECT),
        ("canceled", Verdict.NOT_LINKED),
        ("cancelled", Verdict.NOT_LINKED),
        ("skipped", Verdict.NOT_LINKED),
        ("something new", Verdict.NOT_LINKED),
    ],
)
def test_what_an_operation_of_the_admin_centre_says(status: str, verdict: Verdict) -> None:
    """One that waits for the update window does not go on (contract B3.8, B9.14 and B9.15)."""
    operation = DeploymentEvent("environmentAppInstall", status, START)
    assert judge([poll(60, operations=(operation,))], None).verdict is verdict


@pytest.mark.parametrize(
    ("kind", "verdict"),
    [
        ("environmentAppInstall", Verdict.INSTALLING),
        ("environmentAppUpdate", Verdict.INSTALLING),
        ("environmentAppHotfix", Verdict.INSTALLING),
        ("environmentAppUninstall", Verdict.NOT_LINKED),
    ],
)
def test_what_goes_on_is_told_by_the_kind_of_an_operation(kind: str, verdict: Verdict) -> None:
    """One that removes the extension installs nothing (contract B9.12 and B15.3)."""
    operation = DeploymentEvent(kind, "running", START)
    assert judge([poll(60, operations=(operation,))], None).verdict is verdict


def test_what_is_usual_is_told_with_each_look() -> None:
    """Twenty minutes, whatever was seen (contract B2.13 and B14.2)."""
    seen = poll(1500, connection="Linked", data="FetchError")
    said = line(seen, judge([seen], None))
    assert said.startswith("installing (25:00, expected up to 20:00;")


@pytest.mark.parametrize("order", [(0, 1, 2), (2, 1, 0), (1, 2, 0)])
async def test_the_oldest_company_of_a_customer_is_theirs(order: tuple[int, ...]) -> None:
    """In whichever order Codat lists them (contract C4.13)."""
    account = Account.model_validate(
        {"name": "trial", "kind": "trial", "tenant": "contoso.com", "application": "Books"}
    )
    customer = Customer(name="books", display_name="Books", contact="ada@contoso.com")
    rows = [
        company(f"c{at}", created=f"2026-0{at + 1}-01T00:00:00Z", tags={TAG: "trial.books"})
        for at in order
    ]
    found, more = await scripted(listed(*rows)).do(
        lambda codat: find_company(codat, account, customer)
    )
    assert found is not None and (found.id, more) == ("c0", 2)


def test_the_longest_names_fit_into_a_tag() -> None:
    """As Codat limits it: 27 characters for its key, 100 for its value (contract C7.8)."""
    account = Account.model_validate(
        {"name": "a" * 30, "kind": "trial", "tenant": "contoso.com", "application": "Books"}
    )
    customer = Customer(name="c" * 40, display_name="Books", contact="ada@contoso.com")
    assert len(TAG) <= 27 and len(tag_of(account, customer)) <= 100


async def test_what_many_share_is_twenty_seconds_old_at_most(now: list[float]) -> None:
    """Younger it is not asked for again (contract B14.9)."""
    service = Service(admin_centre)
    async with a_view(service) as view:
        for seconds, asked in ((0.0, 1), (19.0, 1), (2.0, 2)):
            now[0] += seconds
            await view.environment("Live")
            assert len(service.asked) == asked, seconds


async def test_an_environments_log_is_found_by_the_name_beside_its_parameters() -> None:
    """As the deployed service has it (contract B9.18)."""
    row = {**LOG[0], "environmentName": "Live", "parameters": {"appId": "an-app"}}
    async with a_view(Service(lambda _: {"value": [row]})) as view:
        seen = await view.operations("live")
        assert [one.app_id for one in seen.value or ()] == ["an-app"]
        assert (await view.operations("Elsewhere")).value == ()


@pytest.mark.parametrize(
    "seen",
    [{"deployments": (RUNNING,)}, {"connection": "Linked", "data": "FetchError"}],
    ids=["a deployment", "fetch errors"],
)
def test_three_quarters_of_an_hour_are_given(seen: dict[str, Any]) -> None:
    """Then it is unconfirmed, and not failed (contract B14.3 and C11.7)."""
    assert judge([poll(2699, **seen)], None).verdict is Verdict.INSTALLING
    assert judge([poll(2700, **seen)], None).verdict is Verdict.UNCONFIRMED


async def test_who_consents_in_a_browser_is_told_of_codats_page(
    make_workspace: MakeWorkspace, cloud: RehearsalDescription
) -> None:
    """An error there does not matter: the consent is read from the tenant (contract C10.15)."""
    workspace = make_workspace(
        sign_in={
            "method": "device_code",
            "client_id": cloud.clients["bootstrap"],
            "cache": "memory",
        }
    )
    *_, outcome = await run_steps(
        workspace, REGISTER_APPLICATION, API_PERMISSIONS, person=person_of(cloud, "sam")
    )
    card = outcome.hand_offs[0].hand_off
    assert card is not None
    told = " ".join((card.found, card.looks_like, *card.actions, *card.slips))
    assert "may show an error" in told and "does not matter" in " ".join(told.split())


@pytest.mark.parametrize(
    ("status", "verdict"),
    [
        ("Upgrading", Verdict.HIDDEN),
        ("Active", Verdict.NOT_LINKED),
        ("NotReady", Verdict.NOT_LINKED),
        ("Preparing", Verdict.NOT_LINKED),
        ("Recovering", Verdict.NOT_LINKED),
        ("SoftDeleted", Verdict.NOT_LINKED),
    ],
)
def test_only_an_upgrade_is_waited_for(status: str, verdict: Verdict) -> None:
    """Of all states of an environment that cannot be read (contract B4.7, B4.15 and B14.7)."""
    seen = {**FAILING, "environment": f"Live: {status}"}
    assert judge([poll(at, **seen) for at in (0, 200, 400)], None).verdict is verdict
