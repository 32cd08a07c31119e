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
from tests.notebook.interactive_session import WIDGET, Seat
from tests.support.clipboard import Clipboard
from tests.support.portal import calls, facts
from tests.support.running import walk

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
            lambda: asyncio.run(walk(workspace, "register_application", "client_secret"))
        ).result()
    return workspace


@pytest.fixture
def with_secret(make_workspace: MakeWorkspace) -> Workspace:
    """A workspace whose account has its application and a stored secret."""
    return made(make_workspace())


@pytest.fixture
def unhurried(tmp_path: Path) -> Iterator[RehearsalDescription]:
    """A fresh cloud whose ten minutes are long enough for a browser on a busy machine."""
    with launch(tmp_path / "cloud", speed=15) as told:
        yield told


def secret_of(workspace: Workspace) -> str:
    """The stored client secret."""
    (stored,) = stored_secrets(workspace.root.parent / "secret-store", only_account(workspace))
    return stored.read_text("utf-8").strip()


def begin(seat: Seat, workspace: Workspace, step: str) -> str:
    """Step through the first cells; returns the plan as it was shown."""
    seat.run(OPEN.format(step=step, account=only_account(workspace), root=str(workspace.root)))
    plan = seat.run("step.plan()")[0]
    return str(plan["text/plain"])


def outcome(seat: Seat) -> dict[str, Any]:
    """The outcome that the last cell displays."""
    return dict(seat.run("await step.outcome()")[-1][OUTCOME_MIME])


def test_copy_type_a_name_and_say_that_it_is_saved(
    with_secret: Workspace, clipboard: Clipboard, seat: Seat
) -> None:
    """The secret goes to the clipboard and into no widget; a name is asked for; then it is done."""
    assert SAVED not in begin(seat, with_secret, "codat_keys")
    value = secret_of(with_secret)

    def act() -> None:
        seat.click("Copy the client secret")
        seat.until(lambda: any("Copied" in one for one in seat.labels()))
        assert clipboard.text() == value
        seat.click(SAVED)
        seat.until(lambda: any("name first" in one for one in seat.labels()))
        seat.type("Your name", PASTED)
        seat.click(SAVED)
        seat.until(lambda: any("looks like a secret" in one for one in seat.labels()))
        seat.type("Your name", "Ada")
        seat.click(SAVED)

    shown = seat.run("await step.apply()", act=act)
    assert shown[-1]["text/plain"].startswith("Done by a person")
    assert outcome(seat)["state"] == "done"
    (fact,) = facts(with_secret, "codat_keys", "save_keys")
    assert (fact.basis, fact.said_by) == ("said", "Ada")
    assert value not in json.dumps(seat.traffic, default=str)


def test_what_was_copied_is_cleared_again(
    with_secret: Workspace, clipboard: Clipboard, seat: Seat
) -> None:
    """After its time, here cut short, the clipboard is empty and the label says so."""
    seat.run("from bcrunbook.secrets import clipboard; clipboard.KEPT_SECONDS = 0.5")
    begin(seat, with_secret, "codat_keys")

    def act() -> None:
        seat.click("Copy the client secret")
        seat.until(lambda: any("Cleared" in one for one in seat.labels()))
        assert clipboard.text() == ""
        seat.click("Not now")

    seat.run("await step.apply()", act=act)
    assert outcome(seat)["state"] == "needs_person"


def test_a_kernel_that_is_shut_down_leaves_nothing_on_the_clipboard(
    with_secret: Workspace, clipboard: Clipboard, seat: Seat
) -> None:
    """Not even when the minute is not over."""
    begin(seat, with_secret, "codat_keys")

    def act() -> None:
        seat.click("Copy the client secret")
        seat.until(lambda: any("Copied" in one for one in seat.labels()))
        seat.click("Not now")

    seat.run("await step.apply()", act=act)
    assert clipboard.text() == secret_of(with_secret)
    seat.shut_down()
    assert clipboard.text() == ""


