"""The bar above the notebooks, as somebody in front of JupyterLab sees it.

What a kernel says of itself is written here in its place, into notebooks whose cells do not run: so
these tests are about the bar alone.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from typing import TYPE_CHECKING, Any

import pytest
from playwright.sync_api import expect

from bcrunbook.order import CODAT_KEYS, ENABLE_INTEGRATION
from bcrunbook.steps import notebook_of, step_named
from bcrunbook.views.journey import WIDTH
from tests.lab.page import PATIENCE_MS, THEMES, Lab, Server
from tests.support.share import one_of

if TYPE_CHECKING:
    from playwright.sync_api import Locator, Page

BAR = "#bcrunbook-bar"
NAME = "bar.ipynb"
PARAMETERS = 'account = "trial"\ncustomer = ""\nmode = "auto"'
OPEN = 'step = await open_step("register_application", account=account, mode=mode)'
APPLY = "await step.apply()"
DEAD = {
    "output_type": "display_data",
    "metadata": {},
    "data": {
        "application/vnd.jupyter.widget-view+json": {
            "version_major": 2,
            "version_minor": 0,
            "model_id": "0123456789abcdef",
        },
        "text/html": "<p>Apply 2 changes, as it was asked</p>",
        "text/plain": "Apply 2 changes, as it was asked",
    },
}
ASKED: dict[str, Any] = {
    "kind": "click",
    "text": "Apply 2 changes to Contoso Lending",
    "verb": "apply",
    "minutes": None,
}
NOTHING: dict[str, Any] = {"kind": "", "text": "", "verb": "", "minutes": None}


def say(server: Server, attention: dict[str, Any] = NOTHING, **differs: Any) -> None:
    """What the notebook's kernel says of itself, from now on."""
    folder = server.root / ".bcrunbook" / "sessions"
    folder.mkdir(exist_ok=True)
    said = {
        "schema": 1,
        "step": "register_application",
        "given": {"account": "trial", "customer": ""},
        "account": "trial",
        "account_label": "trial",
        "is_production": False,
        "customer": "",
        "customer_label": "",
        "cloud": "rehearsal",
        "tenant": "Millrace Software (trial)",
        "signed_in": "dana@contoso.example",
        "mode": "ask",
        "error": "",
        "attention": attention,
        "updated": "2026-11-29T12:00:00+00:00",
    }
    (folder / f"{server.kernel(NAME)}.json").write_text(json.dumps(said | differs))


def bar(page: Page) -> Locator:
    """The bar in a tab."""
    return page.locator(BAR)


def account(page: Page) -> Locator:
    """The bar's list of accounts."""
    return bar(page).get_by_label("Account", exact=True)


@pytest.fixture(scope="module")
def opened(lab: Lab, server: Server) -> Lab:
    """A notebook of a step that has not run, with what another kernel has left in it."""
    server.write(NAME, OPEN, APPLY, parameters=PARAMETERS, outputs=[DEAD])
    lab.name = NAME
    lab.page.goto(lab.address(NAME))
    lab.wait_for_kernel()
    return lab


@pytest.fixture(autouse=True)
def quiet(server: Server) -> Iterator[None]:
    """No test finds what the one before had its kernel say."""
    yield
    for file in (server.root / ".bcrunbook" / "sessions").glob("*.json"):
        file.unlink()


def test_a_notebook_that_has_not_run_says_so(opened: Lab) -> None:
    """A dead widget is HTML again, a name that is not known is told in words, a button runs all."""
    page = opened.page
    expect(bar(page)).to_contain_text("have not run in this kernel", timeout=PATIENCE_MS)
    expect(opened.output(APPLY)).to_have_text("Apply 2 changes, as it was asked")
    expect(page.locator(".jp-mod-dirty")).to_have_count(0)
    opened.shot("not-run")

    told = opened.run(APPLY)
    expect(told).to_contain_text("have not run in this kernel yet, so step is not known")
    expect(told).not_to_contain_text("Traceback")
    before = opened.cells().count()
    opened.code_cell(APPLY).locator(".jp-InputPrompt").first.click()
    page.keyboard.press("Shift+Enter")
    expect(opened.prompts(r"\[2\]")).to_have_count(1)
    expect(opened.cells()).to_have_count(before)

    bar(page).get_by_role("button", name="Run all cells").click()
    expect(opened.code_cell(PARAMETERS[:10]).locator(".jp-InputPrompt").first).to_have_text("[3]:")


def test_every_tab_shows_what_the_kernel_does(opened: Lab, server: Server) -> None:
    """Right after it is loaded again as well, in a second tab, and in the browser tab's title."""
    page = opened.page
    say(server, ASKED, account="production", account_label="production", is_production=True)
    with page.context.new_page() as second:
        second.goto(opened.address(NAME))
        page.reload()
        for one in (page, second):
            expect(account(one)).to_have_value("production", timeout=PATIENCE_MS)
            expect(bar(one)).to_have_class(re.compile("bcr-production"))
            for text in ("PRODUCTION", "REHEARSAL", "dana@contoso.example", "Waiting for you: "):
                expect(bar(one)).to_contain_text(text)
            expect(bar(one)).to_contain_text("still with production; trial is chosen")
            expect(one).to_have_title(re.compile(r"^\(your click\) "), timeout=PATIENCE_MS)
    opened.wait_for_kernel()
    opened.shot("production-asks")
    bar(page).get_by_role("button", name="Go there").click()
    expect(opened.page.locator(".jp-Notebook-cell.jp-mod-active")).to_contain_text(APPLY)

    say(server, {"kind": "working", "text": "Installing", "verb": "apply", "minutes": 7})
    expect(page).to_have_title(re.compile(r"^\(7 min\) "))
    expect(bar(page)).to_contain_text("Installing")
    expect(account(page)).to_be_disabled()


