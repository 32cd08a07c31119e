"""The check, against the rehearsal cloud: what wears out is found, with its next action."""

from __future__ import annotations

import asyncio
import json
import os
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest

from bcrunbook.accounts import Workspace
from bcrunbook.core.runner import run_in_context
from bcrunbook.core.step import Change, HandOff, Mode, Outcome, State
from bcrunbook.ledger.scope import Scope
from bcrunbook.rehearsal import RehearsalDescription, launch, world
from bcrunbook.run.rehearse.workspace import RehearsedCustomer
from bcrunbook.secrets import Secret, open_store
from bcrunbook.steps import step_named
from bcrunbook.steps.context import Context
from bcrunbook.steps.link_customer.codat_customer import codat_of, find_company, find_connection
from bcrunbook.steps.opening import open_context
from bcrunbook.steps.requirements import REDIRECT_URI, SCOPES
from bcrunbook.views.cells import card_view, outcome_view, plan_view
from tests.cli.conftest import program
from tests.conftest import MakeWorkspace, only_account
from tests.rehearsal.codat_support import Codat, key_of
from tests.rehearsal.support import Graph, client_of, eventually, user_token
from tests.support.independent_client import IndependentClient, MakeClient
from tests.support.linking import lab_customer, link, run_link_customer, set_up
from tests.support.portal import api_key, at_portal, confirm, row
from tests.support.running import run_steps, states

MARKER = "0badcafe"
"""The marker of a secret that a test makes."""
KEYS = "Keys in the Codat Portal"
NEEDS_PERSON = 3
"""The exit code of a check that found something for somebody to do."""


def site(name: str, environment: str) -> RehearsedCustomer:
    """A customer of the tenant with many environments, in one whose installation is plain."""
    (one,) = [
        found
        for found in world.environments_of(world.COOPERATIVE)
        if found.name == environment and found.script == "normal"
    ]
    admin = "hal.cotter@longbarrow-coop.example"
    return RehearsedCustomer(name, f"Site {name}", admin, environment, one.companies[0])


JOINERY = RehearsedCustomer(
    "joinery",
    "Tidewater Joinery",
    "owen.pryce@tidewater-joinery.example",
    "Production",
    "Tidewater Joinery",
)
LINKED = (
    lab_customer("gone", "LaterUninstalled"),
    site("cut", "Site-0008"),
    site("idle", "Site-0012"),
    JOINERY,
)
"""Who is linked when the tests begin; each is taken apart by one test."""


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Where this module's rehearsal lies."""
    return tmp_path_factory.mktemp("health")


@pytest.fixture(scope="module")
def own_cloud(folder: Path) -> Iterator[RehearsalDescription]:
    """A rehearsal cloud of this module's own: it takes the account apart."""
    faults = folder / "faults.json"
    faults.write_text("[]", "utf-8")
    with launch(folder / "cloud", skips=True, faults=faults, lags="worst") as running:
        yield running


@pytest.fixture(scope="module")
def workspace(folder: Path, own_cloud: RehearsalDescription) -> Workspace:
    """An account that is set up, with customers who are linked and one who has not begun."""

    async def make() -> Workspace:
        made = await set_up(folder, own_cloud, [*LINKED, lab_customer("later", "Normal")])
        async with open_context(made, made.account("trial")) as context:

            async def begin(name: str) -> None:
                await run_link_customer(context, name)
                await be_linked(context, own_cloud, name)

            await asyncio.gather(*(begin(one.name) for one in LINKED))
            await run_in_context(step_named("enable_integration"), context, Mode.APPLY)
        return made

    return asyncio.run(make())


async def be_linked(context: Context, own_cloud: RehearsalDescription, customer: str) -> None:
    """Do the customer's part, and follow it until it is well."""
    await link(context, own_cloud, customer)
    for _ in range(45):
        outcome = await run_link_customer(context, customer)
        if outcome.state is not State.NEEDS_PERSON:
            break
        # Where the extension may not be read, nothing shows before it is Linked.
        await context.cloud.pace.sleep(60)
    assert outcome.state is State.DONE, outcome.summary