def test_not_now_leaves_it_open(with_secret: Workspace, seat: Seat) -> None:
    """Nothing is noted, and the step needs a person."""
    begin(seat, with_secret, "codat_keys")
    seat.run("await step.apply()", click="Not now")
    assert outcome(seat)["state"] == "needs_person"
    assert facts(with_secret, "codat_keys", "save_keys") == []


def test_without_a_clipboard_the_button_says_what_to_do(
    with_secret: Workspace, no_clipboard: None, seat: Seat
) -> None:
    """As on a server: the cell goes on waiting, and the label names the other ways."""
    begin(seat, with_secret, "codat_keys")

    def act() -> None:
        seat.click("Copy the client secret")
        seat.until(lambda: any("on your own machine" in one for one in seat.labels()))
        seat.click("Not now")

    seat.run("await step.apply()", act=act)
    assert outcome(seat)["state"] == "needs_person"


def test_a_wait_shows_what_for_and_can_be_stopped(
    make_workspace: MakeWorkspace, unhurried: RehearsalDescription, seat: Seat
) -> None:
    """One line that counts on; a button looks at once, another ends the wait."""
    begin(seat, make_workspace(on=unhurried), "enable_integration")

    def act() -> None:
        before = calls(unhurried)
        seat.click("Look now")
        seat.until(lambda: calls(unhurried) > before)
        seat.click("Stop waiting")

    shown = seat.run("await step.apply()", act=act)
    told = next(one["text/plain"] for one in shown if WIDGET not in one)
    assert told.startswith("Waiting for a person to enable Dynamics 365 Business Central")
    assert len(told.splitlines()) == 1
    assert "looked once" in "".join(seat.texts())
    assert outcome(seat)["state"] == "needs_person"


def test_a_wait_can_be_interrupted(
    make_workspace: MakeWorkspace, unhurried: RehearsalDescription, seat: Seat
) -> None:
    """The stop button of JupyterLab ends the cell; the cells after it still tell the outcome."""
    begin(seat, make_workspace(on=unhurried), "enable_integration")
    with pytest.raises(AssertionError, match=r"KeyboardInterrupt|CancelledError"):
        seat.run("await step.apply()", act=seat.interrupt)
    seat.run("None")  # the kernel drops what comes right behind an interrupted cell
    told = outcome(seat)
    assert (told["state"], told["changes"][0]["key"]) == ("needs_person", "enable")


def test_the_portal_in_a_browser_and_the_waiting_notebook(
    make_workspace: MakeWorkspace,
    unhurried: RehearsalDescription,
    clipboard: Clipboard,
    seat: Seat,
    tab: Page,
    tmp_path: Path,
) -> None:
    """Keys typed in Chromium from the clipboard, saved, later chosen; the toggle ends the wait."""
    workspace, codat = made(make_workspace(on=unhurried)), unhurried.codat
    plan = begin(seat, workspace, "codat_keys")
    values = dict(line.strip().split(": ", 1) for line in plan.splitlines() if ": " in line)
    person = next(
        one for one in codat["users"] if one["roles"].get(codat["instance"]) == "Developer"
    )

    def keys() -> None:
        seat.click("Copy the client secret")
        seat.until(lambda: any("Copied" in one for one in seat.labels()))
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
        seat.type("Your name", person["name"])
        seat.click(SAVED)

    seat.run("await step.apply()", act=keys)
    assert outcome(seat)["state"] == "done"

    begin(seat, workspace, "enable_integration")

    def toggle() -> None:
        tab.goto(values["Link"])
        tab.get_by_role("switch", name="Enable Dynamics 365 Business Central").click()

    shown = seat.run("await step.apply()", act=toggle)
    assert any("Seen: " in one["text/plain"] for one in shown if WIDGET not in one)
    assert outcome(seat)["state"] == "done"
    value = secret_of(workspace)
    assert value not in tab.content()
    assert value not in json.dumps(seat.traffic, default=str)
