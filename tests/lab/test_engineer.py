"""An engineer in JupyterLab, from the first notebook to a linked customer, in real Chromium.

The tests are one story and run in order. What somebody does elsewhere (in the Codat Portal, at the
customer's) is done by the rehearsal's scripted people, as in `bcrunbook rehearse`.
"""

from __future__ import annotations

import re
from pathlib import Path
from typing import TypeVar

import pytest
from playwright.sync_api import expect

from bcrunbook.accounts import Workspace, load
from bcrunbook.order import (
    API_PERMISSIONS,
    CLIENT_SECRET,
    CODAT_KEYS,
    ENABLE_INTEGRATION,
    HEALTH_CHECK,
    LINK_CUSTOMER,
    REGISTER_APPLICATION,
    START_HERE,
)
from bcrunbook.rehearsal import RehearsalDescription
from bcrunbook.rehearsal.people import act_as_developer
from bcrunbook.steps import notebook_of, step_named
from tests.lab.page import THEMES, Lab, Server
from tests.lab.seat import alone, link_customer, pair_of
from tests.run.conftest import leaks
from tests.support.independent_client import IndependentClient
from tests.support.markdown import heading_of
from tests.support.share import one_of

T = TypeVar("T")

PARAMETERS = 'mode: str = "auto"'
APPLY, OUTCOME = "step.apply()", "step.outcome()"
NAME = "Contoso Lending, books"


@pytest.fixture(scope="module")
def workspace(server: Server) -> Workspace:
    """The workspace of the rehearsal."""
    return load(server.root)


@pytest.fixture(scope="module")
def cloud(server: Server) -> RehearsalDescription:
    """The rehearsal cloud beside JupyterLab."""
    return RehearsalDescription.read(server.root.parent / "cloud" / "rehearsal.json")


def is_done(lab: Lab) -> None:
    """The last cell says that the step is done, or that something was changed."""
    expect(lab.output(OUTCOME).locator(".tag").first).to_have_text(re.compile("done|changed"))


def test_the_first_notebook_tells_who_and_where(lab: Lab) -> None:
    """The bar says that this is a rehearsal; all cells run at once, and lead to the next step.

    Whose notebook is opened, and its cells are run as far as the question; not where it has been
    edited to ask nothing.
    """
    lab.open_step(START_HERE)
    lab.run_all()
    expect(lab.output("open_step")).to_contain_text("Rehearsal: nothing real is touched")
    is_done(lab)
    lab.shot("00-done", whole=True)
    following = step_named(REGISTER_APPLICATION)
    lab.output(OUTCOME).get_by_role("link", name=following.title).click()
    expect(lab.page.get_by_role("heading", name=heading_of(REGISTER_APPLICATION))).to_be_visible()
    expect(lab.page.get_by_role("button", name="Apply ")).to_be_enabled(timeout=30_000)

    lab.server.forget(notebook_of(following))
    file = lab.server.root / "notebooks" / notebook_of(following)
    asks = file.read_text("utf-8")
    file.write_text(asks.replace('= \\"auto\\"', '= \\"apply\\"'), encoding="utf-8")
    lab.open_step(START_HERE)
    lab.run_all()
    is_done(lab)
    lab.output(OUTCOME).get_by_role("link", name=following.title).click()
    shown = lab.page.locator(".jp-NotebookPanel:visible")
    expect(shown.get_by_role("heading", name=heading_of(REGISTER_APPLICATION))).to_be_visible()
    expect(lab.page.locator("#bcrunbook-bar")).to_contain_text(
        re.compile("has run yet|have not run"), timeout=30_000
    )
    expect(shown.locator(".jp-CodeCell .jp-InputPrompt", has_text=re.compile(r"\d"))).to_have_count(
        0
    )
    lab.page.goto("about:blank")
    lab.server.forget(notebook_of(following))
    file.write_text(asks, encoding="utf-8")


