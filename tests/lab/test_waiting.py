"""Everything that waits for somebody, in real Chromium, while they do what people do.

They load the page again, close the browser and come back, open a second tab, press stop, type and
click at once, and run all cells. What waits: a question, a list of things to do, an installation
that is followed, and a sign-in. Together they take minutes: the question alone is asked at each
change, the others by the task for what lasts.
"""

from __future__ import annotations

import re
import time
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from typing import TYPE_CHECKING, Any, Final

import pytest
from playwright.sync_api import expect

from bcrunbook.accounts import Workspace, load
from bcrunbook.order import (
    API_PERMISSIONS,
    CLIENT_SECRET,
    CODAT_KEYS,
    ENABLE_INTEGRATION,
    LINK_CUSTOMER,
    REGISTER_APPLICATION,
    START_HERE,
)
from bcrunbook.rehearsal import RehearsalDescription, launch
from bcrunbook.signin import DeviceCode
from tests.lab.conftest import serving
from tests.lab.page import PATIENCE_MS, Lab, Server
from tests.lab.seat import (
    APPLY,
    BY_CODE,
    CUSTOMER,
    EXAMINE,
    OUTCOME,
    SPEED,
    TRIAL,
    Seat,
    lay_out_accounts,
    link_customer,
)
from tests.support.independent_client import IndependentClient, person_of
from tests.support.portal import set_enabled

if TYPE_CHECKING:
    from playwright.sync_api import Browser, Locator


BAR: Final = "#bcrunbook-bar"
SAVED: Final = "I have saved"


@pytest.fixture(scope="module")
def cloud(tmp_path_factory: pytest.TempPathFactory) -> Iterator[RehearsalDescription]:
    """A rehearsal cloud, for this file alone."""
    folder = tmp_path_factory.mktemp("waiting") / "cloud"
    with launch(folder, speed=SPEED, latency_ms=0, lags="worst") as launched:
        yield launched


@pytest.fixture(scope="module")
def workspace(cloud: RehearsalDescription) -> Workspace:
    """An account that is set up, with a customer, and accounts that are about to wait."""
    return lay_out_accounts(cloud)


@pytest.fixture(scope="module")
def server(workspace: Workspace, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Server]:
    """JupyterLab on that workspace."""
    words = ("--workspace", str(workspace.root))
    with serving(tmp_path_factory.mktemp("lab"), workspace.root, *words) as served:
        yield served


@pytest.fixture
def seat(chromium: Browser, server: Server, tmp_path_factory: pytest.TempPathFactory) -> Any:
    """A browser at no notebook yet."""
    made = Seat(chromium, server, tmp_path_factory.mktemp("shots"))
    yield made
    made.leave()


def waits(lab: Lab, text: str) -> None:
    """All cells have ended; the bar, the title and the last cell say what waits, and where."""
    lab.wait_for_end()
    expect(lab.page.locator(BAR)).to_contain_text(text, timeout=PATIENCE_MS)
    expect(lab.page.locator(BAR).get_by_role("button", name="Go there")).to_be_visible()
    expect(lab.output(OUTCOME)).to_contain_text("step.apply()")
    expect(lab.output(OUTCOME)).to_contain_text(text)


def is_over(lab: Lab, state: str) -> None:
    """The last cell says how the step ended."""
    tag = lab.output(OUTCOME).locator(".tag").first
    expect(tag).to_have_text(re.compile(state), timeout=PATIENCE_MS)


def same_everywhere(seat: Seat, look: Callable[[Lab], Locator]) -> None:
    """It stands there in the same words after a reload, in a new browser and in a second tab."""
    before = " ".join(look(seat.lab).inner_text().split())
    for again in (seat.reload, seat.come_back):
        shown = look(again())
        expect(shown).to_have_text(before, use_inner_text=True, timeout=PATIENCE_MS)
    with seat.second_tab() as second:
        shown = look(second)
        expect(shown).to_have_text(before, use_inner_text=True, timeout=PATIENCE_MS)


def question(lab: Lab) -> Locator:
    """The plan with its question."""
    return lab.output(APPLY).locator(".bcr-surface", has=lab.page.locator(".bcr-question")).first


def checklist(lab: Lab) -> Locator:
    """The list of things to do that is open."""
    return lab.page.locator(".bcr-check:not(.over)").first


def type_and_click_at_once(lab: Lab, label: str, text: str) -> None:
    """Type into a field and press Apply without leaving the field first; then as it is offered."""
    lab.type(label, text)
    lab.button("Apply").click(force=True)
    lab.wait_for_text("step.plan()", "Kept in accounts.toml")
    lab.click("Apply")


