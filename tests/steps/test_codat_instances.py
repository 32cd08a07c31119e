"""The steps that meet Codat, against an instance of each kind that there is."""

from __future__ import annotations

import json
import secrets as random
import uuid
from collections.abc import Iterator
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

import pytest

from bcrunbook.accounts import Workspace
from bcrunbook.core.runner import run_in_context
from bcrunbook.core.step import Mode, Outcome, State
from bcrunbook.order import (
    CLIENT_SECRET,
    CODAT_KEYS,
    ENABLE_INTEGRATION,
    HEALTH_CHECK,
    LINK_CUSTOMER,
    REGISTER_APPLICATION,
)
from bcrunbook.rehearsal import RehearsalDescription, launch
from bcrunbook.rehearsal.people import act_as_developer
from bcrunbook.steps import step_named
from bcrunbook.steps.link_customer.codat_customer import fetch_link
from bcrunbook.steps.opening import open_context
from tests.conftest import lay_out, only_account, requests_of
from tests.rehearsal.codat_support import Codat, key_of
from tests.rehearsal.support import client_of
from tests.support.portal import api_key, at_portal, confirm, handed, row
from tests.support.running import run_steps

CUSTOMER = "muller"
NAME = "Müller & Söhne GmbH"


@dataclass(frozen=True)
class Kind:
    """A kind of instance.

    Args:
        instance: the name of the rehearsal's instance of this kind.
        settings: what accounts.toml says for it.
        is_certified: whether accounts.toml names the rehearsal's client certificate.
    """

    instance: str
    settings: dict[str, Any] = field(default_factory=dict)
    is_certified: bool = False


KINDS = {
    "with default products": Kind("Millrace Software (test)"),
    "with a product of its own": Kind("Millrace Software (test)", {"codat_products": ["expenses"]}),
    "without default products": Kind("Harbour Desk", {"codat_products": ["lending"]}),
    "without integrationKey": Kind("Larkfield Books"),
    "copied from production": Kind("Millrace Software (copy)"),
    "by certificate only": Kind("Stonegate Bank", is_certified=True),
}


