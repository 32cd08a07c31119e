"""Mix-ups that were seen to go wrong, each as an example of its kind."""

from __future__ import annotations

import asyncio
from datetime import timedelta
from typing import Any

import pytest

from bcrunbook.core.confirmations import confirm
from bcrunbook.core.follow import follow
from bcrunbook.core.runner import run_in_context
from bcrunbook.core.step import Mode, Outcome, State
from bcrunbook.errors import FixInput
from bcrunbook.ledger import store
from bcrunbook.ledger.scope import FactKind, Scope
from bcrunbook.ledger.store import open_ledger
from bcrunbook.order import REGISTER_APPLICATION, START_HERE
from bcrunbook.rehearsal import world
from bcrunbook.rehearsal.codat import world as codat
from bcrunbook.rehearsal.codat.records import COMPANY
from bcrunbook.rehearsal.directory import APPLICATION
from bcrunbook.skipped import dates
from bcrunbook.steps import step_named
from bcrunbook.steps.opening import open_context
from tests.mixups.conftest import Desk
from tests.mixups.inprocess import INSTANCES, InProcess
from tests.support.running import ALONE

LINK = "link_customer"


def applications(cloud: InProcess, tenant: str = world.TRIAL) -> dict[str, dict[str, Any]]:
    """The applications of a tenant that the program made, by client id."""
    found = cloud.seen().get((APPLICATION, tenant), {}).values()
    return {one["appId"]: one for one in found if one["uniqueName"] or one["tags"]}


def companies(cloud: InProcess) -> list[tuple[str, str]]:
    """Instance and name of every company that bears our tag."""
    return [
        (instance.name, one["name"])
        for instance in INSTANCES
        for one in cloud.seen().get((COMPANY, instance.id), {}).values()
        if "bcrunbook-customer" in (one.get("tags") or {})
    ]


def said_yes(desk: Desk, account: str, outcome: Outcome) -> None:
    """A person answers a step's question."""
    workspace = desk.load()
    (change,) = [one for one in outcome.hand_offs if one.hand_off and one.hand_off.confirmation]
    with open_ledger(workspace.ledger_url, workspace.root) as kept:
        whose = workspace.account(account).identity
        confirm(kept, Scope(whose, outcome.step, outcome.customer or None), change, "Ada")


# -- the Codat instance ------------------------------------------------------------------------


def test_no_step_touches_another_instance_than_the_account_names(desk: Desk) -> None:
    """With the production instance's key in the test account's place nothing is made there."""
    desk.account("trial")
    desk.customer("trial", "t1", "Brackenfield Bakery")
    desk.key("trial", codat.PRODUCTION)
    (outcome,) = desk.run("trial", LINK, customer="t1")
    assert outcome.state is State.FAILED and outcome.exit_code == 2
    assert codat.TRIAL.name in outcome.summary and codat.PRODUCTION.name in outcome.summary
    assert companies(desk.cloud) == []


def test_no_link_comes_from_another_instance(desk: Desk) -> None:
    """A link that could be fetched is not, once the key leads elsewhere; nor is it followed."""
    desk.account("trial")
    desk.customer("trial", "t1", "Brackenfield Bakery")
    desk.run("trial", LINK, customer="t1")
    assert desk.link("trial", "t1").startswith("https://")
    desk.key("trial", codat.PRODUCTION)
    with pytest.raises(FixInput, match="belongs to the Codat instance"):
        desk.link("trial", "t1")
    workspace = desk.load()

    async def stay() -> None:
        whom = workspace.customer("trial", "t1")
        async with open_context(workspace, workspace.account("trial"), customer=whom) as context:
            await follow(step_named(LINK), context)

    with pytest.raises(FixInput, match="belongs to the Codat instance"):
        asyncio.run(stay())
    (check,) = desk.run("trial", "health_check")
    customers = [row.actual for row in check.findings if row.name == "Customer Brackenfield Bakery"]
    assert "belongs to the Codat instance" in customers[0]


def test_without_a_name_the_first_instance_is_meant(desk: Desk) -> None:
    """An account that names no instance means the one that its key led to first."""
    desk.account("trial", codat_instance=None)
    desk.customer("trial", "t1", "Brackenfield Bakery")
    assert desk.run("trial", LINK, customer="t1")[0].state is State.NEEDS_PERSON
    desk.key("trial", codat.PRODUCTION)
    (outcome,) = desk.run("trial", LINK, customer="t1")
    assert outcome.state is State.FAILED and codat.PRODUCTION.name in str(outcome.error)
    assert codat.TRIAL.name in str(outcome.error)
    assert companies(desk.cloud) == [(codat.TRIAL.name, "Brackenfield Bakery")]
    desk.account("trial", codat_instance=codat.PRODUCTION.name)
    assert desk.run("trial", LINK, customer="t1")[0].state is State.NEEDS_PERSON


