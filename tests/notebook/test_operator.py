"""A person's part, in a real kernel: the list of things to do for the keys, and for the toggle."""

from __future__ import annotations

import asyncio
import json
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest
from playwright.sync_api import Page

from bcrunbook.accounts import Workspace
from bcrunbook.rehearsal import RehearsalDescription, launch
from tests.conftest import MakeWorkspace, only_account, stored_secrets
from tests.notebook.interactive_session import InteractiveSession
from tests.support.clipboard import Clipboard
from tests.support.portal import calls, facts, set_enabled
from tests.support.running import run_steps

OPEN = """
from bcrunbook.notebook import open_step
step = await open_step({step!r}, account={account!r}, mode="auto", workspace={root!r})
await step.examine()
"""
WATCH = """
from bcrunbook.core import runner
from bcrunbook.core.backoff import Backoff
from bcrunbook.notebook import operator
runner.WATCHING = Backoff(first={pause}, longest={pause}, deadline={deadline})
"""
"""A cell that gives a person other times."""
SAVED = "I have saved"
PASTED = "abc8Q~0123456789abcdefghijklmnopqrstu"
"""What somebody might paste into the wrong field."""


def made(workspace: Workspace) -> Workspace:
    """The workspace, with an application and a stored secret."""
    # In a thread: Playwright keeps an event loop of its own going in this one.
    with ThreadPoolExecutor(1) as threads:
        threads.submit(
            lambda: asyncio.run(run_steps(workspace, "register_application", "client_secret"))
        ).result()
    return workspace


@pytest.fixture
def with_secret(make_workspace: MakeWorkspace) -> Workspace:
    """A workspace whose account has its application and a stored secret."""
    return made(make_workspace())


@pytest.fixture
def own_cloud(tmp_path: Path) -> Iterator[RehearsalDescription]:
    """A fresh cloud, in which nobody has enabled anything."""
    with launch(tmp_path / "cloud", skips=True, lags="worst") as cloud:
        yield cloud


@pytest.fixture
def hurried(tmp_path: Path) -> Iterator[RehearsalDescription]:
    """A fresh cloud whose clock hurries."""
    with launch(tmp_path / "cloud", speed=60, lags="worst") as cloud:
        yield cloud


def secret_of(workspace: Workspace) -> str:
    """The stored client secret."""
    (stored,) = stored_secrets(workspace.root.parent / "secret-store", only_account(workspace))
    return stored.read_text("utf-8").strip()


def begin(session: InteractiveSession, workspace: Workspace, step: str) -> str:
    """Step through the first cells; returns the plan as it was shown."""
    session.run(OPEN.format(step=step, account=only_account(workspace), root=str(workspace.root)))
    plan = session.run("step.plan()")[0]
    return str(plan["text/plain"])


def shown(session: InteractiveSession) -> str:
    """All that stands on the page now."""
    return "\n".join(map(session.read, session.displays.values()))


def said(session: InteractiveSession, text: str) -> None:
    """Wait until something is said beside a button, or below the list."""
    session.until(lambda: any(text in one for one in session.labels()))


def test_copy_type_a_name_and_say_that_it_is_saved(
    with_secret: Workspace, clipboard: Clipboard, session: InteractiveSession
) -> None:
    """The secret goes to the clipboard and into no widget; a name is asked for; then it is done."""
    assert SAVED not in begin(session, with_secret, "codat_keys")
    value = secret_of(with_secret)
    session.run("await step.apply()")
    session.click("Copy the client secret")
    said(session, "Copied")
    assert clipboard.text() == value
    (there,) = (one for one in session.state.values() if "card" in one)
    (rehearsed,) = [text for label, text, _ in there["card"]["facts"] if label == "Sign in as"]
    assert rehearsed.startswith(f"{there['name']} (") and there["name"]
    session.type("Your name", "")
    session.click(SAVED)
    said(session, "name first")
    session.type("Your name", PASTED)
    session.click(SAVED)
    said(session, "looks like a secret")
    assert PASTED not in json.dumps(session.state)
    session.type("Your name", "Ada")
    session.click(SAVED)
    assert session.outcome()["state"] == "done"
    assert "Done by a person" in shown(session)
    (fact,) = facts(with_secret, "codat_keys", "save_keys")
    assert (fact.basis, fact.said_by) == ("said", "Ada")
    assert value not in json.dumps(session.traffic, default=str)