@contextmanager
def answering(folder: Path, *rules: dict[str, Any]) -> Iterator[None]:
    """Let the cloud answer as these rules say, for the length of a `with` block."""

    def write(rules: list[dict[str, Any]]) -> None:
        half = folder / "faults.part"
        half.write_text(json.dumps(rules), "utf-8")
        os.replace(half, folder / "faults.json")

    write(list(rules))
    try:
        yield
    finally:
        write([])


def check_told_once(outcome: Outcome, text: str) -> None:
    """Fail unless card, plan and outcome each say `text` just once to whoever reads them."""
    for view in (
        card_view("Title", "trial", "rehearsal", "now", outcome.hand_offs),
        plan_view(outcome.changes, ""),
        outcome_view(outcome),
    ):
        assert (view.text.count(text), view.html.count(text)) == (1, 1)


def about(outcome: Outcome, name: str) -> tuple[Change, HandOff]:
    """What an outcome hands over about one thing; there is just one such hand-off."""
    (change,) = [one for one in outcome.hand_offs if one.key == name]
    assert change.hand_off is not None
    return change, change.hand_off


async def check(context: Context) -> Outcome:
    """Run the check."""
    return await run_in_context(step_named("health_check"), context, Mode.APPLY)


async def test_a_healthy_account_has_nothing_to_do(workspace: Workspace) -> None:
    """Every part is in order or only noted."""
    async with open_context(workspace, workspace.account("trial")) as context:
        outcome = await check(context)
    verdicts = {one.name: one.verdict.value for one in outcome.findings}
    assert verdicts["Application"] == "ok", outcome.findings
    assert verdicts["Client secret"] == "ok"
    assert verdicts["End of the client secret"] == "ok"
    assert verdicts[KEYS] == "ok"
    assert verdicts["Permissions and consent"] == "ok"
    assert verdicts["Integration in Codat"] == "ok"
    assert row(outcome, "Customer Lab later").actual == "not begun"


async def test_a_removed_extension_is_found_with_its_next_action(
    own_cloud: RehearsalDescription, workspace: Workspace
) -> None:
    """Uninstalled, not "never there"; the customer links again, and it is well again.

    contract B15.4, C8.22, C11.15 and C11.16
    """
    async with open_context(workspace, workspace.account("trial")) as context:
        while (outcome := await check(context)).state is State.DONE:
            await context.cloud.pace.sleep(60)
        assert outcome.state is State.NEEDS_PERSON
        change, handed = about(outcome, "Customer Lab gone")
        assert change.title == "Customer Lab gone: uninstalled"
        assert "bcrunbook link trial gone" in handed.actions[0]
        await be_linked(context, own_cloud, "gone")
        assert (await check(context)).state is State.DONE


async def test_a_switched_off_integration_is_found(
    own_cloud: RehearsalDescription, workspace: Workspace
) -> None:
    """The toggle, with the step that puts it right."""
    person = await asyncio.to_thread(at_portal, own_cloud)
    await asyncio.to_thread(person.toggle, False)
    async with open_context(workspace, workspace.account("trial")) as context:
        found = row(await check(context), "Integration in Codat")
    await asyncio.to_thread(person.toggle, True)
    assert found.verdict.value == "differs"
    assert "enable_integration" in found.advice


async def test_a_changed_application_is_found_with_what_differs(
    own_cloud: RehearsalDescription, workspace: Workspace
) -> None:
    """Somebody took the redirect URI away: what it is, what it should be, which step."""
    client = IndependentClient(own_cloud, own_cloud.accounts["trial"]["tenant"])
    try:
        application = client.application("trial")
        client.call(
            "PATCH",
            f"/applications/{application['id']}",
            {"web": {"redirectUris": ["https://elsewhere.example/callback"]}},
        )
    finally:
        client.http.close()
    async with open_context(workspace, workspace.account("trial")) as context:
        await context.cloud.pace.sleep(30)
        found = row(await check(context), "Application")
        await run_in_context(step_named("register_application"), context, Mode.APPLY)
    assert found.verdict.value == "differs"
    assert REDIRECT_URI in found.actual
    assert "register_application" in found.advice