def test_the_application_gets_the_name_that_was_typed(
    lab: Lab, cloud: RehearsalDescription, server: Server
) -> None:
    """A name that is too long is refused while it is typed; the plan follows one that fits."""
    lab.open_step(REGISTER_APPLICATION)
    lab.unfold()
    for source in (PARAMETERS, "open_step", "step.examine()", "step.plan()"):
        lab.run(source)
    lab.run(APPLY)
    lab.type("Application's name", "x" * 91)
    lab.wait_for_text("step.plan()", "1 to 90 characters")
    expect(lab.button("Apply")).to_be_disabled()
    lab.shot("01-too-long", whole=True)
    lab.type("Application's name", NAME)
    lab.page.keyboard.press("Tab")
    lab.wait_for_text("step.plan()", "Kept in accounts.toml")
    lab.wait_for_text(APPLY, NAME)
    lab.shot("01-before-the-click", whole=True)
    lab.click("Apply")
    lab.wait_for_text(APPLY, "The check below shows")
    lab.run("step.check()")
    lab.run(OUTCOME)
    is_done(lab)
    lab.shot("01-done", whole=True)
    assert load(server.root).account("trial").application == NAME
    client = IndependentClient(cloud)
    assert client.application("trial")["displayName"] == NAME
    client.http.close()


def test_run_all_ends_and_what_waits_is_said(lab: Lab, server: Server) -> None:
    """The last cells name the button; after the click they fill themselves in."""
    lab.open_step(CLIENT_SECRET)
    lab.run_all()
    expect(lab.button("Apply")).to_be_enabled(timeout=30_000)
    lab.wait_for_text(OUTCOME, "Waits for your click")
    lab.shot("02-asking", whole=True)
    lab.page.get_by_role("tab", name="By hand instead").click()
    expect(lab.page.get_by_label("Value of the secret")).to_be_visible()
    lab.shot("02-by-hand", whole=True)
    lab.click("Apply")
    is_done(lab)
    with lab.page.expect_download() as download:
        lab.output(OUTCOME).get_by_role("link", name="Add both days to your calendar").click()
    kept = server.root / "calendar" / "trial.ics"
    assert Path(download.value.path()).read_bytes() == kept.read_bytes()
    lab.shot("02-done", whole=True)


def test_permissions_and_consent(lab: Lab) -> None:
    """The same for the permissions."""
    lab.open_step(API_PERMISSIONS)
    lab.run_all()
    lab.button("Apply").click(timeout=30_000)
    is_done(lab)
    lab.shot("03-done", whole=True)


def test_the_keys_are_saved_by_a_person(
    lab: Lab, workspace: Workspace, cloud: RehearsalDescription
) -> None:
    """The notebook waits beside the portal until somebody says, by name, that it is done."""
    lab.open_step(CODAT_KEYS)
    lab.run_all()
    expect(lab.button("I have saved")).to_be_visible(timeout=30_000)
    lab.shot("04-waiting", whole=True)
    client_id, secret = alone(pair_of(workspace, "trial"))
    instance = workspace.account("trial").codat_instance or ""
    act_as_developer(cloud, instance, client_id, secret)
    lab.type("Your name", "Ada Quill")
    lab.click("I have saved")
    is_done(lab)
    lab.open_step(ENABLE_INTEGRATION)
    lab.run_all()
    is_done(lab)
    lab.shot("05-done", whole=True)


def test_a_customer_links_and_the_page_is_loaded_again_in_the_middle(
    lab: Lab, workspace: Workspace, cloud: RehearsalDescription
) -> None:
    """The wait goes on, and is still to be seen; afterwards the installation is confirmed."""
    lab.open_step(LINK_CUSTOMER)
    lab.run_all()
    lab.button("Apply").click(timeout=30_000)
    expect(lab.button("Look now")).to_be_visible(timeout=30_000)
    expect(lab.button("Copy the customer's link")).to_be_visible()
    lab.shot("06-waiting-for-the-customer", whole=True)
    assert link_customer(workspace, cloud, "trial", "millrace")
    # The wait may have looked by itself meanwhile, and then there is nothing left to click.
    lab.button("Look now").press("Enter")
    lab.wait_for_text(APPLY, re.compile("Installing", re.IGNORECASE))
    lab.shot("06-installing", whole=True)
    lab.save()
    lab.page.reload()
    # On a slow machine it is over by the time that the page is there again.
    lab.wait_for_text(APPLY, re.compile(r"so far|Installed \("))
    lab.shot("06-after-a-reload", whole=True)
    expect(lab.output(APPLY)).not_to_contain_text("Error displaying widget")
    lab.wait_for_text("step.check()", "installed, version")
    is_done(lab)
    lab.shot("06-done", whole=True)