def test_what_was_copied_is_cleared_again_and_told(
    with_secret: Workspace, clipboard: Clipboard, session: InteractiveSession
) -> None:
    """After its time, here cut short, the clipboard is empty, and soon the button stands alone."""
    session.run(
        "from bcrunbook.secrets import clipboard; clipboard.KEPT_SECONDS = 0.5\n"
        "from bcrunbook.notebook import secret_copy; secret_copy._SAID_SECONDS = 0.1"
    )
    begin(session, with_secret, "codat_keys")
    session.run("await step.apply()")
    session.click("Copy the client secret")
    said(session, "Copied")
    said(session, "Cleared from the clipboard")
    assert clipboard.text() == ""
    session.until(lambda: not any("Cleared" in one for one in session.labels()))
    assert session.is_open("Copy the client secret")
    session.click("Not now")
    assert session.outcome()["state"] == "needs_person"


def test_a_kernel_that_is_shut_down_leaves_nothing_on_the_clipboard(
    with_secret: Workspace, clipboard: Clipboard, session: InteractiveSession
) -> None:
    """Not even when the minute is not over."""
    begin(session, with_secret, "codat_keys")
    session.run("await step.apply()")
    session.click("Copy the client secret")
    said(session, "Copied")
    assert clipboard.text() == secret_of(with_secret)
    session.shut_down()
    assert clipboard.text() == ""


def test_not_now_leaves_it_open(with_secret: Workspace, session: InteractiveSession) -> None:
    """Nothing is noted, and the step needs a person."""
    begin(session, with_secret, "codat_keys")
    session.run("await step.apply()", click="Not now")
    assert session.outcome()["state"] == "needs_person"
    assert facts(with_secret, "codat_keys", "save_keys") == []


def test_without_a_clipboard_the_button_says_what_to_do(
    with_secret: Workspace, no_clipboard: None, session: InteractiveSession
) -> None:
    """As on a server: it goes on waiting, and beside the button stand the other ways."""
    begin(session, with_secret, "codat_keys")
    session.run("await step.apply()")
    session.click("Copy the client secret")
    said(session, "on your own machine")
    session.click("Not now")
    assert session.outcome()["state"] == "needs_person"


def test_what_was_done_stays_ticked_on_a_page_that_is_loaded_again(
    with_secret: Workspace, clipboard: Clipboard, session: InteractiveSession
) -> None:
    """Two pages show the same, and what both send counts once."""
    begin(session, with_secret, "codat_keys")
    session.run("await step.apply()")
    session.click("Copy the client secret")
    said(session, "Copied")
    session.reload()
    (there,) = (one for one in session.state.values() if "card" in one)
    (line,) = there["done"]
    assert "secret" in there["card"]["lines"][line]["text"]
    assert 0 < there["left"] <= 60
    session.type("Your name", "Ada")
    other = session.another()
    other.reload()
    other.type("Your name", "Ada")
    session.click(SAVED)
    other.click(SAVED)
    other.leave()
    assert session.outcome()["state"] == "done"
    assert len(facts(with_secret, "codat_keys", "save_keys")) == 1


def test_who_sees_no_widget_reads_what_to_do(
    with_secret: Workspace, session: InteractiveSession
) -> None:
    """In words, with the commands, which the list leaves to its buttons."""
    begin(session, with_secret, "codat_keys")
    session.run("await step.apply()")
    session.until(lambda: session.is_open(SAVED))
    session.sync()
    beside = next(
        data
        for data in session.displays.values()
        if any("card" in session.state[one] for one in session.widgets_in(data))
    )
    account = only_account(with_secret)
    for kind in ("text/plain", "text/html"):
        assert f"bcrunbook confirm {account} codat_keys --by YOUR-NAME" in beside[kind], kind
        assert f"bcrunbook secret copy {account}" in beside[kind], kind
    (there,) = (one for one in session.state.values() if "card" in one)
    assert "bcrunbook" not in json.dumps(there["card"])


def test_a_rehearsal_names_the_person_and_leads_to_its_own_pages(
    make_workspace: MakeWorkspace, own_cloud: RehearsalDescription, session: InteractiveSession
) -> None:
    """Somebody who may, by name; no link to a real portal."""
    begin(session, make_workspace(on=own_cloud), "enable_integration")
    session.run("await step.apply()")
    session.until(lambda: session.is_open("Look now"))
    (there,) = (one for one in session.state.values() if "card" in one)
    facts_shown = {label: text for label, text, _ in there["card"]["facts"]}
    name = next(
        one["name"]
        for one in own_cloud.codat["users"]
        if one["roles"].get(own_cloud.codat["instance"]) == "Developer"
    )
    assert facts_shown["Sign in as"].startswith(f"{name} (")
    addresses = [one["value"] for line in there["card"]["lines"] for one in line["buttons"]]
    assert addresses
    assert all(one.startswith(own_cloud.pages) for one in addresses)


