"""Clicks and keys of a whole trial account, and how soon a click is answered, in real Chromium.

`python -m tests.bench.clicks_and_keys` goes through all notebooks in JupyterLab on a rehearsal, as
fast as they allow, and counts what the browser reports: each press of a button of the mouse and of
a key, in JupyterLab and in the Codat Portal, and one for each change of the tab. Beside it stands
what Codat's page about this integration has a person press in the portals (`BY_HAND`), with the
same names, counted in the most favourable way: everything that can be copied is copied, every page
is found at once, what the portal proposes is kept. A capital letter is two keys, as the browser
counts. Both sides leave out what is the same for both: signing in, and the customer's own part.
Left out are also, here, what is written into `accounts.toml` beforehand, and by hand the looks with
which a person makes sure of what the notebooks look at, and all that comes after the first day.

Then the time from a click to the first change that is to be seen is printed, for each button.
Not a test: figures depend on the machine.
"""

from __future__ import annotations

import statistics
import sys
import tempfile
import time
from collections import Counter
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Final

from playwright.sync_api import expect, sync_playwright

from bcrunbook.accounts import load
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
from bcrunbook.steps import step_named
from tests.bench.interactive_session import running
from tests.lab.page import PATIENCE_MS
from tests.lab.seat import alone, link_customer, pair_of
from tests.support.browser import ARGUMENTS, chromium_path

if TYPE_CHECKING:
    from playwright.sync_api import Browser, BrowserContext, Locator, Page

ACCOUNT: Final = "trial"
CUSTOMER: Final = "millrace"
ANSWER_SECONDS: Final = 0.2
"""A click is to be answered within this."""
SHARE: Final = 0.25
"""What the notebooks may ask of a person, in terms of the way by hand."""


@dataclass(frozen=True)
class ByHand:
    """Something that is pressed or typed when the integration is set up by hand.

    Args:
        step: the step of the notebooks to which it belongs.
        what: what is done.
        clicks: how often a button of the mouse is pressed for it.
        typed: what is typed.
        is_pasted: whether something is pasted, by two keys.
    """

    step: str
    what: str
    clicks: int = 1
    typed: str = ""
    is_pasted: bool = False

    @property
    def presses(self) -> int:
        """Clicks and keys together."""
        shifted = sum(one.isupper() or one in "()@" for one in self.typed)
        return self.clicks + len(self.typed) + shifted + 2 * self.is_pasted


BY_HAND: Final = (
    ByHand(REGISTER_APPLICATION, "open the Azure portal by a link"),
    ByHand(REGISTER_APPLICATION, "Microsoft Entra ID"),
    ByHand(REGISTER_APPLICATION, "App registrations"),
    ByHand(REGISTER_APPLICATION, "New registration"),
    ByHand(REGISTER_APPLICATION, "the name", typed="Contoso Lending (trial)"),
    ByHand(REGISTER_APPLICATION, "who can use it"),
    ByHand(REGISTER_APPLICATION, "the redirect's platform: the list, and Web", clicks=2),
    ByHand(REGISTER_APPLICATION, "back to the instructions"),
    ByHand(REGISTER_APPLICATION, "mark the redirect's address and copy it", is_pasted=True),
    ByHand(REGISTER_APPLICATION, "to the portal"),
    ByHand(REGISTER_APPLICATION, "paste it", is_pasted=True),
    ByHand(REGISTER_APPLICATION, "Register"),
    ByHand(CLIENT_SECRET, "Certificates & secrets"),
    ByHand(CLIENT_SECRET, "New client secret"),
    ByHand(CLIENT_SECRET, "the description", typed="Codat"),
    ByHand(CLIENT_SECRET, "Add"),
    ByHand(CLIENT_SECRET, "copy the value"),
    ByHand(API_PERMISSIONS, "API permissions"),
    ByHand(API_PERMISSIONS, "Add a permission"),
    ByHand(API_PERMISSIONS, "Dynamics 365 Business Central"),
    ByHand(API_PERMISSIONS, "Delegated permissions"),
    ByHand(API_PERMISSIONS, "the two permissions", clicks=2),
    ByHand(API_PERMISSIONS, "Add permissions"),
    ByHand(API_PERMISSIONS, "Grant admin consent"),
    ByHand(API_PERMISSIONS, "Yes"),
    ByHand(CODAT_KEYS, "open the Codat Portal by a link"),
    ByHand(CODAT_KEYS, "the instance: the list, one of it, and Switch", clicks=3),
    ByHand(CODAT_KEYS, "Settings, Integrations, Accounting", clicks=3),
    ByHand(CODAT_KEYS, "Set up"),
    ByHand(CODAT_KEYS, "paste the secret", is_pasted=True),
    ByHand(CODAT_KEYS, "to the Azure portal"),
    ByHand(CODAT_KEYS, "Overview, and copy the client id", clicks=2),
    ByHand(CODAT_KEYS, "to the Codat Portal"),
    ByHand(CODAT_KEYS, "paste the client id", is_pasted=True),
    ByHand(CODAT_KEYS, "Save"),
    ByHand(ENABLE_INTEGRATION, "Enable now"),
    ByHand(LINK_CUSTOMER, "Companies"),
    ByHand(LINK_CUSTOMER, "New company"),
    ByHand(LINK_CUSTOMER, "the name", typed="Millrace Software (trial)"),
    ByHand(LINK_CUSTOMER, "Create"),
    ByHand(LINK_CUSTOMER, "Manage connections"),
    ByHand(LINK_CUSTOMER, "copy the link"),
    ByHand(LINK_CUSTOMER, "a new mail"),
    ByHand(LINK_CUSTOMER, "to whom", typed="robin.hale@millrace-trial.example"),
    ByHand(LINK_CUSTOMER, "its subject", typed="Link Business Central"),
    ByHand(LINK_CUSTOMER, "paste the link", is_pasted=True),
    ByHand(LINK_CUSTOMER, "to the instructions"),
    ByHand(LINK_CUSTOMER, "mark and copy what a customer has to know", is_pasted=True),
    ByHand(LINK_CUSTOMER, "back to the mail"),
    ByHand(LINK_CUSTOMER, "paste it", is_pasted=True),
    ByHand(LINK_CUSTOMER, "Send"),
)

