"""The main job: both accounts from nothing, by the README's own command."""

from __future__ import annotations

import json
import re
import shutil
from collections.abc import Iterator
from pathlib import Path
from typing import Any
from urllib.parse import unquote

import pytest

from bcrunbook.accounts import load
from bcrunbook.core.step import Outcome
from bcrunbook.ledger.scope import Scope
from bcrunbook.ledger.store import open_ledger
from bcrunbook.rehearsal import RehearsalDescription, launch
from bcrunbook.run.papermill import read_outcome
from bcrunbook.run.rehearse.account import FIRST_PASS, SECOND_PASS
from bcrunbook.run.rehearse.customers import BEFORE, CHECKED, CHECKED_AGAIN, LINKED
from bcrunbook.steps import SETUP_STEPS, STEPS, notebook_of, step_named
from bcrunbook.steps.requirements import AUDIENCE, BUSINESS_CENTRAL_APP_ID, REDIRECT_URI, SCOPES
from tests.conftest import requests_of, stored_secrets
from tests.run.conftest import Rehearsal, bcrunbook, leaks
from tests.support.independent_client import IndependentClient
from tests.support.running import ALONE, UP_TO_KEYS

ACCOUNTS = ("trial", "production")
FIRST = tuple(step_named(step) for step in UP_TO_KEYS)
SECOND = SETUP_STEPS[len(ALONE) :]
"""The steps whose notebooks run in each pass: up to the person, and from there on."""
CUSTOMERS = ("trial/millrace", "production/joinery", "production/bakery")
# Each customer before and after linking, one of them again; two checks of each account.
CUSTOMER_NOTEBOOKS = 2 * len(CUSTOMERS) + 1 + 2 * len(ACCOUNTS)