def test_a_wait_shows_what_for_and_can_be_stopped(
    make_workspace: MakeWorkspace, own_cloud: RehearsalDescription, session: InteractiveSession
) -> None:
    """One line that counts on; a button looks at once, another ends the wait."""
    begin(session, make_workspace(on=own_cloud), "enable_integration")
    session.run("await step.apply()")
    before = calls(own_cloud)
    session.until(lambda: session.is_open("Look now"))
    session.click("Look now")
    session.until(lambda: calls(own_cloud) > before)
    session.until(lambda: "looked once" in "".join(session.texts()))
    waiting = "Waiting for a person to enable Dynamics 365 Business Central"
    assert shown(session).count(waiting) == 1
    session.click("Stop waiting")
    assert session.outcome()["state"] == "needs_person"


def test_a_wait_lasts_as_long_as_people_need(
    make_workspace: MakeWorkspace, hurried: RehearsalDescription, session: InteractiveSession
) -> None:
    """The stand-in's clock hurries services only: a pause of a minute is not over at once."""
    assert hurried.speed > 20
    session.run(WATCH.format(pause=60.0, deadline=600.0))
    begin(session, make_workspace(on=hurried), "enable_integration")
    session.run("await step.apply()")
    session.until(lambda: session.is_open("Look now"))
    began = time.monotonic()
    session.until(lambda: time.monotonic() - began > 60 / hurried.speed + 1)
    assert session.is_open("Look now")
    assert "looked once" not in shown(session)


def test_a_wait_that_is_over_asks_how_to_go_on(
    make_workspace: MakeWorkspace, own_cloud: RehearsalDescription, session: InteractiveSession
) -> None:
    """Amber, and never green: look again looks once and asks again, keep waiting waits."""
    session.run(WATCH.format(pause=0.2, deadline=0.5))
    begin(session, make_workspace(on=own_cloud), "enable_integration")
    session.run("await step.apply()")
    session.until(lambda: session.is_open("Look again"))
    said(session, "not seen within 10 minutes")
    assert [one["foot"]["tone"] for one in session.state.values() if "card" in one] == ["amber"]
    before = calls(own_cloud)
    session.run(WATCH.format(pause=0.2, deadline=600.0))
    session.click("Look again")
    said(session, "Looked again")
    assert calls(own_cloud) == before + 1
    set_enabled(own_cloud, on=True)
    session.click("Keep waiting")
    assert session.outcome()["state"] == "done"


def test_the_stop_button_closes_the_list(
    make_workspace: MakeWorkspace, own_cloud: RehearsalDescription, session: InteractiveSession
) -> None:
    """Nothing in it can be pressed any more, and it says why; the step stays open."""
    begin(session, make_workspace(on=own_cloud), "enable_integration")
    session.run("await step.apply()")
    session.until(lambda: session.is_open("Look now"))
    session.interrupt()
    said(session, "Stopped")
    assert not session.is_open("Look now")
    payload = session.outcome()
    assert (payload["state"], payload["changes"][0]["key"]) == ("needs_person", "enable")


def test_the_portal_in_a_browser_and_the_waiting_notebook(
    make_workspace: MakeWorkspace,
    own_cloud: RehearsalDescription,
    clipboard: Clipboard,
    session: InteractiveSession,
    tab: Page,
    tmp_path: Path,
) -> None:
    """Keys typed in Chromium from the clipboard, saved, later chosen; the toggle ends the wait."""
    workspace, codat = made(make_workspace(on=own_cloud)), own_cloud.codat
    plan = begin(session, workspace, "codat_keys")
    session.run("await step.apply()")
    values = dict(line.strip().split(": ", 1) for line in plan.splitlines() if ": " in line)
    person = next(
        one for one in codat["users"] if one["roles"].get(codat["instance"]) == "Developer"
    )

    def keys() -> None:
        session.click("Copy the client secret")
        said(session, "Copied")
        tab.goto(values["Link"])
        tab.get_by_role("button", name=person["name"]).click()
        tab.get_by_label("Instance").select_option(values["Instance"])
        tab.get_by_role("button", name="Switch").click()
        tab.goto(values["Link"])
        name = "Dynamics 365 Business Central"
        tab.get_by_role("link", name=f"Set up {name}").click()
        tab.get_by_label("Client ID").fill(values["Client ID"])
        tab.get_by_label("Client secret").fill(clipboard.text())
        tab.get_by_role("button", name="Save").click()
        tab.get_by_text("were saved").wait_for()
        tab.screenshot(path=tmp_path / "saved.png")
        tab.get_by_role("button", name="Enable later").click()
        session.type("Your name", person["name"])
        session.click(SAVED)

    keys()
    assert session.outcome()["state"] == "done"

    begin(session, workspace, "enable_integration")

    def toggle() -> None:
        tab.goto(values["Link"])
        tab.get_by_role("switch", name="Enable Dynamics 365 Business Central").click()

    session.run("await step.apply()")
    toggle()
    assert session.outcome()["state"] == "done"
    assert "Seen: " in "".join(session.texts())
    value = secret_of(workspace)
    assert value not in tab.content()
    assert value not in json.dumps(session.traffic, default=str)