# Reports each press, and after each click when the page first looked different: what is drawn comes
# at the next frame at the latest.
_WATCHED: Final = """
for (const kind of ["pointerdown", "keydown"])
  addEventListener(kind, (event) => {
    if (event.isTrusted && !event.repeat) bcrPressed(kind);
  }, true);
addEventListener("click", (event) => {
  if (!event.isTrusted) return;
  const label = event.target.closest?.("button, a")?.innerText ?? "";
  if (!label || label.length > 60) return;
  const began = performance.now();
  const watch = new MutationObserver((changes) => {
    const seen = changes.some(({ target }) => {
      const element = target.nodeType === 1 ? target : target.parentElement;
      return element?.closest(".jp-OutputArea, #bcrunbook-bar, main");
    });
    if (!seen) return;
    watch.disconnect();
    requestAnimationFrame(() => bcrAnswered(label.trim(), performance.now() - began));
  });
  watch.observe(document, {
    subtree: true, childList: true, characterData: true, attributes: true,
    attributeFilter: ["disabled", "hidden", "class"],
  });
}, true);
"""


class Pressing:
    """Counts what is pressed, by the step during which it is.

    Args:
        context: the browser's profile.
    """

    def __init__(self, context: BrowserContext) -> None:
        self.step = START_HERE
        self.clicks: Counter[str] = Counter()
        self.keys: Counter[str] = Counter()
        self.answers: list[tuple[str, float]] = []
        self._is_counted = True
        context.expose_binding("bcrPressed", lambda _, kind: self._pressed(kind))
        context.expose_binding(
            "bcrAnswered", lambda _, label, ms: self.answers.append((label, ms / 1000))
        )
        context.add_init_script(_WATCHED)

    def _pressed(self, kind: str) -> None:
        if self._is_counted:
            (self.clicks if kind == "pointerdown" else self.keys)[self.step] += 1

    def change_tab(self, page: Page) -> None:
        """Take another tab to the front, by a click on it."""
        self.clicks[self.step] += 1
        page.bring_to_front()

    @contextmanager
    def uncounted(self) -> Iterator[None]:
        """What is pressed meanwhile is the same by hand, and left out there too."""
        self._is_counted = False
        yield
        self._is_counted = True

    def presses(self, step: str) -> int:
        """Clicks and keys together."""
        return self.clicks[step] + self.keys[step]


def panel(page: Page) -> Locator:
    """The notebook in front."""
    return page.locator(".jp-NotebookPanel:visible")


def paste(page: Page, label: str, value: str) -> None:
    """Paste into a field of the portal: a click and two keys, whatever this machine's clipboard."""
    field = page.get_by_label(label)
    field.click()
    page.keyboard.press("Control+V")
    field.fill(value)


def save_keys(page: Page, pressing: Pressing, pair: tuple[str, str], instance: str) -> None:
    """What the hand-off's list asks for, in the portal and here."""
    with page.context.expect_page() as opened:
        panel(page).get_by_role("link", name="Open the Codat Portal").click()
    portal = opened.value
    with pressing.uncounted():
        portal.get_by_role("button", name="Developer").first.click()
    switch = portal.get_by_label("Instance", exact=True)
    if switch.locator("option:checked").inner_text() != instance:
        switch.click()
        switch.select_option(label=instance)
        pressing.clicks[pressing.step] += 1  # the one of the list
        if portal.get_by_role("button", name="Switch", exact=True).is_visible():
            portal.get_by_role("button", name="Switch", exact=True).click()
    portal.get_by_role("link", name="Set up Dynamics 365 Business Central").click()
    pressing.change_tab(page)
    panel(page).get_by_role("button", name="Copy the Client ID").click()
    pressing.change_tab(portal)
    paste(portal, "Client ID", pair[0])
    pressing.change_tab(page)
    panel(page).get_by_role("button", name="Copy the client secret").click()
    pressing.change_tab(portal)
    paste(portal, "Client secret", pair[1])
    portal.get_by_role("button", name="Save").click()
    pressing.step = ENABLE_INTEGRATION
    portal.get_by_role("button", name="Enable now").click()
    pressing.step = CODAT_KEYS
    pressing.change_tab(page)
    panel(page).get_by_role("button", name="I have saved").click()


