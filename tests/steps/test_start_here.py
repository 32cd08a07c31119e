"""Start here, against the rehearsal cloud, and what people with fewer rights meet later."""

from __future__ import annotations

import asyncio
from typing import Any

import pytest

from bcrunbook.core.step import Finding, Outcome
from bcrunbook.order import API_PERMISSIONS, START_HERE, notebook_name, ref
from bcrunbook.rehearsal import RehearsalDescription
from bcrunbook.steps.requirements import SCOPES
from tests.conftest import MakeWorkspace, only_account, requests_of
from tests.support.independent_client import MakeClient, browse, person_of
from tests.support.running import run_steps, states

STEP = "start_here"


def device_code(cloud: RehearsalDescription) -> dict[str, Any]:
    """The [sign_in] table for a person with the rehearsal's own public client."""
    return {
        "method": "device_code",
        "client_id": cloud.clients["bootstrap"],
        "cache": "memory",
    }


def found(outcome: Outcome, name: str) -> Finding:
    """One finding by its name."""
    (finding,) = [one for one in outcome.findings if one.name == name]
    return finding


async def test_an_application_is_told_where_it_is(
    make_workspace: MakeWorkspace, cloud: RehearsalDescription
) -> None:
    """Tenant, domain, Business Central; and what cannot be read is unknown, with whom to ask.

    contract G15.3, G15.4, G19.1 and G19.2
    """
    (outcome,) = await run_steps(make_workspace(), STEP)
    assert outcome.state == "done"
    assert cloud.accounts["trial"]["tenant"] in found(outcome, "Tenant").actual
    assert found(outcome, "Business Central in this tenant").verdict == "ok"
    assert found(outcome, "A company e-mail domain, verified").verdict == "ok"
    licence = found(outcome, "A Business Central licence")
    assert (licence.verdict, bool(licence.advice)) == ("unknown", True)


async def test_it_writes_nothing(
    make_workspace: MakeWorkspace, cloud: RehearsalDescription
) -> None:
    """One call to Microsoft Graph, which reads."""
    before = len(requests_of(cloud))
    await run_steps(make_workspace(), STEP)
    assert [one["path"] for one in requests_of(cloud)[before:]] == ["/v1.0/$batch"]


async def test_a_person_sees_other_tenants_and_what_they_may_do(
    make_workspace: MakeWorkspace, cloud: RehearsalDescription
) -> None:
    """An administrator signs in by device code: name, tenants in sight, rights from the roles.

    contract G10.8, G15.9 and G19.3
    """
    person = person_of(cloud, "robin")
    workspace = make_workspace(sign_in=device_code(cloud))
    (outcome,) = await run_steps(workspace, STEP, person=person)
    assert outcome.state == "done"
    assert person.upn in found(outcome, "Signed in as").actual
    other = cloud.accounts["not_to_be_used"]["tenant"]
    assert other in found(outcome, "Other tenants in sight").actual
    assert (
        found(outcome, f"{ref(API_PERMISSIONS).capitalize()}: consent for the tenant").actual
        == "allowed"
    )


async def test_a_guest_is_told_before_anything_is_tried(
    make_workspace: MakeWorkspace, cloud: RehearsalDescription
) -> None:
    """Somebody who may neither register nor consent is sent to somebody who may.

    contract G15.7
    """
    workspace = make_workspace(sign_in=device_code(cloud))
    (outcome,) = await run_steps(workspace, STEP, person=person_of(cloud, "noor"))
    assert outcome.state == "needs_person"
    assert "Application Developer" in str(outcome.hand_offs[0].hand_off)


async def test_a_guest_who_goes_on_all_the_same_gets_a_card_to_forward(
    make_workspace: MakeWorkspace, cloud: RehearsalDescription
) -> None:
    """Registration is refused by the service: the outcome says what to do by hand.

    contract G6.15
    """
    workspace = make_workspace(sign_in=device_code(cloud))
    (outcome,) = await run_steps(workspace, "register_application", person=person_of(cloud, "noor"))
    assert outcome.state == "needs_person"
    assert "New registration" in str(outcome.hand_offs[0].hand_off)


async def test_who_may_register_but_not_consent_forwards_a_link(
    make_workspace: MakeWorkspace, cloud: RehearsalDescription, make_client: MakeClient
) -> None:
    """A developer gets as far as the consent; an administrator follows the link; it is noticed.

    contract G10.8, G10.9, G20.1, G20.2 and G20.3
    """
    workspace = make_workspace(sign_in=device_code(cloud))
    sam = person_of(cloud, "sam")
    outcomes = await run_steps(
        workspace, "register_application", "client_secret", "api_permissions", person=sam
    )
    assert states(outcomes) == ["changed", "changed", "needs_person"]
    assert outcomes[-1].exit_code == 3
    handed = outcomes[-1].hand_offs[0].hand_off
    assert handed is not None
    admin = person_of(cloud, "jo")
    await asyncio.to_thread(
        browse, handed.link, username=admin.upn, password=admin.password, decision="accept"
    )
    client = make_client()
    app = client.application(only_account(workspace))
    (grant,) = client.grants(app["appId"])
    assert set(SCOPES) <= set(grant["scope"].split())
    assert states(await run_steps(workspace, "api_permissions", person=sam)) == ["done"]


async def test_a_tenant_without_business_central_is_told_and_provisioned(
    make_workspace: MakeWorkspace, cloud: RehearsalDescription
) -> None:
    """Missing Business Central is said at first, made known with the permissions where allowed.

    contract G9.1, G9.4 and B2.8
    """
    workspace = make_workspace(tenant=cloud.accounts["without_business_central"]["tenant"])
    start, *_, permissions = await run_steps(workspace)
    assert found(start, "Business Central in this tenant").actual == "not there"
    assert permissions.state == "changed"
    assert found(permissions, "Admin consent for the tenant").verdict == "ok"


@pytest.mark.parametrize("method", ["device_code", "browser"])
async def test_nobody_there_to_sign_in_parks_the_run(
    make_workspace: MakeWorkspace, cloud: RehearsalDescription, method: str
) -> None:
    """Headless, a person's sign-in never waits: the outcome says how to go on."""
    sign_in = {**device_code(cloud), "method": method}
    (outcome,) = await run_steps(make_workspace(sign_in=sign_in), STEP)
    assert outcome.state == "needs_person"
    assert outcome.exit_code == 3
    assert outcome.error is not None
    assert notebook_name(START_HERE) in outcome.error["next"]