def test_a_choice_in_one_tab_is_seen_in_the_other(opened: Lab, server: Server) -> None:
    """And is kept in the workspace, where kernels find it."""
    page = opened.page
    with page.context.new_page() as second:
        second.goto(opened.address(NAME))
        # Not even JupyterLab has to be there for it.
        account(second).select_option("production", timeout=PATIENCE_MS)
        expect(account(page)).to_have_value("production")
        expect(bar(page)).to_have_class(re.compile("bcr-production"))
        kept = json.loads((server.root / ".bcrunbook" / "chosen.json").read_text("utf-8"))
        assert kept["account"] == {"trial": "production"}
        account(page).select_option("trial")
        expect(account(second)).to_have_value("trial")


def test_a_mistake_in_the_accounts_is_a_sentence(opened: Lab, server: Server) -> None:
    """As long as it is there."""
    file = server.root / "accounts.toml"
    before = file.read_text("utf-8")
    try:
        file.write_text(before.replace('kind = "trial"', 'kind = "trail"'), "utf-8")
        expect(bar(opened.page)).to_contain_text("accounts.toml", timeout=PATIENCE_MS)
        opened.shot("mistake")
    finally:
        file.write_text(before, "utf-8")
    expect(bar(opened.page)).not_to_contain_text("accounts.toml", timeout=PATIENCE_MS)
    expect(account(opened.page)).to_have_value("trial")


def test_nothing_in_the_bar_is_a_barrier(opened: Lab, server: Server) -> None:
    """axe-core finds nothing serious, in either theme, on narrow and wide screens."""
    page = opened.page
    ended = {"kind": "ended", "text": "Waiting for the customer", "verb": "apply", "minutes": None}
    say(server, ended, account="production", account_label="production", is_production=True)
    expect(bar(page)).to_contain_text("Not seen yet. Waiting for the customer")
    bar(page).get_by_role("button", name="steps done").click()
    found = []
    for theme in THEMES:
        opened.server.set_theme(theme)
        page.reload()
        opened.wait_for_kernel()
        bar(page).get_by_role("button", name="steps done").click()
        expect(page.locator("body")).to_have_attribute(
            "data-jp-theme-light", json.dumps(theme == "light")
        )
        for width in (900, 1280, 1920):
            opened.resize(width)
            found += opened.barriers(where=BAR)
            opened.shot(f"bar-{theme}-{width}")
            # One line, or two where it is narrow, and nothing of it out of sight.
            line = page.locator(f"{BAR} .bcr-line").bounding_box()
            assert line and line["height"] <= (110 if width == 900 else 80)
            assert page.evaluate("document.documentElement.scrollWidth") <= width
    opened.resize(1280)
    opened.server.set_theme("light")
    assert found == []


@pytest.mark.parametrize("theme", one_of(THEMES))
def test_the_map_heads_a_notebook_and_unfolds_from_the_bar(lab: Lab, theme: str) -> None:
    """Its letters keep their size at 900 px, nothing of it is cut off, and a station leads on."""
    page = lab.page
    lab.server.set_theme(theme)
    lab.resize(900)
    lab.open_step(CODAT_KEYS)
    picture = page.locator('.jp-MarkdownOutput img[src^="data:image/svg"]')
    expect(picture).to_be_visible(timeout=PATIENCE_MS)
    size = picture.evaluate("one => [one.naturalWidth, one.getBoundingClientRect().width]")
    assert size[0] == WIDTH and size[1] == pytest.approx(WIDTH, abs=1)
    lab.shot(f"map-in-notebook-{theme}")
    bar(page).get_by_role("button", name="steps done").click()
    panel = page.locator("#bcrunbook-way")
    expect(panel.get_by_role("img")).to_be_visible()
    assert panel.evaluate("one => one.scrollWidth <= one.clientWidth")
    lab.shot(f"map-in-bar-{theme}")
    step = step_named(ENABLE_INTEGRATION)
    panel.get_by_role("link", name=step.title).click()
    expect(page.locator(".lm-TabBar-tab.lm-mod-current")).to_contain_text(notebook_of(step)[:12])
    expect(panel).to_be_hidden()
    lab.server.set_theme("light")
    lab.resize(1280)


def test_the_list_of_files_is_folded_away_at_first(lab: Lab) -> None:
    """Whoever comes for the first time sees the notebook, and prose of a readable width."""
    lab.resize(1920)
    lab.open_start_page()
    expect(lab.page.locator(".jp-DirListing")).to_be_hidden()
    prose = lab.page.locator(".jp-MarkdownOutput > p").first.bounding_box()
    assert prose and prose["width"] < 900
    lab.shot("start-1920")
    lab.resize(1280)