@pytest.fixture(scope="module")
def again(
    rehearsed: Rehearsal, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[tuple[Path, RehearsalDescription]]:
    """The rehearsal's folder, copied, with its cloud running again."""
    directory = tmp_path_factory.mktemp("again") / "rehearsal"
    shutil.copytree(rehearsed.directory, directory)
    with launch(directory / "cloud", skips=True, lags="worst") as cloud:
        yield directory, cloud


def test_it_ends_done_and_says_where_everything_is(rehearsed: Rehearsal) -> None:
    """Exit code 0; a table of accounts by steps, what is to be seen, the report's address last."""
    assert rehearsed.exit_code == 0, rehearsed.stderr
    for account in ACCOUNTS:
        assert account in rehearsed.stdout
    address = rehearsed.stdout.splitlines()[-1]
    report = Path(unquote(address.removeprefix("file://")))
    assert address.startswith("file:///") and report.name == "report.html"
    notebooks = len(ACCOUNTS) * (len(FIRST) + len(SECOND)) + CUSTOMER_NOTEBOOKS
    assert len(list(report.parent.rglob("*.ipynb"))) == notebooks
    assert ".ipynb" not in rehearsed.stdout
    reads, first, *_, ended, to_see = rehearsed.stderr.splitlines()
    assert reads == "Reading what a rehearsal needs."
    assert first.startswith("Starting the rehearsal cloud")
    assert re.match(r"Rehearsal: ended after .+; \d+ steps, \d+ done, \d+ changed\.", ended)
    assert "bcrunbook lab --rehearse" in to_see


def test_why_a_person_is_needed_after_all_is_told(rehearsed: Rehearsal) -> None:
    """The check of production stops once: what has happened is said there, and at the end."""
    lines = rehearsed.stderr.splitlines()
    (stopped,) = [
        number
        for number, line in enumerate(lines)
        if line.split()[:3] == ["production", "health_check", "needs_person"]
    ]
    assert "uninstalled App Link at Brackenfield Bakery" in lines[stopped + 1]
    assert "Brackenfield Bakery lost App Link" in lines[-1]


def test_everything_lies_below_its_folder(rehearsed: Rehearsal) -> None:
    """The workspace and the cloud, with the cloud's description for whoever looks afterwards."""
    assert {one.name for one in rehearsed.directory.iterdir()} == {"workspace", "cloud"}
    cloud = json.loads((rehearsed.directory / "cloud" / "rehearsal.json").read_text("utf-8"))
    assert Path(cloud["canaries"]).is_file()
    assert Path(cloud["requests"]).is_file()


@pytest.mark.parametrize("account", ACCOUNTS)
async def test_each_account_has_what_the_setup_page_asks_for(
    again: tuple[Path, RehearsalDescription], account: str
) -> None:
    """Audience, redirect URI, two scopes, one stored and working secret, the tenant-wide grant."""
    directory, cloud = again
    client = IndependentClient(cloud, cloud.accounts[account]["tenant"])
    try:
        app = client.application(account)
        assert app["signInAudience"] == AUDIENCE
        assert app["web"]["redirectUris"] == [REDIRECT_URI]
        (api,) = app["requiredResourceAccess"]
        assert api["resourceAppId"] == BUSINESS_CENTRAL_APP_ID
        assert {one["id"] for one in api["resourceAccess"]} == set(SCOPES.values())
        assert {one["type"] for one in api["resourceAccess"]} == {"Scope"}
        (credential,) = app["passwordCredentials"]
        assert credential["displayName"]
        assert credential["endDateTime"]
        workspace = load(directory / "workspace")
        with open_ledger(workspace.ledger_url, workspace.root) as ledger:
            fact = ledger.latest(
                Scope(workspace.account(account).identity, "client_secret"), "secret_stored"
            )
        assert fact is not None
        stored = directory / "workspace" / fact.data["reference"].removeprefix("file:")
        answer = client.ask_token(app["appId"], stored.read_text("utf-8").strip())
        assert "access_token" in answer
        (grant,) = client.grants(app["appId"])
        assert grant["consentType"] == "AllPrincipals"
        assert set(grant["scope"].split()) == set(SCOPES)
    finally:
        client.http.close()


def graph_calls(rehearsed: Rehearsal) -> dict[str, list[int]]:
    """What calls to Microsoft Graph ended with, by account; they run one after the other."""
    cloud = json.loads((rehearsed.directory / "cloud" / "rehearsal.json").read_text("utf-8"))
    tenants = {cloud["accounts"][account]["tenant"]: account for account in ACCOUNTS}
    statuses: dict[str, list[int]] = {account: [] for account in ACCOUNTS}
    account = ""
    for line in Path(cloud["requests"]).read_text("utf-8").splitlines():
        one = json.loads(line)
        if one["host"] == "api.codat.io" and one["path"].startswith("/companies"):
            break  # the accounts are set up; what follows is about customers
        if one["host"] == "login.microsoftonline.com":
            account = tenants.get(one["path"].split("/")[1], account)
        elif one["host"] == "graph.microsoft.com":
            statuses[account].append(one["status"])
    return statuses


def test_a_first_run_makes_at_most_12_calls(rehearsed: Rehearsal) -> None:
    """What needs no person, of one account, every check afterwards included.

    The other half of a new application is missing for minutes: until then a call is refused, and
    made again with longer and longer pauses.
    """
    for account, statuses in graph_calls(rehearsed).items():
        refused = [status for status in statuses if status >= 400]
        assert 0 < len(statuses) - len(refused) <= 12, (account, statuses)
        assert set(refused) <= {409} and len(refused) <= 12, (account, statuses)


def test_a_second_run_changes_nothing_says_so_and_makes_at_most_4_calls(
    again: tuple[Path, RehearsalDescription],
) -> None:
    """Everything is found as it should be: no write, and hardly any call."""
    directory, cloud = again
    before = len(requests_of(cloud))
    done = bcrunbook("run", "trial", "--json", "--workspace", str(directory / "workspace"))
    assert done.returncode == 0, done.stderr
    outcomes = [run["outcome"] for run in json.loads(done.stdout)["runs"]]
    assert [one["state"] for one in outcomes] == ["done"] * len(SETUP_STEPS)
    assert all(one["summary"].startswith("0 to change") for one in outcomes)
    assert len(requests_of(cloud)) - before <= 4


def test_the_report_opens_offline_and_links_to_the_notebooks(rehearsed: Rehearsal) -> None:
    """One file that loads nothing from anywhere; each step links to its executed notebook."""
    (report,) = rehearsed.directory.rglob("report.html")
    html = report.read_text("utf-8")
    for word in ("<script", "src=", "@import", "<link"):
        assert word not in html
    for folder, steps in ((FIRST_PASS, FIRST), (SECOND_PASS, SECOND)):
        for account in ACCOUNTS:
            for step in steps:
                assert f'href="{folder}/{account}/{notebook_of(step)}"' in html
                assert (report.parent / folder / account / notebook_of(step)).is_file()


@pytest.mark.parametrize("account", ACCOUNTS)
def test_the_first_pass_stops_at_the_person_with_a_card(rehearsed: Rehearsal, account: str) -> None:
    """The card is there as page and text, linked from the report, and names page, id, instance."""
    (report,) = rehearsed.directory.rglob("report.html")
    stopped = report.parent / FIRST_PASS / account / notebook_of(FIRST[-1])
    outcome = read_outcome(stopped)
    assert outcome is not None and outcome.state == "needs_person"
    page = stopped.with_suffix(".card.html")
    assert f'href="{page.relative_to(report.parent).as_posix()}"' in report.read_text("utf-8")
    (change,) = outcome.hand_offs
    assert change.hand_off is not None
    for text in (page.read_text("utf-8"), page.with_suffix(".txt").read_text("utf-8")):
        for _, value in change.hand_off.values:
            assert value in text
        assert change.hand_off.link in text
        assert f"bcrunbook confirm {account} codat_keys" in text


@pytest.mark.parametrize("account", ACCOUNTS)
def test_the_second_pass_goes_on_from_there(rehearsed: Rehearsal, account: str) -> None:
    """Somebody's word and the toggle as seen are kept apart; the report shows both passes."""
    (report,) = rehearsed.directory.rglob("report.html")
    for step in SECOND:
        outcome = read_outcome(report.parent / SECOND_PASS / account / notebook_of(step))
        assert outcome is not None and outcome.state == "done"
    workspace = load(rehearsed.directory / "workspace")
    whose = workspace.account(account).identity
    with open_ledger(workspace.ledger_url, workspace.root) as ledger:
        confirmation = ledger.latest(Scope(whose, "codat_keys"), "save_keys")
        seen = ledger.latest(Scope(whose, "enable_integration"), "integration")
    assert confirmation is not None and (confirmation.basis, bool(confirmation.said_by)) == (
        "said",
        True,
    )
    assert seen is not None and (seen.basis, seen.data["enabled"]) == ("observed", True)
    html = report.read_text("utf-8")
    assert html.count("needs a person</span>") >= 2 and "run again" in html


def outcome_in(rehearsed: Rehearsal, folder: str, step: str) -> Outcome:
    """The outcome of a step's notebook in one folder of the rehearsal's run."""
    (report,) = rehearsed.directory.rglob("report.html")
    outcome = read_outcome(report.parent / folder / notebook_of(step_named(step)))
    assert outcome is not None
    return outcome


@pytest.mark.parametrize("who", CUSTOMERS)
def test_each_customer_is_linked_and_followed_until_installed(
    rehearsed: Rehearsal, who: str
) -> None:
    """The first notebook stops for the customer, the second follows the installation."""
    account, _, customer = who.partition("/")
    folder = f"{account}/customers/{customer}"
    before = outcome_in(rehearsed, f"{BEFORE}/{folder}", "link_customer")
    after = outcome_in(rehearsed, f"{LINKED}/{folder}", "link_customer")
    assert (before.state, after.state) == ("needs_person", "done")
    (verdict,) = [one.actual for one in after.findings if one.name == "Verdict"]
    assert verdict.startswith("data flows" if customer == "joinery" else "installed")


def test_the_report_shows_each_installation(rehearsed: Rehearsal) -> None:
    """A picture with a mark for each look, for each customer who was followed, and for no step."""
    (report,) = rehearsed.directory.rglob("report.html")
    sections = report.read_text("utf-8").split("<section")[1:]
    pictured = [one for one in sections if '<svg class="timeline"' in one]
    assert all("Link a customer" in one for one in pictured)
    for customer in CUSTOMERS:
        name = customer.rpartition("/")[2]
        mine = [one for one in pictured if f"customers/{name}/" in one]
        assert any(one.count("<circle") > 5 for one in mine), customer


def test_fetch_errors_are_waited_out(rehearsed: Rehearsal) -> None:
    """One customer's environment may not be read, and Codat's sync fails on the way."""
    workspace = load(rehearsed.directory / "workspace")
    whose = workspace.account("production").identity
    with open_ledger(workspace.ledger_url, workspace.root) as ledger:
        polls = ledger.facts(Scope(whose, "link_customer", "joinery"), "poll")
    data = [fact.data["data"] for fact in polls]
    assert "FetchError" in data
    assert data[-1] == "Complete"
    assert all(fact.data["packages"] is None for fact in polls)


def test_a_removed_extension_is_caught_and_put_right(rehearsed: Rehearsal) -> None:
    """The health check finds it, the customer links again, the next check is content."""
    found = outcome_in(rehearsed, f"{CHECKED}/production", "health_check")
    assert found.state == "needs_person"
    (change,) = found.changes
    assert "Brackenfield Bakery: uninstalled" in change.title
    content = outcome_in(rehearsed, f"{CHECKED_AGAIN}/production", "health_check")
    assert content.state == "done"


def test_the_secret_pasted_into_the_portal_is_in_the_store_alone(rehearsed: Rehearsal) -> None:
    """Outside the cloud's own state, which plays the services, no file has it but the store's."""
    cloud = rehearsed.directory / "cloud"
    for account in ACCOUNTS:
        (stored,) = stored_secrets(cloud / "secret-store", account)
        value = stored.read_bytes().strip()
        files = [one for one in rehearsed.directory.rglob("*") if one.is_file()]
        holding = {one for one in files if value in one.read_bytes()}
        services = {cloud / "canaries.txt", *cloud.glob("state.sqlite3*")}
        assert holding - services == {stored}


def test_every_output_notebook_carries_its_outcome(rehearsed: Rehearsal) -> None:
    """The outcome is under its MIME type in the notebook, schema version and step included."""
    for step in STEPS:
        for notebook in rehearsed.directory.rglob(notebook_of(step)):
            outcome = read_outcome(notebook)
            assert outcome is not None
            assert (outcome.schema, outcome.step) == (1, step.id)
            assert outcome.cloud == "rehearsal"


def test_no_secret_is_left_anywhere(rehearsed: Rehearsal) -> None:
    """No canary in workspace, runs, ledger, report, logs, or what was printed."""
    cloud = rehearsed.directory / "cloud"
    description = json.loads((cloud / "rehearsal.json").read_text("utf-8"))
    places = [rehearsed.directory / "workspace"]
    texts = [
        rehearsed.stdout,
        rehearsed.stderr,
        Path(description["requests"]).read_text("utf-8"),
        (cloud / "server.log").read_text("utf-8"),
        (cloud / "faults.log").read_text("utf-8"),
    ]
    assert leaks(Path(description["canaries"]), places, *texts) == []


FAILURES: dict[str, list[dict[str, Any]]] = {
    "the secret's answer is lost, then everything breaks": [
        {"path": "addPassword", "nth": 1, "drop": "after"},
        {"path": "oauth2PermissionGrants", "status": 500, "body": "<html>gateway</html>"},
    ],
    "consent is refused and the token endpoint stumbles": [
        {"host": "login.microsoftonline.com", "path": "token", "nth": [3, 4], "status": 503},
        {
            "path": "oauth2PermissionGrants",
            "method": "POST",
            "status": 403,
            "body": {"error": {"code": "Authorization_RequestDenied", "message": "No."}},
        },
    ],
}


@pytest.mark.parametrize("name", FAILURES)
def test_a_failed_run_leaves_no_secret_either(
    name: str, rehearsed: Rehearsal, tmp_path: Path
) -> None:
    """The same search after runs that end badly, with the log switched on."""
    faults = tmp_path / "faults.json"
    faults.write_text(json.dumps(FAILURES[name]), "utf-8")
    directory = tmp_path / "rehearsal"
    shutil.copytree(rehearsed.directory / "workspace", directory / "workspace")
    shutil.copytree(
        rehearsed.directory / "cloud" / "secret-store", directory / "cloud" / "secret-store"
    )
    for left in (directory / "workspace").glob("ledger.db*"):
        left.unlink()
    with launch(directory / "cloud", skips=True, faults=faults, lags="worst") as cloud:
        store = directory / "cloud" / "secret-store" / "sign-in" / "batch"
        store.write_text(cloud.batch_identity["client_secret"], "utf-8")
        done = bcrunbook("--debug", "run", "trial", "-w", str(directory / "workspace"))
        assert done.returncode != 0
        texts = (done.stdout, done.stderr, Path(cloud.requests).read_text("utf-8"))
        assert leaks(Path(cloud.canaries), [directory / "workspace"], *texts) == []
        assert "Traceback" not in done.stdout