async def test_a_consent_that_was_withdrawn_is_found(
    own_cloud: RehearsalDescription, workspace: Workspace
) -> None:
    """Somebody revoked the tenant's consent: which scopes are missing, and what mends it."""
    client = IndependentClient(own_cloud, own_cloud.accounts["trial"]["tenant"])
    try:
        (grant,) = client.grants(client.application("trial")["appId"])
        eventually(lambda: client.call("DELETE", f"/oauth2PermissionGrants/{grant['id']}"))
    finally:
        client.http.close()
    async with open_context(workspace, workspace.account("trial")) as context:
        await context.cloud.pace.sleep(30)
        outcome = await check(context)
        assert (outcome.state, outcome.exit_code) == (State.NEEDS_PERSON, NEEDS_PERSON)
        found = row(outcome, "Permissions and consent")
        assert found.verdict.value == "differs"
        assert all(scope in found.actual for scope in SCOPES)
        _, handed = about(outcome, "Permissions and consent")
        assert handed.actions == ("bcrunbook run trial api_permissions",)
        await run_in_context(step_named("api_permissions"), context, Mode.APPLY)
        assert row(await check(context), "Permissions and consent").verdict.value == "ok"


async def test_a_consent_withdrawn_in_the_customers_tenant_is_found(
    own_cloud: RehearsalDescription, workspace: Workspace
) -> None:
    """Their administrator removed the application: Deauthorized, and linking again helps.

    contract C8.6, C11.17 and C12.9
    """
    (tenant,) = [one for one in own_cloud.tenants if JOINERY.contact.endswith(f"@{one['domain']}")]
    (user,) = [one for one in tenant["users"] if one["upn"] == JOINERY.contact]
    async with open_context(workspace, workspace.account("trial")) as context:
        stored = context.ledger.latest(Scope(context.identity, "client_secret"), "secret_stored")
        assert stored is not None
        client_id = stored.data["client_id"]
        with client_of(own_cloud) as http:
            graph = Graph(http, user_token(http, own_cloud, {**user, "tenant": tenant["id"]}))
            one = f"/servicePrincipals(appId='{client_id}')"
            await asyncio.to_thread(lambda: eventually(lambda: graph("DELETE", one), until=204))
        outcome = await check(context)
        assert (outcome.state, outcome.exit_code) == (State.NEEDS_PERSON, NEEDS_PERSON)
        name = "Customer Tidewater Joinery"
        change, handed = about(outcome, name)
        assert change.title == f"{name}: link again"
        assert "Deauthorized" in handed.found and "AADSTS65001" in handed.found
        check_told_once(outcome, "AADSTS65001")
        assert handed.who.startswith("Tidewater Joinery: ")
        assert "bcrunbook link trial joinery" in handed.actions[0]
        await be_linked(context, own_cloud, "joinery")
        assert row(await check(context), name).verdict.value == "ok"


async def test_a_connection_that_was_unlinked_is_found(
    own_cloud: RehearsalDescription, workspace: Workspace
) -> None:
    """Somebody cut it in Codat: `bcrunbook check` ends with 3 and says what the customer does.

    contract C8.7
    """
    async with open_context(workspace, workspace.account("trial")) as context:
        company, connection = await in_codat(context, "cut")
        with client_of(own_cloud) as http:
            codat = Codat(http, key_of(own_cloud, own_cloud.codat["instance"]))
            path = f"/companies/{company}/connections/{connection}"
            assert codat("PATCH", path, {"status": "Unlinked"}).status_code == 200
        words = ("check", "trial", "--workspace", workspace.root)
        result = await asyncio.to_thread(program, *words)
        assert result.code == NEEDS_PERSON
        (line,) = [one for one in result.err.splitlines() if one.startswith("Customer Site cut: ")]
        assert "bcrunbook link trial cut, then bcrunbook run trial --customer cut" in line
        assert "unlinked in Codat" in " ".join(result.out.split())
        await be_linked(context, own_cloud, "cut")
        assert row(await check(context), "Customer Site cut").verdict.value == "ok"