@pytest.mark.lasting
def test_a_question_to_register_the_application(
    seat: Seat, cloud: RehearsalDescription, server: Server
) -> None:
    """It waits whatever happens to the page; what is registered is what was typed."""
    account, name = "asked", "Books, as they were typed"
    lab = seat.begin(REGISTER_APPLICATION, account)
    waits(lab, "Apply 2 changes")
    same_everywhere(seat, question)
    with seat.second_tab() as second:
        expect(question(second)).to_be_visible(timeout=PATIENCE_MS)
        seat.stop()
        expect(second.output(APPLY)).to_contain_text("Stopped.")
        expect(question(second)).to_be_hidden()
    client = IndependentClient(cloud)
    assert client.applications(account) == []
    seat.lab.run(APPLY)
    expect(question(seat.lab)).to_be_visible()
    type_and_click_at_once(seat.lab, "Application's name", name)
    is_over(seat.lab, "changed")
    assert client.application(account)["displayName"] == name
    client.http.close()
    copy = seat.lab.output(OUTCOME).get_by_role("button", name="Copy the client ID")
    seat.lab.page.context.grant_permissions(["clipboard-read", "clipboard-write"])
    copy.click()
    expect(seat.lab.output(OUTCOME)).to_contain_text("Copied.")
    shown = seat.lab.output(OUTCOME).locator("code.chip").inner_text()
    assert seat.lab.page.evaluate("navigator.clipboard.readText()") == shown
    seat.lab.shot("registered", whole=True)


@pytest.mark.lasting
def test_a_question_about_the_secret_after_a_reload(
    seat: Seat, server: Server, workspace: Workspace
) -> None:
    """A field of a page that was loaded again counts when Apply is clicked at once."""
    waits(seat.begin(CLIENT_SECRET, "secret"), "Apply 1 change")
    lab = seat.reload()
    expect(question(lab)).to_be_visible(timeout=PATIENCE_MS)
    type_and_click_at_once(lab, "Lifetime", "45 days")
    is_over(lab, "changed")
    assert load(workspace.root).account("secret").secret_lifetime_days == 45
    # And for the step after it: a click in the second tab is seen in the first.
    waits(seat.begin(API_PERMISSIONS, "secret"), "Apply 2 changes")
    seat.stop()
    seat.lab.run(APPLY)
    with seat.second_tab() as second:
        expect(question(second)).to_be_visible(timeout=PATIENCE_MS)
        second.click("Apply")
        is_over(seat.lab, "changed")


@pytest.mark.lasting
def test_the_list_for_the_keys(seat: Seat) -> None:
    """What is ticked stays ticked; a tick in one tab is seen in the other; it ends with a name."""
    lab = seat.begin(CODAT_KEYS, "keys")
    waits(lab, "Waiting for a person to")
    expect(lab.output("step.plan()")).to_contain_text("stands as a list, below")
    checklist(lab).get_by_role("checkbox").first.check()
    same_everywhere(seat, checklist)
    expect(checklist(seat.lab).get_by_role("checkbox").first).to_be_checked()
    with seat.second_tab() as second:
        checklist(second).get_by_role("checkbox").first.uncheck(timeout=PATIENCE_MS)
        expect(checklist(seat.lab).get_by_role("checkbox").first).not_to_be_checked()
    seat.stop()
    expect(checklist(seat.lab)).to_be_hidden()
    is_over(seat.lab, "waiting for")
    seat.lab.run(APPLY)
    seat.lab.type("Your name", "Ada Quill")
    seat.lab.click(SAVED)
    is_over(seat.lab, "done")


@pytest.mark.lasting
def test_the_list_for_the_toggle(seat: Seat, cloud: RehearsalDescription) -> None:
    """It is looked for by itself, and can be looked for now; a click in one tab counts for both."""
    set_enabled(cloud, on=False)
    waits(seat.begin(ENABLE_INTEGRATION, TRIAL), "Waiting for a person to enable")
    same_everywhere(seat, checklist)
    seat.stop()
    seat.lab.run(APPLY)
    expect(checklist(seat.lab)).to_be_visible()
    with seat.second_tab() as second:
        expect(checklist(second)).to_be_visible(timeout=PATIENCE_MS)
        set_enabled(cloud, on=True)
        second.click("Look now")
        is_over(seat.lab, "done")
        is_over(second, "done")


