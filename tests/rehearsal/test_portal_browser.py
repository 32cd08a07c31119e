"""The stand-in for the Codat Portal in a real browser, by what a person sees and presses."""

from __future__ import annotations

import re
from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from bcrunbook.rehearsal import RehearsalDescription, launch
from bcrunbook.rehearsal.people import developer_of
from tests.support.browser import chromium_path

if TYPE_CHECKING:
    from playwright.sync_api import Locator, Page

TEST = "Millrace Software (test)"
LIVE = "Millrace Software"
NAME = "Dynamics 365 Business Central"
SECRET = "a-secret-typed-by-hand"


@pytest.fixture(scope="module")
def description(tmp_path_factory: pytest.TempPathFactory) -> Iterator[RehearsalDescription]:
    """A cloud of its own: each test sets Business Central up in an instance of its own."""
    with launch(tmp_path_factory.mktemp("portal"), speed=200) as description:
        yield description


@pytest.fixture
def portal(tab: Page, description: RehearsalDescription) -> Iterator[Page]:
    """The portal's accounting integrations, signed in as Developer; no page may have a fault."""
    faults: list[str] = []
    tab.on("console", lambda message: faults.append(message.text))
    tab.on("pageerror", lambda error: faults.append(str(error)))
    email = developer_of(description, TEST)
    (password,) = [one["password"] for one in description.codat["users"] if one["email"] == email]
    tab.goto(f"{description.codat['portal']}/settings/integrations/accounting")
    tab.get_by_label("E-mail address").fill(email)
    tab.get_by_label("Password").fill(password)
    tab.keyboard.press("Enter")
    tab.get_by_role("heading", name="Integrations", exact=True).wait_for()
    yield tab
    # The browser itself reports an answer with an error status.
    assert not [fault for fault in faults if not fault.startswith("Failed to load resource")]


def choose(page: Page, instance: str) -> None:
    """Switch to the instance of that name."""
    page.get_by_label("Instance", exact=True).select_option(label=instance)
    page.get_by_role("button", name="Switch", exact=True).click()


def toggle(page: Page) -> Locator:
    """The switch that enables the integration."""
    return page.get_by_role("switch", name=f"Enable {NAME}")


def set_up(page: Page) -> None:
    """Type a pair of keys and save it."""
    page.get_by_role("link", name=f"Set up {NAME}").click()
    page.get_by_label("Client ID").fill("11111111-2222-3333-4444-555555555555")
    page.get_by_label("Client secret").fill(SECRET)
    page.get_by_role("button", name="Save").click()


def test_setting_up_and_enabling_later(portal: Page, description: RehearsalDescription) -> None:
    """Set up, Save, "later", and the toggle of the list; Manage shows what was saved.

    contract C6.2, C6.4, C6.6 and C12.2
    """
    from playwright.sync_api import expect

    choose(portal, TEST)
    expect(toggle(portal)).to_be_disabled()
    set_up(portal)
    dialog = portal.get_by_role("dialog", name=f"Enable {NAME}")
    expect(dialog.get_by_role("status")).to_contain_text(f"were saved in {TEST}")
    expect(dialog.get_by_role("button", name="Enable now")).to_be_focused()
    dialog.get_by_role("button", name="Enable later").click()
    expect(portal.get_by_role("dialog")).to_have_count(0)
    expect(portal.get_by_role("status")).to_contain_text("not enabled yet")
    portal.get_by_label("Portal").get_by_role("link", name="Accounting").click()
    expect(toggle(portal)).not_to_be_checked()
    toggle(portal).click()
    expect(portal.get_by_role("status")).to_contain_text(f"{NAME} is enabled in {TEST}")
    expect(toggle(portal)).to_be_checked()
    portal.reload()
    expect(toggle(portal)).to_be_checked()
    portal.get_by_role("link", name=f"Manage {NAME}").click()
    expect(portal.get_by_label("Client ID")).to_have_value("11111111-2222-3333-4444-555555555555")
    expect(portal.get_by_label("Client secret")).to_be_empty()
    expect(portal.get_by_text("A secret is saved")).to_be_visible()
    assert SECRET not in portal.content()
    assert SECRET in Path(description.canaries).read_text("utf-8").splitlines()


def test_enabling_now_with_the_keyboard_alone(portal: Page) -> None:
    """Everything can be reached and pressed by keys; behind the dialog nothing can."""
    from playwright.sync_api import expect

    choose(portal, LIVE)
    portal.get_by_role("link", name=f"Set up {NAME}").focus()
    portal.keyboard.press("Enter")
    portal.get_by_label("Client ID").focus()
    portal.keyboard.type("typed-id")
    portal.keyboard.press("Tab")
    portal.keyboard.type(SECRET)
    portal.keyboard.press("Enter")
    dialog = portal.get_by_role("dialog", name=f"Enable {NAME}")
    expect(dialog.get_by_role("button", name="Enable now")).to_be_focused()
    portal.keyboard.press("Tab")
    expect(dialog.get_by_role("button", name="Enable later")).to_be_focused()
    behind = portal.locator("main a").first
    behind.focus()
    expect(behind).not_to_be_focused()
    portal.keyboard.press("Shift+Tab")
    portal.keyboard.press("Enter")
    expect(portal.get_by_role("status")).to_contain_text(f"{NAME} is enabled in {LIVE}")
    expect(toggle(portal)).to_be_checked()
    portal.get_by_label("Client ID").fill("")
    portal.get_by_role("button", name="Save").click()
    expect(portal.get_by_role("alert")).to_contain_text("Nothing was saved")
    expect(portal.get_by_label("Client ID")).to_have_value("")


@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_pages_fit_and_are_labelled(portal: Page, scheme: str) -> None:
    """No page is wider than a narrow window, and each field and button has a name."""
    portal.emulate_media(color_scheme="dark" if scheme == "dark" else "light")
    portal.set_viewport_size({"width": 900, "height": 700})
    choose(portal, TEST)
    here = portal.url
    root = here[: here.index("/settings")]
    for path in (
        "",
        "/settings/integrations/accounting",
        "/settings/integrations/accounting/manage/trji",
        "/settings/integrations/banking",
        "/developers/api-keys",
    ):
        portal.goto(root + path)
        assert portal.evaluate("document.documentElement.scrollWidth") <= 900
        for one in portal.locator("input:not([type=hidden]), select, button").all():
            assert re.match(r"- \w+ \"", one.aria_snapshot()), one.aria_snapshot()


def test_a_missing_browser_is_no_silent_pass(monkeypatch: pytest.MonkeyPatch) -> None:
    """Without Chromium these tests are skipped, and fail where every test has to run."""
    monkeypatch.setenv("PATH", "")
    monkeypatch.delenv("CI", raising=False)
    with pytest.raises(pytest.skip.Exception, match="no Chromium"):
        chromium_path()
    monkeypatch.setenv("CI", "true")
    with pytest.raises(pytest.fail.Exception, match="no Chromium"):
        chromium_path()