@pytest.fixture(scope="module")
def rules(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """What goes otherwise in that cloud: nothing, unless a test says so."""
    file = tmp_path_factory.mktemp("rules") / "faults.json"
    file.write_text("[]", "utf-8")
    return file


@pytest.fixture(scope="module")
def own_cloud(
    tmp_path_factory: pytest.TempPathFactory, rules: Path
) -> Iterator[RehearsalDescription]:
    """A rehearsal cloud of this module's own: instances are set up in it."""
    folder = tmp_path_factory.mktemp("instances")
    with launch(folder / "cloud", skips=True, latency_ms=0, faults=rules) as running:
        yield running


def workspace_of(folder: Path, cloud: RehearsalDescription, kind: Kind) -> Workspace:
    """A workspace whose account is for an instance of this kind, with one customer."""
    settings: dict[str, Any] = {**kind.settings, "codat_instance": kind.instance}
    if kind.is_certified:
        settings["codat_mtls"] = mtls_of(cloud, kind.instance)
    (folder / "workspace").mkdir()
    (folder / "workspace" / "customers.csv").write_text(
        f"key,name,contact\n{CUSTOMER},{NAME},ada@muller.example\n", "utf-8"
    )
    account = {**settings, "customers": "customers.csv"}
    workspace = lay_out(folder, cloud, {f"t{random.token_hex(4)}": account})
    api_key(workspace, key_of(cloud, kind.instance))
    return workspace


def mtls_of(cloud: RehearsalDescription, instance: str) -> dict[str, str]:
    """How an instance is called by certificate, in the words of accounts.toml."""
    (found,) = [one for one in cloud.codat["instances"] if one["name"] == instance]
    return dict(found["mtls"])


async def link_customer(workspace: Workspace, mode: Mode = Mode.APPLY) -> Outcome:
    """The outcome of linking the one customer."""
    account = workspace.account(only_account(workspace))
    customer = account.customers[CUSTOMER]
    async with open_context(workspace, account, customer=customer) as context:
        return await run_in_context(step_named(LINK_CUSTOMER), context, mode)


def companies(
    workspace: Workspace, cloud: RehearsalDescription, instance: str
) -> list[dict[str, Any]]:
    """What an independent client sees of the companies that the account made."""
    (name, tag) = ("bcrunbook-customer", f"{only_account(workspace)}.{CUSTOMER}")
    headers, certificate = {}, None
    if instance == KINDS["by certificate only"].instance:
        mtls = mtls_of(cloud, instance)
        headers = {"x-codat-client": mtls["client"]}
        certificate = (mtls["certificate"], mtls["private_key"])
    with client_of(cloud, certificate) as http:
        codat = Codat(http, key_of(cloud, instance))
        listed = codat("GET", "/companies?page=1&pageSize=5000", headers=headers).json()
    return [one for one in listed["results"] if one.get("tags", {}).get(name) == tag]


@pytest.mark.parametrize("kind", KINDS.values(), ids=KINDS)
async def test_every_kind_of_instance_is_used_alike(
    tmp_path: Path, own_cloud: RehearsalDescription, kind: Kind
) -> None:
    """From the keys to the customer's link and the health check, and nothing is made twice.

    contract C1.13, C5.6, C7.5, C7.12 and C8.3
    """
    workspace = workspace_of(tmp_path, own_cloud, kind)
    *_, keys = await run_steps(workspace, REGISTER_APPLICATION, CLIENT_SECRET, CODAT_KEYS)
    values = dict(handed(keys).values)
    assert values["Instance"] == kind.instance
    act_as_developer(own_cloud, kind.instance, values["Client ID"], "the-value-does-not-matter")
    confirm(workspace, keys)
    keys, enabled = await run_steps(workspace, CODAT_KEYS, ENABLE_INTEGRATION)
    assert keys.state is State.DONE
    assert row(enabled, "Codat API key").actual == "works"

    planned = await link_customer(workspace, Mode.PLAN)
    made = [change for change in planned.changes if change.by == "program"]
    assert [change.key for change in made] == ["company", "connection"]
    shown = {one.name: one.after for one in made[0].rows}
    assert shown["Name"] == "Muller & Sohne GmbH" and shown["Description"] == NAME
    assert shown.get("Products", "") == ", ".join(kind.settings.get("codat_products", ()))

    for expected in (["company", "connection", "link"], ["link"], ["link"]):
        outcome = await link_customer(workspace)
        assert outcome.error is None, outcome.error
        assert [change.key for change in outcome.changes] == expected
    (company,) = companies(workspace, own_cloud, kind.instance)
    assert (company["name"], company["description"]) == ("Muller & Sohne GmbH", NAME)
    assert company["products"] == kind.settings.get("codat_products", ["lending"])
    (connection,) = company["dataConnections"]
    account = workspace.account(only_account(workspace))
    async with open_context(workspace, account) as context:
        address = await fetch_link(replace(context, customer=account.customers[CUSTOMER]))
    assert connection["id"] in address

    (check,) = await run_steps(workspace, HEALTH_CHECK)
    assert "no connection" not in json.dumps(check.as_dict(), ensure_ascii=False)
    assert CUSTOMER in json.dumps(check.as_dict(), ensure_ascii=False)


async def test_before_the_integration_is_enabled_nothing_is_made(
    tmp_path: Path, own_cloud: RehearsalDescription
) -> None:
    """The toggle comes first: what Codat would answer is not published (contract C8.12)."""
    kind = KINDS["without integrationKey"]
    workspace = workspace_of(tmp_path, own_cloud, kind)
    act_as_developer(own_cloud, kind.instance, "some-id", "the-value-does-not-matter")
    at_portal(own_cloud, instance=kind.instance).toggle(False)
    outcome = await link_customer(workspace)
    at_portal(own_cloud, instance=kind.instance).toggle(True)
    assert (outcome.state, outcome.exit_code) == (State.NEEDS_PERSON, 3)
    (change,) = outcome.changes
    assert change.by == "person" and companies(workspace, own_cloud, kind.instance) == []


async def test_without_a_product_the_setting_is_named(
    tmp_path: Path, own_cloud: RehearsalDescription
) -> None:
    """What to set, where else, and who; no card for a link that cannot be there.

    contract C7.12 and C7.13
    """
    kind = KINDS["without default products"]
    workspace = workspace_of(tmp_path, own_cloud, replace(kind, settings={}))
    act_as_developer(own_cloud, kind.instance, "some-id", "the-value-does-not-matter")
    outcome = await link_customer(workspace)
    assert (outcome.state, outcome.exit_code) == (State.FAILED, 2)
    assert outcome.error is not None
    assert "codat_products" in outcome.error["next"] and "Products" in outcome.error["next"]
    assert "Administrator" in outcome.error["who"]
    assert [change.title for change in outcome.changes if change.hand_off is not None] == []
    assert companies(workspace, own_cloud, kind.instance) == []


async def test_a_product_that_the_instance_does_not_have(
    tmp_path: Path, own_cloud: RehearsalDescription
) -> None:
    """The same setting is named, beside what Codat says of it.

    contract C7.16
    """
    kind = KINDS["without default products"]
    wrong = replace(kind, settings={"codat_products": ["no-such-thing"]})
    workspace = workspace_of(tmp_path, own_cloud, wrong)
    act_as_developer(own_cloud, kind.instance, "some-id", "the-value-does-not-matter")
    outcome = await link_customer(workspace)
    assert outcome.state is State.FAILED and outcome.error is not None
    assert "no-such-thing" in outcome.error["what"]
    assert "codat_products" in outcome.error["next"]


async def test_a_copied_instance_still_has_production_s_keys(
    tmp_path: Path,
) -> None:
    """It reads Manage from the first day; the card says whose keys may stand there.

    contract C1.11
    """
    production, copy = "Millrace Software", KINDS["copied from production"]
    with launch(tmp_path / "cloud", skips=True, latency_ms=0) as cloud:
        with client_of(cloud) as http:
            codat = Codat(http, key_of(cloud, copy.instance))
            assert codat("GET", "/integrations/trji").json()["enabled"] is False
            act_as_developer(cloud, production, "the-live-application", "the-live-secret")
            assert codat("GET", "/integrations/trji").json()["enabled"] is True
        workspace = workspace_of(tmp_path, cloud, copy)
        *_, keys = await run_steps(workspace, REGISTER_APPLICATION, CLIENT_SECRET, CODAT_KEYS)
        card = handed(keys)
        assert any("click Manage" in one for one in card.actions)
        (slip,) = [one for one in card.slips if "copy" in one and "Manage" in one]
        assert "Replace" in slip
        # From the first Save on, each instance has its own.
        act_as_developer(cloud, copy.instance, dict(card.values)["Client ID"], "its-own-secret")
        at_portal(cloud, instance=production).toggle(False)
        assert at_portal(cloud, instance=copy.instance).is_enabled()


async def test_an_instance_that_wants_a_certificate_refuses_all_else(
    tmp_path: Path, own_cloud: RehearsalDescription
) -> None:
    """Without the setting, or under another instance's id, nothing is answered.

    contract C1.13 and C1.14
    """
    kind = KINDS["by certificate only"]
    workspace = workspace_of(tmp_path, own_cloud, replace(kind, is_certified=False))
    outcome = await link_customer(workspace)
    assert outcome.error is not None and outcome.error["code"] == "403"
    assert "codat_mtls" in outcome.error["next"]
    paths = {one["path"] for one in requests_of(own_cloud, "api.codat.io") if one["status"] == 403}
    assert paths == {"/profile"}


async def test_one_that_nobody_unlinked_goes_before_one_that_was(
    tmp_path: Path, own_cloud: RehearsalDescription, rules: Path
) -> None:
    """A connection that was cut later does not hide the one that waits for the customer.

    contract C8.3 and C8.7
    """
    kind = KINDS["without integrationKey"]
    workspace = workspace_of(tmp_path, own_cloud, kind)
    act_as_developer(own_cloud, kind.instance, "some-id", "the-value-does-not-matter")
    await link_customer(workspace)
    (company,) = companies(workspace, own_cloud, kind.instance)
    (waiting,) = company["dataConnections"]
    cut = {**waiting, "id": str(uuid.uuid4()), "status": "Unlinked", "created": "2099-01-01T00:00Z"}
    # Told by its integration's id alone, as GET /integrations/trji has it.
    unnamed = {**waiting, "platformName": "Business Central (new)"}
    other = {**cut, "integrationId": str(uuid.uuid4()), "platformName": "Xero", "status": "Linked"}
    for listed, expected in (
        ([waiting, cut], waiting),
        ([other, unnamed], unnamed),
        ([cut, other], cut),
    ):
        answer: dict[str, Any] = {"results": listed, "_links": {}}
        path = f"/companies/{company['id']}/connections"
        rule = {"host": "api.codat.io", "method": "GET", "path": path, "status": 200}
        rules.write_text(json.dumps([{**rule, "body": answer}]), "utf-8")
        outcome = await link_customer(workspace, Mode.PLAN)
        rules.write_text("[]", "utf-8")
        (change,) = outcome.changes
        assert change.subject == expected["id"]


def test_the_client_s_key_is_a_secret_of_the_folder(own_cloud: RehearsalDescription) -> None:
    """It can be read by its owner alone, and is among what a leak test searches for."""
    key = Path(mtls_of(own_cloud, "Stonegate Bank")["private_key"])
    assert key.stat().st_mode & 0o077 == 0
    canaries = Path(own_cloud.canaries).read_text("utf-8").splitlines()
    assert set(key.read_text("ascii").splitlines()[1:-1]) <= set(canaries)