def test_the_instance_is_asked_for_once(desk: Desk, monkeypatch: pytest.MonkeyPatch) -> None:
    """One more call in a run, however much it asks of Codat."""
    desk.account("trial")
    desk.customer("trial", "t1", "Brackenfield Bakery")
    asked: list[str] = []
    answer = type(desk.cloud.transport).handle_async_request

    async def note(transport: Any, request: Any) -> Any:
        if request.url.host == "api.codat.io":
            asked.append(request.url.path)
        return await answer(transport, request)

    monkeypatch.setattr(type(desk.cloud.transport), "handle_async_request", note)
    desk.run("trial", LINK, customer="t1")
    assert asked.count("/profile") == 1 and asked[0] == "/profile" and len(asked) > 5


@pytest.mark.parametrize("other", [{"codat_instance": codat.TRIAL.name}, {"codat_api_key": None}])
def test_two_accounts_on_one_instance_are_refused(desk: Desk, other: dict[str, Any]) -> None:
    """An instance keeps one pair of keys: by its name, or by the place of its API key."""
    desk.account("trial")
    desk.account("live", kind="production")
    if "codat_api_key" in other:
        desk.accounts["live"]["codat_api_key"] = desk.accounts["trial"]["codat_api_key"]
        desk.accounts["live"]["codat_instance"] = codat.PRODUCTION.name
    with pytest.raises(FixInput, match="account trial as well"):
        desk.load()


# -- customers ---------------------------------------------------------------------------------


def test_a_key_that_was_given_to_another_customer_links_nobody(desk: Desk) -> None:
    """A list sorted anew: no link, no connection, a question that names both."""
    desk.account("trial")
    desk.customer("trial", "c1", "Tidewater Joinery")
    desk.run("trial", LINK, customer="c1")
    desk.customer("trial", "c1", "Brackenfield Bakery")
    before = desk.cloud.seen()
    (outcome,) = desk.run("trial", LINK, customer="c1")
    assert outcome.state is State.NEEDS_PERSON
    (row,) = [one for one in outcome.findings if one.name == "Company in Codat"]
    assert (row.wanted, row.actual, row.verdict) == (
        "Brackenfield Bakery",
        "Tidewater Joinery",
        "differs",
    )
    with pytest.raises(FixInput, match=r"Tidewater Joinery.*Brackenfield Bakery"):
        desk.link("trial", "c1")
    assert desk.cloud.seen() == before
    (check,) = desk.run("trial", "health_check")
    assert check.state is not State.DONE


def test_the_same_company_under_a_new_name(desk: Desk) -> None:
    """Somebody says that it is the same: it goes on, and Codat's name stays."""
    desk.account("trial")
    desk.customer("trial", "c1", "Tidewater Joinery")
    desk.run("trial", LINK, customer="c1")
    desk.customer("trial", "c1", "Tidewater Joinery Ltd")
    (asked,) = desk.run("trial", LINK, customer="c1")
    said_yes(desk, "trial", asked)
    (outcome,) = desk.run("trial", LINK, customer="c1")
    assert "Tidewater Joinery Ltd links" in outcome.summary
    assert desk.link("trial", "c1").startswith("https://")
    assert companies(desk.cloud) == [(codat.TRIAL.name, "Tidewater Joinery")]
    # The word was about these two names.
    desk.customer("trial", "c1", "Brackenfield Bakery")
    with pytest.raises(FixInput, match="Brackenfield Bakery"):
        desk.link("trial", "c1")


def test_a_customer_whose_key_changed_gets_no_second_company(desk: Desk) -> None:
    """The ledger knows for whom it made a company, whatever the key is called now."""
    desk.account("trial")
    desk.customer("trial", "c1", "Tidewater Joinery")
    desk.run("trial", LINK, customer="c1")
    desk.customers["trial"] = {"joinery": "Tidewater Joinery"}
    (outcome,) = desk.run("trial", LINK, customer="joinery")
    assert outcome.state is State.NEEDS_PERSON and "c1" in str(outcome.hand_offs)
    assert len(companies(desk.cloud)) == 1


# -- applications ------------------------------------------------------------------------------


