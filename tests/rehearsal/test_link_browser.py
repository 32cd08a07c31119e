"""The pages behind a link in a real browser, by what a customer sees and presses."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from tests.rehearsal.linking import LAB_ADMIN, Linkable, Scene, scene_at

if TYPE_CHECKING:
    from playwright.sync_api import Page

INSTALLING = "App Link by Codat is being installed"
PATIENCE_MS = 60_000


@pytest.fixture(scope="module")
def scene(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Scene]:
    """A cloud slow enough for the installation to be seen."""
    with scene_at(tmp_path_factory.mktemp("linking"), speed=200) as made:
        yield made


@pytest.fixture
def customer(tab: Page) -> Iterator[Page]:
    """The customer's tab; no page may have a fault."""
    faults: list[str] = []
    tab.on("console", lambda message: faults.append(message.text))
    tab.on("pageerror", lambda error: faults.append(str(error)))
    yield tab
    # The browser itself reports an answer with an error status.
    assert not [fault for fault in faults if not fault.startswith("Failed to load resource")]


def link_through(page: Page, scene: Scene, link: Linkable, environment: str, shots: Path) -> None:
    """From the link to the installation."""
    users = [user for tenant in scene.description.tenants for user in tenant["users"]]
    (password,) = [user["password"] for user in users if user["upn"] == LAB_ADMIN]
    page.goto(link.url.replace("https://", f"{scene.description.pages}/"))
    page.screenshot(path=shots / "start.png")
    page.get_by_role("button", name="Continue").click()
    page.get_by_label("User name").fill(LAB_ADMIN)
    page.get_by_label("Password").fill(password)
    page.get_by_role("button", name="Sign in").click()
    choice = page.get_by_role("heading", name="Choose a company")
    accept = page.get_by_role("button", name="Accept")
    choice.or_(accept).wait_for()
    if accept.is_visible():
        accept.click()
    choice.wait_for()
    page.screenshot(path=shots / "choice.png")
    offered = page.get_by_label("Company").locator("option").all_inner_texts()
    wanted = next(text for text in offered if text.startswith(f"{environment} (sandbox)"))
    page.get_by_label("Company").select_option(label=wanted)
    page.get_by_role("button", name="Connect").click()
    page.get_by_role("heading", name=INSTALLING).or_(
        page.get_by_role("heading", name="Connected")
    ).wait_for()
    page.screenshot(path=shots / "installing.png")


def test_a_customer_links(customer: Page, scene: Scene, tmp_path: Path) -> None:
    """Who asks, sign-in, consent, company, and a page that says by itself when it is done."""
    from playwright.sync_api import expect

    link = scene.linkable()
    link_through(customer, scene, link, "Normal", tmp_path)
    expect(customer.get_by_role("status")).to_contain_text(
        "successfully installed", timeout=PATIENCE_MS
    )
    customer.screenshot(path=tmp_path / "done.png")
    onward = customer.get_by_role("link", name="Go back to Millrace Software (test)")
    assert link.company in str(onward.get_attribute("href"))
    assert link.read()["status"] == "Linked"
    assert customer.evaluate("document.documentElement.scrollWidth") <= 1280


def test_a_customer_leaves(customer: Page, scene: Scene, tmp_path: Path) -> None:
    """The button to close the window leaves the connection waiting; the link goes on from there."""
    from playwright.sync_api import expect

    link = scene.linkable()
    customer.set_viewport_size({"width": 360, "height": 640})
    customer.emulate_media(color_scheme="dark")
    link_through(customer, scene, link, "Upgrading", tmp_path)
    expect(customer.get_by_text("10 to 20 minutes")).to_be_visible()
    assert customer.evaluate("document.documentElement.scrollWidth") <= 360
    customer.get_by_role("button", name="Close this window").click()
    expect(customer.get_by_role("alert")).to_contain_text("not connected yet")
    customer.screenshot(path=tmp_path / "left.png")
    assert link.read()["status"] == "PendingAuth"
    customer.get_by_role("link", name="Open the link again").click()
    customer.get_by_role("button", name="Continue").click()
    expect(customer.get_by_role("status")).to_contain_text(
        "successfully installed", timeout=PATIENCE_MS
    )
    assert link.read()["status"] == "Linked"