def test_everything_is_well_afterwards(lab: Lab) -> None:
    """The health check, whose bar shows the whole way done."""
    lab.open_step(HEALTH_CHECK)
    lab.run_all()
    is_done(lab)
    expect(lab.output("open_step")).to_contain_text("1 of 1 customers")
    expect(lab.output("open_step")).not_to_contain_text("not started")
    lab.wait_for_text(OUTCOME, "is set up in this rehearsal, and everything stands.")
    expect(lab.output(OUTCOME)).to_contain_text("bcrunbook run production")
    expect(lab.button("Copy the line for the weekly check")).to_be_enabled()
    lab.shot("07-done", whole=True)


def test_production_is_unmistakable_and_guarded(
    lab: Lab, cloud: RehearsalDescription, server: Server
) -> None:
    """Picked in the bar, it says so; nothing can be applied before its name is typed."""
    lab.open_step(REGISTER_APPLICATION)
    lab.unfold()
    lab.run(PARAMETERS)
    lab.run("open_step")
    lab.field("Account").select_option("production")
    lab.wait_for_text("open_step", "production")
    for source in ("step.examine()", "step.plan()"):
        lab.run(source)
    lab.run(APPLY)
    expect(lab.button("Apply")).to_be_disabled(timeout=30_000)
    lab.shot("production-guarded", whole=True)
    client = IndependentClient(cloud, load(server.root).account("production").tenant)
    assert client.applications("production") == []
    lab.type("Production: type production to go on", "production")
    lab.shot("production-unlocked", whole=True)
    lab.click("Apply")
    lab.wait_for_text(APPLY, "The check below shows")
    lab.run(OUTCOME)
    is_done(lab)
    assert len(client.applications("production")) == 1
    client.http.close()


@pytest.mark.parametrize("theme", one_of(THEMES))
def test_nothing_is_a_barrier_while_somebody_is_asked(lab: Lab, theme: str) -> None:
    """axe-core finds nothing serious in the plan with its forms, in either theme."""
    lab.open_step(CLIENT_SECRET)
    lab.theme(theme)
    lab.run_all()
    expect(lab.button("Apply")).to_be_disabled(timeout=30_000)
    lab.shot(f"asked-{theme}", whole=True)
    found = lab.barriers()
    lab.page.get_by_role("tab", name="By hand instead").click()
    found += lab.barriers()
    lab.resize(900)
    lab.shot(f"asked-{theme}-900", whole=True)
    lab.resize(1280)
    lab.click("Not now")
    assert found == []


def test_a_secret_made_by_hand_is_brought_back(
    lab: Lab, cloud: RehearsalDescription, server: Server
) -> None:
    """From the portal straight into the store: the field is empty at once, the plan follows."""
    client = IndependentClient(cloud, load(server.root).account("production").tenant)
    app = client.application("production")
    body = {"passwordCredential": {"displayName": "made by hand"}}
    made = client.call("POST", f"/applications/{app['id']}/addPassword", body).json()
    client.http.close()
    lab.open_step(CLIENT_SECRET)
    lab.unfold()
    for source in (PARAMETERS, "open_step", "step.examine()", "step.plan()"):
        lab.run(source)
    lab.page.get_by_role("tab", name="By hand instead").click()
    field = lab.page.get_by_label("Value of the secret")
    field.fill(made["keyId"])
    lab.click("Put it into the store")
    lab.wait_for_text("step.plan()", "None of the application's secrets begins like this one")
    expect(field).to_have_value("")
    lab.shot("by-hand-refused", whole=True)
    field.fill(made["secretText"])
    lab.click("Put it into the store")
    expect(field).to_have_value("")
    lab.wait_for_text("step.plan()", "It works, and is kept in")
    lab.wait_for_text("step.plan()", "0 to change")
    lab.shot("by-hand-brought", whole=True)


def test_no_secret_is_left_anywhere(server: Server, cloud: RehearsalDescription) -> None:
    """In no notebook, checkpoint, widget state, history, log or ledger."""
    home = server.root.parent.parent / "home"
    assert home.is_dir()
    places = [server.root, home]
    assert leaks(Path(cloud.canaries), places) == []