def test_a_client_id_that_is_gone_is_no_dead_end(desk: Desk) -> None:
    """Deleted and registered again elsewhere: the steps after go by the marker."""
    desk.account("trial", codat_api_key=None, codat_instance=None)
    desk.run("trial", *ALONE)
    for key in [one["id"] for one in applications(desk.cloud).values()]:
        desk.cloud.delete(APPLICATION, world.TRIAL, key)
    colleague = Desk(desk.root.parent / "colleague", desk.cloud, dict(desk.accounts))
    colleague.run("trial", *ALONE)
    (client_id,) = applications(desk.cloud)
    outcomes = desk.run("trial", *ALONE)
    assert [one.state for one in outcomes] == [State.DONE] * len(ALONE)
    assert client_id in str(outcomes[1].findings)


def test_a_tenant_that_was_mistaken_is_left_alone(desk: Desk) -> None:
    """Run in one tenant, corrected to another: each has its own, and steps find theirs."""
    desk.account("trial", codat_api_key=None, codat_instance=None)
    desk.run("trial", *ALONE)
    before = applications(desk.cloud)
    desk.account("trial", tenant=world.TENANTS[world.SHORT_SECRETS].domain)
    (start,) = desk.run("trial", "start_here")
    assert any("elsewhere" in one.name for one in start.findings)
    outcomes = desk.run("trial", *ALONE)
    assert all(one.state in (State.DONE, State.CHANGED) for one in outcomes)
    assert applications(desk.cloud) == before
    assert len(applications(desk.cloud, world.SHORT_SECRETS)) == 1
    # The tenant's id is another name of the same tenant: what was done counts.
    desk.account("trial", tenant=world.SHORT_SECRETS)
    assert [one.state for one in desk.run("trial", *ALONE)] == [State.DONE] * len(ALONE)


def test_two_workspaces_with_one_account_name_do_not_fight(desk: Desk) -> None:
    """What bears our marker and another name is asked about, by whoever comes second."""
    desk.account("production", kind="production", codat_api_key=None, codat_instance=None)
    desk.run("production", *ALONE)
    before = applications(desk.cloud)
    (client_id,) = before
    other = Desk(desk.root.parent / "other", desk.cloud)
    other.accounts = {"production": {**desk.accounts["production"], "application": "Team B"}}
    asked, *after = other.run("production", *ALONE[ALONE.index(REGISTER_APPLICATION) :])
    assert asked.state is State.NEEDS_PERSON
    hand_off = str(asked.hand_offs[0])
    assert client_id in hand_off and "Books" in str(asked.findings) and "Team B" in hand_off
    assert all(one.state is State.FAILED and "Team B" in one.summary for one in after)
    assert applications(desk.cloud) == before
    # Taken over on purpose, it gets the other name; and now the first one is asked.
    other.account("production", client_id=client_id)
    assert other.run("production", REGISTER_APPLICATION)[0].state is State.CHANGED
    (outcome,) = desk.run("production", REGISTER_APPLICATION)
    assert outcome.state is State.NEEDS_PERSON
    assert applications(desk.cloud)[client_id]["displayName"] == "Team B"


def test_another_name_in_the_file_is_a_change_as_ever(desk: Desk) -> None:
    """Renaming the application in accounts.toml renames the account's own."""
    desk.account("trial", codat_api_key=None, codat_instance=None)
    desk.run("trial", *ALONE)
    desk.account("trial", application="Ledger reader")
    assert desk.run("trial", REGISTER_APPLICATION)[0].state is State.CHANGED
    (app,) = applications(desk.cloud).values()
    assert app["displayName"] == "Ledger reader"


def test_an_account_under_a_new_name_registers_nothing_twice(desk: Desk) -> None:
    """The ledger knows what an account that is gone from the file has registered here."""
    desk.account("trial", codat_api_key=None, codat_instance=None)
    desk.run("trial", *ALONE)
    (client_id,) = applications(desk.cloud)
    desk.accounts = {"first": desk.accounts["trial"]}
    (outcome,) = desk.run("first", REGISTER_APPLICATION)
    assert outcome.state is State.NEEDS_PERSON and client_id in str(outcome.hand_offs)
    assert list(applications(desk.cloud)) == [client_id]


# -- what an account requires --------------------------------------------------------------------


def pair(desk: Desk) -> None:
    """A trial without a customer, and production with one, each in a tenant of its own."""
    desk.account("trial")
    desk.account(
        "production",
        kind="production",
        requires="trial",
        tenant=world.TENANTS[world.PRODUCTION].domain,
        codat_instance=codat.PRODUCTION.name,
    )
    desk.key("production", codat.PRODUCTION)
    desk.customer("production", "c1", "Tidewater Joinery")