@pytest.mark.parametrize(("days", "verdict"), [(29, "ok"), (31, "differs")])
async def test_a_month_without_a_sync_is_found(
    folder: Path, own_cloud: RehearsalDescription, workspace: Workspace, days: int, verdict: str
) -> None:
    """Everything stands, but nothing was fetched for so long that the authorization may lapse.

    contract C9.16
    """
    async with open_context(workspace, workspace.account("trial")) as context:
        company, _ = await in_codat(context, "idle")
        path = f"/companies/{company}/dataStatus"
        with client_of(own_cloud) as http:
            status = Codat(http, key_of(own_cloud, own_cloud.codat["instance"]))("GET", path).json()
        synced = datetime.now(UTC) - timedelta(days=days)
        status["company"]["lastSuccessfulSync"] = synced.isoformat()
        with answering(
            folder, {"host": "api.codat.io", "path": path, "status": 200, "body": status}
        ):
            outcome = await check(context)
    found = row(outcome, "Customer Site idle")
    assert found.verdict.value == verdict
    assert f"{synced:%Y-%m-%d}" in found.actual
    if verdict == "differs":
        assert (outcome.state, outcome.exit_code) == (State.NEEDS_PERSON, NEEDS_PERSON)
        change, handed = about(outcome, "Customer Site idle")
        assert change.title.endswith(f": no successful sync since {synced:%Y-%m-%d}")
        assert "Refresh" in handed.actions[0] and "Codat instance" in handed.who


async def in_codat(context: Context, customer: str) -> tuple[str, str]:
    """The ids of a customer's company and connection."""
    codat = codat_of(context)
    company, _ = await find_company(codat, context.account, context.account.customers[customer])
    assert company is not None
    connection = await find_connection(codat, company)
    assert connection is not None
    return company.id, connection.id


# --- The end of the secret: accounts of their own in the cloud that tests share ------------------


async def keep_until(workspace: Workspace, client: IndependentClient, ends: datetime) -> None:
    """Let the account's secret be one that ends then, made and stored as its step would have."""
    name = only_account(workspace)
    app = client.application(name)
    body = {"displayName": f"Codat (bcrunbook {MARKER})", "endDateTime": ends.isoformat()}
    path = f"/applications/{app['id']}/addPassword"
    made = client.call("POST", path, {"passwordCredential": body})
    store = open_store(workspace.account(name).secret_store, workspace.root)
    await store.put(f"{name}/{MARKER}", Secret(made.json()["secretText"]))


@pytest.mark.parametrize(
    ("days", "urgency"),
    [
        (31, ""),
        (30, "plan it"),
        (15, "plan it"),
        (14, "soon"),
        (8, "soon"),
        (7, "urgent"),
        (0, "urgent"),
    ],
)
async def test_the_end_of_the_secret_is_told_in_time(
    make_workspace: MakeWorkspace, make_client: MakeClient, days: int, urgency: str
) -> None:
    """A word 30, 14 and 7 whole days before, each more urgent, with the two steps that renew it."""
    workspace = make_workspace()
    name = only_account(workspace)
    await run_steps(workspace, "register_application")
    ends = datetime.now(UTC) + timedelta(days=days, hours=1)
    await keep_until(workspace, make_client(), ends)
    (outcome,) = await run_steps(workspace, "health_check")
    found = row(outcome, "End of the client secret")
    assert found.actual == f"{ends:%Y-%m-%d}, in {days} days"
    assert found.verdict.value == ("differs" if urgency else "ok")
    ending = [one for one in outcome.hand_offs if one.key == "End of the client secret"]
    assert bool(ending) is bool(urgency)
    if urgency:
        assert outcome.exit_code == NEEDS_PERSON
        _, handed = about(outcome, "End of the client secret")
        (action,) = handed.actions
        assert f"({urgency})" in action
        assert f"bcrunbook rotate {name};" in action


