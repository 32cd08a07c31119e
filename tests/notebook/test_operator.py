"""A person's part, in a real kernel: buttons for the keys, the wait for the toggle."""

from __future__ import annotations

import asyncio
import json
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import pytest
from playwright.sync_api import Page

from bcrunbook.accounts import Workspace
from bcrunbook.rehearsal import RehearsalDescription, launch
from bcrunbook.views.cells import OUTCOME_MIME
from tests.conftest import MakeWorkspace, only_account, stored_secrets
from tests.notebook.interactive_session import WIDGET, InteractiveSession
from tests.support.clipboard import Clipboard
from tests.support.portal import calls, facts
from tests.support.running import run_steps

OPEN = """
from bcrunbook.notebook import open_step
step = await open_step({step!r}, account={account!r}, mode="auto", workspace={root!r})
await step.examine()
"""
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
def unhurried(tmp_path: Path) -> Iterator[RehearsalDescription]:
    """A fresh cloud whose ten minutes are long enough for a browser on a busy machine."""
    with launch(tmp_path / "cloud", speed=15) as cloud:
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


def outcome(session: InteractiveSession) -> dict[str, Any]:
    """The outcome that the last cell displays."""
    return dict(session.run("await step.outcome()")[-1][OUTCOME_MIME])


def test_copy_type_a_name_and_say_that_it_is_saved(
    with_secret: Workspace, clipboard: Clipboard, session: InteractiveSession
) -> None:
    """The secret goes to the clipboard and into no widget; a name is asked for; then it is done."""
    assert SAVED not in begin(session, with_secret, "codat_keys")
    value = secret_of(with_secret)

    def act() -> None:
        session.click("Copy the client secret")
        session.until(lambda: any("Copied" in one for one in session.labels()))
        assert clipboard.text() == value
        session.click(SAVED)
        session.until(lambda: any("name first" in one for one in session.labels()))
        session.type("Your name", PASTED)
        session.click(SAVED)
        session.until(lambda: any("looks like a secret" in one for one in session.labels()))
        session.type("Your name", "Ada")
        session.click(SAVED)

    shown = session.run("await step.apply()", act=act)
    assert shown[-1]["text/plain"].startswith("Done by a person")
    assert outcome(session)["state"] == "done"
    (fact,) = facts(with_secret, "codat_keys", "save_keys")
    assert (fact.basis, fact.said_by) == ("said", "Ada")
    assert value not in json.dumps(session.traffic, default=str)


def test_what_was_copied_is_cleared_again(
    with_secret: Workspace, clipboard: Clipboard, session: InteractiveSession
) -> None:
    """After its time, here cut short, the clipboard is empty and the label says so."""
    session.run("from bcrunbook.secrets import clipboard; clipboard.KEPT_SECONDS = 0.5")
    begin(session, with_secret, "codat_keys")

    def act() -> None:
        session.click("Copy the client secret")
        session.until(lambda: any("Cleared" in one for one in session.labels()))
        assert clipboard.text() == ""
        session.click("Not now")

    session.run("await step.apply()", act=act)
    assert outcome(session)["state"] == "needs_person"


def test_a_kernel_that_is_shut_down_leaves_nothing_on_the_clipboard(
    with_secret: Workspace, clipboard: Clipboard, session: InteractiveSession
) -> None:
    """Not even when the minute is not over."""
    begin(session, with_secret, "codat_keys")

    def act() -> None:
        session.click("Copy the client secret")
        session.until(lambda: any("Copied" in one for one in session.labels()))
        session.click("Not now")

    session.run("await step.apply()", act=act)
    assert clipboard.text() == secret_of(with_secret)
    session.shut_down()
    assert clipboard.text() == ""


def test_not_now_leaves_it_open(with_secret: Workspace, session: InteractiveSession) -> None:
    """Nothing is noted, and the step needs a person."""
    begin(session, with_secret, "codat_keys")
    session.run("await step.apply()", click="Not now")
    assert outcome(session)["state"] == "needs_person"
    assert facts(with_secret, "codat_keys", "save_keys") == []


def test_without_a_clipboard_the_button_says_what_to_do(
    with_secret: Workspace, no_clipboard: None, session: InteractiveSession
) -> None:
    """As on a server: the cell goes on waiting, and the label names the other ways."""
    begin(session, with_secret, "codat_keys")

    def act() -> None:
        session.click("Copy the client secret")
        session.until(lambda: any("on your own machine" in one for one in session.labels()))
        session.click("Not now")

    session.run("await step.apply()", act=act)
    assert outcome(session)["state"] == "needs_person"


def test_a_wait_shows_what_for_and_can_be_stopped(
    make_workspace: MakeWorkspace, unhurried: RehearsalDescription, session: InteractiveSession
) -> None:
    """One line that counts on; a button looks at once, another ends the wait."""
    begin(session, make_workspace(on=unhurried), "enable_integration")

    def act() -> None:
        before = calls(unhurried)
        session.click("Look now")
        session.until(lambda: calls(unhurried) > before)
        session.click("Stop waiting")

    shown = session.run("await step.apply()", act=act)
    text = next(one["text/plain"] for one in shown if WIDGET not in one)
    assert text.startswith("Waiting for a person to enable Dynamics 365 Business Central")
    assert len(text.splitlines()) == 1
    assert "looked once" in "".join(session.texts())
    assert outcome(session)["state"] == "needs_person"


def test_a_wait_can_be_interrupted(
    make_workspace: MakeWorkspace, unhurried: RehearsalDescription, session: InteractiveSession
) -> None:
    """The stop button of JupyterLab ends the cell; the cells after it still tell the outcome."""
    begin(session, make_workspace(on=unhurried), "enable_integration")
    with pytest.raises(AssertionError, match=r"KeyboardInterrupt|CancelledError"):
        session.run("await step.apply()", act=session.interrupt)
    session.run("None")  # the kernel drops what comes right behind an interrupted cell
    payload = outcome(session)
    assert (payload["state"], payload["changes"][0]["key"]) == ("needs_person", "enable")


def test_the_portal_in_a_browser_and_the_waiting_notebook(
    make_workspace: MakeWorkspace,
    unhurried: RehearsalDescription,
    clipboard: Clipboard,
    session: InteractiveSession,
    tab: Page,
    tmp_path: Path,
) -> None:
    """Keys typed in Chromium from the clipboard, saved, later chosen; the toggle ends the wait."""
    workspace, codat = made(make_workspace(on=unhurried)), unhurried.codat
    plan = begin(session, workspace, "codat_keys")
    values = dict(line.strip().split(": ", 1) for line in plan.splitlines() if ": " in line)
    person = next(
        one for one in codat["users"] if one["roles"].get(codat["instance"]) == "Developer"
    )

    def keys() -> None:
        session.click("Copy the client secret")
        session.until(lambda: any("Copied" in one for one in session.labels()))
        tab.goto(values["Link"])
        tab.get_by_label("E-mail address").fill(person["email"])
        tab.get_by_label("Password").fill(person["password"])
        tab.get_by_role("button", name="Sign in").click()
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

    session.run("await step.apply()", act=keys)
    assert outcome(session)["state"] == "done"

    begin(session, workspace, "enable_integration")

    def toggle() -> None:
        tab.goto(values["Link"])
        tab.get_by_role("switch", name="Enable Dynamics 365 Business Central").click()

    shown = session.run("await step.apply()", act=toggle)
    assert any("Seen: " in one["text/plain"] for one in shown if WIDGET not in one)
    assert outcome(session)["state"] == "done"
    value = secret_of(workspace)
    assert value not in tab.content()
    assert value not in json.dumps(session.traffic, default=str)