def set_up(desk: Desk, account: str) -> list[Outcome]:
    """The set-up, with a person who saves the keys."""
    outcomes = desk.run(account, *ALONE)
    (keys,) = desk.run(account, "codat_keys")
    if keys.state is State.NEEDS_PERSON:
        said_yes(desk, account, keys)
    return [*outcomes, *desk.run(account, "codat_keys", "enable_integration")]


def test_a_customer_asks_for_the_steps_of_the_trial_itself(desk: Desk) -> None:
    """A trial needs no customer of its own for production's to be linked."""
    pair(desk)
    (refused,) = desk.run("production", LINK, customer="c1")
    assert refused.exit_code == 2 and "trial" in refused.summary
    assert companies(desk.cloud) == []
    set_up(desk, "trial")
    set_up(desk, "production")
    (outcome,) = desk.run("production", LINK, customer="c1")
    assert outcome.state is State.NEEDS_PERSON
    assert companies(desk.cloud) == [(codat.PRODUCTION.name, "Tidewater Joinery")]


@pytest.mark.parametrize(
    ("change", "step"),
    [
        ({"tenant": world.TENANTS[world.SHORT_SECRETS].domain}, REGISTER_APPLICATION),
        ({"codat_instance": codat.ON_FREE_PLAN.name}, LINK),
    ],
    ids=["tenant", "instance"],
)
def test_a_pass_elsewhere_counts_for_nothing(desk: Desk, change: dict[str, Any], step: str) -> None:
    """A trial that was pointed elsewhere since has not passed there."""
    pair(desk)
    set_up(desk, "trial")
    desk.account("trial", **change)
    (refused,) = desk.run("production", step, customer="c1" if step == LINK else "")
    assert refused.exit_code == 2 and '"trial"' in refused.summary
    assert applications(desk.cloud, world.PRODUCTION) == {}