async def test_a_secret_that_has_expired_is_told_as_such(
    make_workspace: MakeWorkspace, make_client: MakeClient
) -> None:
    """With the day, and what renews it does; then the next check is content with the secret."""
    workspace = make_workspace()
    name = only_account(workspace)
    await run_steps(workspace, "register_application")
    ends = datetime.now(UTC) + timedelta(seconds=3)
    await keep_until(workspace, make_client(), ends)
    await asyncio.sleep((ends - datetime.now(UTC)).total_seconds())
    (outcome,) = await run_steps(workspace, "health_check")
    assert outcome.exit_code == NEEDS_PERSON
    change, handed = about(outcome, "End of the client secret")
    assert change.title.endswith(f"{ends:%Y-%m-%d}: it has expired")
    assert "(at once)" in handed.actions[0]
    assert f"bcrunbook rotate {name};" in handed.actions[0]
    assert row(outcome, "Client secret").verdict.value == "differs"
    store = open_store(workspace.account(name).secret_store, workspace.root)
    await store.delete(f"{name}/{MARKER}")
    assert states(await run_steps(workspace, "client_secret")) == ["changed"]
    (outcome,) = await run_steps(workspace, "health_check")
    assert row(outcome, "End of the client secret").verdict.value == "ok"
    assert row(outcome, "Client secret").verdict.value == "ok"


async def test_keys_that_codat_does_not_have_yet_are_found(
    make_workspace: MakeWorkspace, make_client: MakeClient
) -> None:
    """Nobody has saved any; somebody has; and the secret that they saved was replaced since.

    An old secret works until its end, so that nothing else tells before everything stops.

    contract C10.12
    """
    workspace = make_workspace()
    name = only_account(workspace)
    await run_steps(workspace, "register_application")
    ends = datetime.now(UTC) + timedelta(days=20)
    await keep_until(workspace, make_client(), ends)
    (outcome,) = await run_steps(workspace, "health_check")
    assert row(outcome, KEYS).actual == "nobody has said that the current secret is saved there"
    _, handed = about(outcome, KEYS)
    assert handed.actions[0].startswith(f"bcrunbook run {name} codat_keys, ")
    assert "Developer" in handed.who

    await save_keys(workspace)
    (outcome,) = await run_steps(workspace, "health_check")
    found = row(outcome, KEYS)
    assert found.verdict.value == "ok"
    assert found.actual == f"saved, says Ada ({datetime.now(UTC):%Y-%m-%d})"

    store = open_store(workspace.account(name).secret_store, workspace.root)
    await store.delete(f"{name}/{MARKER}")
    assert states(await run_steps(workspace, "client_secret")) == ["changed"]
    (outcome,) = await run_steps(workspace, "health_check")
    assert row(outcome, "End of the client secret").verdict.value == "ok"
    assert outcome.exit_code == NEEDS_PERSON
    replaced = f"replaced since, and that one works until {ends:%Y-%m-%d}"
    assert replaced in row(outcome, KEYS).actual
    check_told_once(outcome, f"{ends:%Y-%m-%d}")

    independent = make_client()
    app = independent.application(name)
    (old,) = [one for one in app["passwordCredentials"] if MARKER in one["displayName"]]
    independent.call("POST", f"/applications/{app['id']}/removePassword", {"keyId": old["keyId"]})
    async with asyncio.timeout(10):
        while len(independent.application(name)["passwordCredentials"]) > 1:
            await asyncio.sleep(0.05)
    (outcome,) = await run_steps(workspace, "health_check")
    assert "that one is not there any more" in row(outcome, KEYS).actual

    await save_keys(workspace)
    (outcome,) = await run_steps(workspace, "health_check")
    assert row(outcome, KEYS).verdict.value == "ok"


async def save_keys(workspace: Workspace) -> None:
    """Somebody says that they have saved the keys that are handed over."""
    (handed_over,) = await run_steps(workspace, "codat_keys")
    confirm(workspace, handed_over)


async def test_what_could_not_be_looked_at_is_not_in_order(make_workspace: MakeWorkspace) -> None:
    """Codat refuses the API key: unknown, never fine, and somebody has to see to it."""
    workspace = make_workspace()
    await run_steps(workspace, "register_application", "client_secret", "api_permissions")
    api_key(workspace, "a-key-that-was-revoked")
    (outcome,) = await run_steps(workspace, "health_check")
    assert (outcome.state, outcome.exit_code) == (State.NEEDS_PERSON, NEEDS_PERSON)
    assert row(outcome, "Integration in Codat").verdict.value == "unknown"
    change, handed = about(outcome, "Integration in Codat")
    assert change.title == "Integration in Codat: it could not be looked at"
    assert "Codat" in handed.found and "key" in handed.actions[0]