def go_through(page: Page, pressing: Pressing, url: str, root: Path) -> None:
    """The whole account, from the first notebook's address to the last one's outcome."""
    workspace = load(root)
    cloud = RehearsalDescription.read(root.parent / "cloud" / "rehearsal.json")

    def apply() -> None:
        panel(page).get_by_role("button", name="Apply ").click(timeout=PATIENCE_MS)

    def save() -> None:
        pair = alone(pair_of(workspace, ACCOUNT))
        save_keys(page, pressing, pair, workspace.account(ACCOUNT).codat_instance or "")

    def hand_over() -> None:
        apply()
        with page.expect_download(timeout=PATIENCE_MS) as kept:
            panel(page).get_by_role("button", name="Write the mail").click(timeout=PATIENCE_MS)
        assert kept.value.suggested_filename == f"{CUSTOMER}.eml"
        panel(page).get_by_role("button", name="Copy the customer's link").click()
        # In the mail program: the draft is opened, the link is pasted, the mail is sent.
        pressing.clicks[LINK_CUSTOMER] += 3
        pressing.keys[LINK_CUSTOMER] += 2
        link_customer(workspace, cloud, ACCOUNT, CUSTOMER)

    parts: dict[str, Callable[[], None]] = {
        START_HERE: lambda: None,
        REGISTER_APPLICATION: apply,
        CLIENT_SECRET: apply,
        API_PERMISSIONS: apply,
        CODAT_KEYS: save,
        ENABLE_INTEGRATION: lambda: None,
        LINK_CUSTOMER: hand_over,
        HEALTH_CHECK: lambda: None,
    }
    page.goto(url)
    bar = page.locator("#bcrunbook-bar")
    bar.get_by_role("button", name="Run all cells").click(timeout=PATIENCE_MS)
    for step, part in parts.items():
        pressing.step = step
        title = step_named(step).title
        heading = panel(page).get_by_role("heading", level=1)
        expect(heading).to_be_visible(timeout=PATIENCE_MS)
        began = time.perf_counter()
        part()
        following = panel(page).locator("a.next")
        if step == HEALTH_CHECK:
            tag = panel(page).locator(".jp-CodeCell").last.locator(".tag.done, .tag.changed")
            expect(tag.first).to_be_visible(timeout=2 * PATIENCE_MS)
        else:
            expect(following).to_be_visible(timeout=2 * PATIENCE_MS)
            following.click()
        print(f"  {title}: {time.perf_counter() - began:.1f} s", file=sys.stderr)


def tell(pressing: Pressing) -> bool:
    """Print the figures; whether they are as they are to be."""
    hand = Counter[str]()
    for one in BY_HAND:
        hand[one.step] += one.presses
    print(f"{'clicks and keys':34} {'here':>5} {'by hand':>8}")
    here = 0
    for step in {**dict.fromkeys(hand), **dict.fromkeys(pressing.clicks)}:
        here += pressing.presses(step)
        print(f"{step_named(step).title:34} {pressing.presses(step):5} {hand[step]:8}")
    share = here / hand.total()
    print(f"{'together':34} {here:5} {hand.total():8}   {share:.0%}, to be at most {SHARE:.0%}")
    by_label: dict[str, list[float]] = {}
    for label, seconds in pressing.answers:
        by_label.setdefault(" ".join(label.split()), []).append(seconds)
    print("\nfrom a click to the first change that is seen")
    for label, times in by_label.items():
        print(f"{label[:60]:60} {max(times):6.3f} s")
    every = [seconds for times in by_label.values() for seconds in times]
    print(
        f"median {statistics.median(every):.3f} s, longest {max(every):.3f} s,"
        f" to be at most {ANSWER_SECONDS} s"
    )
    return share <= SHARE and max(every) <= ANSWER_SECONDS


def measured(browser: Browser) -> Pressing:
    """One whole account."""
    with tempfile.TemporaryDirectory() as folder, browser.new_context() as context:
        pressing = Pressing(context)
        page = context.new_page()
        with running(Path(sys.executable), ("--rehearse",), Path(folder)) as (_, url):
            go_through(page, pressing, url, Path(folder) / "rehearsal-lab" / "workspace")
            page.goto("about:blank")
    return pressing


def main() -> None:
    """Go through, and print."""
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=chromium_path(), args=ARGUMENTS)
        is_well = tell(measured(browser))
        browser.close()
    sys.exit(0 if is_well else 1)


if __name__ == "__main__":
    main()