def test_a_pass_in_a_rehearsal_counts_for_nothing_live(
    desk: Desk, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Production is live, its trial has only rehearsed: nothing is written."""
    pair(desk)
    set_up(desk, "trial")
    desk.account("production", cloud="live")
    (refused,) = desk.run("production", REGISTER_APPLICATION)
    assert refused.exit_code == 2 and "live" in str(refused.error)
    assert applications(desk.cloud, world.PRODUCTION) == {}


def test_a_pass_of_another_version_counts_for_nothing(
    desk: Desk, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The runbook has changed since: the trial comes first again."""
    pair(desk)
    set_up(desk, "trial")
    monkeypatch.setattr("bcrunbook.steps.required.__version__", "99.0")
    (refused,) = desk.run("production", REGISTER_APPLICATION)
    assert refused.exit_code == 2 and "99.0" in str(refused.error)
    monkeypatch.undo()


# -- clocks and sleepers ---------------------------------------------------------------------------


@pytest.mark.parametrize("days", [4, 190, -4, -190])
def test_a_working_secret_is_never_expired(
    desk: Desk, monkeypatch: pytest.MonkeyPatch, days: int
) -> None:
    """Whatever this machine's clock says, the service's decides, and Entra's word."""
    desk.account("trial", secret_lifetime="3 days", codat_api_key=None, codat_instance=None)
    desk.run("trial", *ALONE)
    (before,) = applications(desk.cloud).values()

    right = dates.now
    monkeypatch.setattr(dates, "now", lambda: right() + timedelta(days=days))
    (outcome,) = desk.run("trial", "client_secret")
    assert outcome.state is State.DONE, outcome.summary
    (after,) = applications(desk.cloud).values()
    assert after["passwordCredentials"] == before["passwordCredentials"]


def test_whoever_slept_through_their_lease_writes_nothing(
    desk: Desk, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Another run took over between the intention and the request: no second secret is made."""
    desk.account("trial", codat_api_key=None, codat_instance=None)
    desk.run("trial", START_HERE, REGISTER_APPLICATION)
    workspace = desk.load()
    record = store.Ledger.record

    def slept(kept: store.Ledger, scope: Scope, kind: str, *rest: Any, **more: Any) -> None:
        record(kept, scope, kind, *rest, **more)
        if kind == FactKind.SECRET_INTENT:
            # A process that is stopped here knows nothing of it.
            with kept._engine.begin() as connection:
                connection.exec_driver_sql("UPDATE lease SET token = 'another'")

    monkeypatch.setattr(store.Ledger, "record", slept)
    (outcome,) = desk.run("trial", "client_secret")
    assert outcome.state is State.WAITING and "another run" in outcome.summary
    (app,) = applications(desk.cloud).values()
    assert app["passwordCredentials"] == []
    monkeypatch.setattr(store.Ledger, "record", record)
    with open_ledger(workspace.ledger_url, workspace.root) as kept, kept._engine.begin() as one:
        one.exec_driver_sql("DELETE FROM lease")
    assert desk.run("trial", "client_secret")[0].state is State.CHANGED


# -- what an earlier version noted -----------------------------------------------------------------


def test_records_without_a_tenant_are_asked_about(desk: Desk) -> None:
    """They count for nothing until somebody says whose they are; nothing is guessed."""
    desk.account("trial")
    set_up(desk, "trial")
    workspace = desk.load()
    forget = [
        f"UPDATE {one} SET tenant = NULL, instance = NULL" for one in ("run", "fact", "outcome")
    ]
    forget += [f"UPDATE {one} SET cloud = NULL" for one in ("fact", "outcome")]
    with open_ledger(workspace.ledger_url, workspace.root) as kept, kept._engine.begin() as one:
        for statement in forget:
            one.exec_driver_sql(statement)
    (keys,) = desk.run("trial", "codat_keys")
    assert keys.state is State.NEEDS_PERSON
    (asked,) = desk.run("trial", "start_here")
    assert asked.state is State.NEEDS_PERSON and "earlier records" in asked.summary
    said_yes(desk, "trial", asked)
    start, keys = desk.run("trial", "start_here", "codat_keys")
    assert (start.state, keys.state) == (State.DONE, State.DONE)
    # The secret was found by its marker all along: none was made twice.
    assert desk.run("trial", "client_secret")[0].state is State.DONE


def test_a_tenant_shared_by_trial_and_production_is_told(desk: Desk) -> None:
    """The start tells of it, by whichever name the tenant goes."""
    pair(desk)
    desk.account("production", tenant=world.TRIAL, requires=None)
    (start,) = desk.run("trial", "start_here")
    (row,) = [one for one in start.findings if one.name == "Other accounts in this tenant"]
    assert row.actual == "production"


def test_a_click_is_for_what_the_file_meant_when_it_was_planned(desk: Desk) -> None:
    """Somebody edits accounts.toml while the notebook waits for the click: nothing is written."""
    desk.account("trial", codat_api_key=None, codat_instance=None)
    workspace = desk.load()

    async def click(changes: object) -> bool:
        desk.account("trial", tenant=world.TENANTS[world.PRODUCTION].domain)
        desk.load()
        return True

    async def register() -> Outcome:
        async with open_context(workspace, workspace.account("trial")) as context:
            step = step_named("register_application")
            return await run_in_context(step, context, Mode.ASK, approve=click)

    outcome = asyncio.run(register())
    assert outcome.exit_code == 2 and world.TENANTS[world.PRODUCTION].domain in str(outcome.error)
    assert applications(desk.cloud) == applications(desk.cloud, world.PRODUCTION) == {}


def test_a_value_whose_secret_is_gone_is_forgotten(desk: Desk) -> None:
    """Removed in the portal, its value is of no use to anybody, and lies in the store no more."""
    desk.account("trial", codat_api_key=None, codat_instance=None)
    desk.run("trial", *ALONE)
    (app,) = applications(desk.cloud).values()
    stored = desk.root.parent / "secrets" / "trial" / app["appId"]
    (old,) = [one.name for one in stored.iterdir()]
    desk.cloud.change(APPLICATION, world.TRIAL, app["id"], passwordCredentials=[], _secrets={})
    assert desk.run("trial", "client_secret")[0].state is State.CHANGED
    (new,) = [one.name for one in stored.iterdir()]
    assert new != old


def test_what_was_made_before_and_deleted_since_is_in_nobodys_way(desk: Desk) -> None:
    """Whoever follows the advice, and deletes it, is not given the same advice again."""
    desk.account("trial")
    desk.customer("trial", "c1", "Tidewater Joinery")
    desk.run("trial", *ALONE)
    desk.run("trial", LINK, customer="c1")
    desk.customers["trial"] = {"joinery": "Tidewater Joinery"}
    assert desk.run("trial", LINK, customer="joinery")[0].hand_offs[0].key == "same_company"
    for key in list(desk.cloud.seen()[COMPANY, codat.TRIAL.id]):
        desk.cloud.delete(COMPANY, codat.TRIAL.id, key)
    desk.run("trial", LINK, customer="joinery")
    assert companies(desk.cloud) == [(codat.TRIAL.name, "Tidewater Joinery")]
    desk.accounts = {"first": desk.accounts["trial"]}
    assert desk.run("first", REGISTER_APPLICATION)[0].state is State.NEEDS_PERSON
    for app in applications(desk.cloud).values():
        desk.cloud.delete(APPLICATION, world.TRIAL, app["id"])
    assert desk.run("first", REGISTER_APPLICATION)[0].state is State.CHANGED