@pytest.mark.lasting
def test_a_customer_who_links_and_what_is_followed_then(
    seat: Seat, cloud: RehearsalDescription, workspace: Workspace
) -> None:
    """Question, list and film are all there again, and at the end it is installed."""
    set_enabled(cloud, on=True)
    lab = seat.begin(LINK_CUSTOMER, TRIAL, CUSTOMER.name)
    waits(lab, "Apply ")
    expect(question(seat.reload())).to_be_visible(timeout=PATIENCE_MS)
    seat.lab.click("Apply")
    expect(checklist(seat.lab)).to_be_visible(timeout=PATIENCE_MS)
    waits(seat.lab, f"Waiting for {CUSTOMER.display_name} to link")
    same_everywhere(seat, checklist)
    link_customer(workspace, cloud, TRIAL, CUSTOMER.name)
    # The wait may have looked by itself meanwhile, and then there is nothing left to click.
    seat.lab.button("Look now").press("Enter")

    def film(lab: Lab) -> Locator:
        return lab.output(APPLY).get_by_text(re.compile("so far")).first

    expect(film(seat.lab)).to_be_visible(timeout=PATIENCE_MS)
    for again in (seat.reload, seat.come_back):
        expect(film(again())).to_be_visible(timeout=PATIENCE_MS)
    expect(seat.lab.page).to_have_title(re.compile(r"^\(\d+ min\) "))
    with seat.second_tab() as second:
        expect(film(second)).to_be_visible(timeout=PATIENCE_MS)
        seat.stop()
        expect(second.output(APPLY)).to_contain_text("Stopped.")
    is_over(seat.lab, "waiting")
    seat.lab.start(APPLY)
    expect(film(seat.lab)).to_be_visible(timeout=PATIENCE_MS)
    expect(seat.lab.output(APPLY)).not_to_contain_text("so far", timeout=2 * PATIENCE_MS)
    is_over(seat.lab, "done|changed")
    expect(seat.lab.output("step.check()")).to_contain_text("installed, version")


@pytest.mark.lasting
def test_a_sign_in_that_waits_in_its_cell(seat: Seat, cloud: RehearsalDescription) -> None:
    """The same code stands there; after the stop there is another, and the cells go on after it."""

    def code(lab: Lab) -> Locator:
        return lab.output(EXAMINE).locator(".code").first

    lab = seat.begin(START_HERE, BY_CODE)
    expect(code(lab)).to_be_visible(timeout=PATIENCE_MS)
    lab.wait_for_end()
    expect(lab.page.locator(BAR)).to_contain_text("Waiting for you to sign in")
    expect(lab.output(OUTCOME)).to_contain_text("shows in the cell of step.examine()")
    same_everywhere(seat, code)
    seat.stop()
    seat.lab.start_all()
    expect(code(seat.lab)).to_be_visible(timeout=PATIENCE_MS)
    address = seat.lab.output(EXAMINE).get_by_role("link").get_attribute("href")
    assert address
    shown = DeviceCode(address, code(seat.lab).inner_text(), 900)
    person = person_of(cloud, "robin")
    with ThreadPoolExecutor() as pool:
        pool.submit(person.show_device_code, shown).result()
    is_over(seat.lab, "done")
    expect(seat.lab.output(EXAMINE)).to_contain_text(person.upn)


ONCE: Final = """
from ipywidgets import Widget

was = Widget._handle_control_comm_msg


def once(message):
    Widget._handle_control_comm_msg = was
    {trouble}


Widget._handle_control_comm_msg = once
"""
TROUBLES: Final = {
    # It keeps the interpreter's lock, so that the kernel answers nobody.
    "busy": "import ctypes; ctypes.PyDLL(None).usleep(6_000_000)",
    "knows nothing": "Widget._control_comm.send("
    '{"method": "update_states", "states": {}, "buffer_paths": []})',
}


@pytest.mark.lasting
@pytest.mark.parametrize("trouble", TROUBLES)
def test_a_kernel_that_does_not_answer_for_its_widgets(
    seat: Seat, server: Server, trouble: str
) -> None:
    """What was shown stands there as a record; what can be clicked comes back by itself."""
    lab = seat.begin(API_PERMISSIONS, "lost")
    expect(question(lab)).to_be_visible(timeout=PATIENCE_MS)
    seat.wait_until_kept()
    with server.kernel_client(lab.name) as kernel:
        source = ONCE.replace("{trouble}", TROUBLES[trouble])
        kernel.execute_interactive(source, silent=True, timeout=60)
        lab.page.reload()
        record = lab.output(APPLY).locator(".bcr-record")
        if trouble == "busy":
            expect(record).to_contain_text("comes back as soon as", timeout=PATIENCE_MS)
            expect(record).to_contain_text("Apply 2 changes")
            lab.shot("record")
    expect(question(lab)).to_be_visible(timeout=PATIENCE_MS)
    expect(record).to_have_count(0)
    expect(lab.page.get_by_text("Error displaying widget")).to_have_count(0)
    lab.click("Not now")
    is_over(lab, "waiting for your click")


@pytest.mark.lasting
def test_a_person_who_takes_two_minutes(seat: Seat, cloud: RehearsalDescription) -> None:
    """Real ones, with the page left alone: the list is open all the while, and then it is done."""
    set_enabled(cloud, on=False)
    waits(seat.begin(ENABLE_INTEGRATION, TRIAL), "Waiting for a person to enable")
    until = time.monotonic() + 120
    while time.monotonic() < until:
        seat.lab.page.wait_for_timeout(5000)
        expect(checklist(seat.lab)).to_be_visible()
        expect(seat.lab.button("Look now")).to_be_enabled()
    set_enabled(cloud, on=True)
    # It is looked for by itself.
    is_over(seat.lab, "done")
