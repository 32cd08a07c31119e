"""The list of things to do alone, in a browser, against a stand-in of the kernel's side."""

from __future__ import annotations

import asyncio
import json
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

import pytest
from axe_playwright_python.sync_playwright import Axe
from playwright.sync_api import expect

import bcrunbook.notebook
from bcrunbook.core.step import Change, HandOff, HandOffButton
from tests.support.browser import chromium, tab

if TYPE_CHECKING:
    from playwright.sync_api import Locator, Page

__all__ = ["chromium", "tab"]

WIDTHS: Final = (320, 900, 1280)
THEMES: Final = {
    "light": "",
    "dark": "--jp-ui-font-color1:#fff;--jp-layout-color1:#111;--jp-layout-color2:#424242;"
    "--jp-border-color1:#616161;--jp-border-color2:#424242;",
}
PORTAL: Final = "https://app.codat.example/settings/integrations/accounting/dynamics365"
CLIENT_ID: Final = "7d9e7c55-2a39-4d8b-9f5e-aa11bb22cc33"
CHANGE: Final = Change(
    "save_keys",
    "put the keys into the Codat Portal",
    by="person",
    hand_off=HandOff(
        who="whoever has the role Developer in the instance Contoso Lending (trial) & Sons",
        actions=(
            "Open the portal, and compare the instance.",
            "Put the Client ID (above) into Client ID.",
            "Copy the secret and paste it into Client secret within a minute.",
            "Say that it is done.",
        ),
        values=(("Instance", "Contoso Lending (trial)"), ("Client ID", CLIENT_ID)),
        buttons=(
            HandOffButton(0, "open", "Open the Codat Portal", PORTAL),
            HandOffButton(1, "copy", "Copy the Client ID", CLIENT_ID, instead="above"),
            HandOffButton(2, "copy_secret", "Copy the client secret"),
            HandOffButton(3, "confirm"),
        ),
        secret="keyring:codat/contoso-lending-trial/client-secret",
        needs=("The plan allows it.",),
        looks_like="A message confirms it.",
        slips=("The Secret ID in place of the Value.", "A blank before or after."),
        confirmation="I have saved these keys in the Codat Portal",
    ),
)
STAND_IN: Final = """
<!doctype html><html lang="en"><title>list</title><style>{css}</style>
<style>body{{margin:0;background:var(--jp-layout-color1,#fff);{colours}}}</style>
<body data-jp-theme-light="{is_light}">
<main id="place"></main><script type="module">
{esm}
const state = {state}, heard = {{}};
window.sent = [];
window.model = {{
  get: (name) => state[name],
  set: (name, value) => {{
    state[name] = value;
    (heard[`change:${{name}}`] ?? []).forEach((one) => one());
  }},
  on: (event, call) => (heard[event] ??= []).push(call),
  send: (content) => window.sent.push(content),
}};
render({{ model: window.model, el: document.getElementById("place") }});
</script>
"""


def state() -> dict[str, Any]:
    """What the kernel has to say of a list that was just shown."""
    from bcrunbook.notebook.checklist import Checklist

    async def made() -> dict[str, Any]:
        one = Checklist(CHANGE, "bcrunbook run trial", sign_in_as="Lee Osei (Developer)", name="")
        names = ("card", "done", "said", "left", "name", "foot", "end")
        return {name: getattr(one, name) for name in names}

    with ThreadPoolExecutor(1) as threads:  # Playwright's loop runs in this thread
        return threads.submit(asyncio.run, made()).result()


def show(tab: Page, theme: str = "light", width: int = 900) -> Locator:
    """Show the list."""
    folder = Path(bcrunbook.notebook.__file__).parent
    esm = (folder / "checklist.js").read_text("utf-8").replace("export default { render };", "")
    tab.set_viewport_size({"width": width, "height": 900})
    tab.set_content(
        STAND_IN.format(
            css=(folder / "checklist.css").read_text("utf-8"),
            esm=esm,
            is_light=str(theme == "light").lower(),
            colours=THEMES[theme],
            state=json.dumps(state()).replace("</", "<\\/"),
        )
    )
    shown = tab.locator(".bcr-check")
    expect(shown).to_be_visible()
    return shown


def put(tab: Page, name: str, value: Any) -> None:
    """Have the kernel say something else."""
    tab.evaluate("([name, value]) => model.set(name, value)", [name, value])


def sent(tab: Page) -> list[dict[str, Any]]:
    """What the kernel was told."""
    return list(tab.evaluate("sent"))


@pytest.mark.parametrize("theme", THEMES)
@pytest.mark.parametrize("width", WIDTHS)
def test_nothing_is_cut_off_and_nothing_is_a_barrier(
    tab: Page, theme: str, width: int, tmp_path: Path
) -> None:
    """Wide, narrow and on a telephone, in both themes, while everything is said that can be."""
    shown = show(tab, theme, width)
    put(tab, "left", 42)
    problem = {"text": "Type your name first: it is noted who said so.", "is_problem": True}
    put(tab, "said", {"confirm": problem})
    buttons = [["look", "Look again"], ["keep", "Keep waiting"], ["stop", "Stop waiting"]]
    put(tab, "foot", {"text": "Not done yet.", "tone": "amber", "buttons": buttons})
    shown.get_by_text("not as described").click()
    tab.screenshot(path=tmp_path / "list.png")
    assert tab.evaluate("document.documentElement.scrollWidth") <= width
    for act in shown.locator(".act, input").all():
        box = act.bounding_box()
        assert box and box["x"] >= 0 and box["x"] + box["width"] <= width
        assert act.evaluate("e => e.scrollWidth <= e.clientWidth + 1")
    found = Axe().run(tab, context=".bcr-check").response["violations"]
    assert [one["id"] for one in found if one["impact"] in ("serious", "critical")] == []


def test_each_button_stands_at_the_line_that_it_is_for(tab: Page) -> None:
    """In the order of the lines; the last one has no box to tick, as its button says it."""
    shown = show(tab)
    lines = shown.locator("ol > li")
    labels = [one.locator(".act").all_inner_texts() for one in lines.all()]
    assert [found[0].partition("\n")[0] for found in labels] == [
        "Open the Codat Portal",
        "Copy the Client ID",
        "Copy the client secret",
        "I have saved these keys in the Codat Portal",
    ]
    assert lines.get_by_role("checkbox").count() == 3
    # What a button copies stands beside it, and not a second time above.
    assert shown.get_by_text(CLIENT_ID).count() == 1


def test_the_ring_is_there_only_while_it_runs_down(tab: Page) -> None:
    """From nothing to the whole minute, shorter and shorter, and gone again."""
    shown = show(tab)
    ring = shown.locator(".left")
    expect(ring).to_be_hidden()
    arcs = []
    for left, clock in ((60, "1:00"), (31, "0:31"), (5, "0:05")):
        put(tab, "left", left)
        expect(ring).to_be_visible()
        expect(ring).to_have_text(clock)
        arcs.append(float(ring.locator(".run").get_attribute("stroke-dasharray").split()[0]))  # type: ignore[union-attr]
    assert arcs == sorted(arcs, reverse=True) and arcs[0] == 100
    put(tab, "left", 0)
    expect(ring).to_be_hidden()


def test_all_of_it_works_by_keys_alone(tab: Page) -> None:
    """Tab leads from line to line; blank ticks, Enter in the field says that it is done."""
    show(tab)
    reached = []
    for _ in range(11):
        tab.keyboard.press("Tab")
        name = tab.evaluate(
            "document.activeElement.type === 'checkbox' ? 'box' : document.activeElement.tagName"
        )
        if name == "BODY":
            break
        reached.append(name)
        if len(reached) == 1:
            tab.keyboard.press("Space")
        if name == "INPUT":
            tab.keyboard.type("Ada Quill")
            tab.keyboard.press("Enter")
    kinds = ["box", "A", "box", "BUTTON", "box", "BUTTON", "INPUT", "BUTTON", "BUTTON", "SUMMARY"]
    assert reached == kinds
    assert {"tick": 0, "on": True} in sent(tab)
    assert {"press": "confirm", "name": "Ada Quill"} in sent(tab)


def test_the_page_of_the_portal_opens_in_a_tab_of_its_own(tab: Page) -> None:
    """And its line is ticked; the other page learns nothing of this one."""
    shown = show(tab)
    link = shown.get_by_role("link", name="Open the Codat Portal")
    assert link.get_attribute("target") == "_blank"
    assert "noopener" in (link.get_attribute("rel") or "")
    link.evaluate("e => { e.removeAttribute('href'); e.click(); }")
    assert sent(tab) == [{"tick": 0, "on": True}]


def test_what_another_page_does_is_seen(tab: Page) -> None:
    """Ticks, the name and what is said; but not over what somebody is typing."""
    shown = show(tab)
    put(tab, "done", [1])
    expect(shown.get_by_role("checkbox").nth(1)).to_be_checked()
    put(tab, "name", "Lee")
    field = shown.get_by_label("Your name")
    expect(field).to_have_value("Lee")
    field.focus()
    put(tab, "name", "Ada")
    expect(field).to_have_value("Lee")


def test_a_name_that_is_missing_is_asked_for_at_its_field(tab: Page) -> None:
    """The field has the focus, is marked, and is described by what is said."""
    shown = show(tab)
    put(tab, "said", {"confirm": {"text": "Type your name first.", "is_problem": True}})
    field = shown.get_by_label("Your name")
    expect(field).to_be_focused()
    expect(field).to_have_attribute("aria-invalid", "true")
    expect(field).to_have_accessible_description("Type your name first.")


def test_a_list_that_is_over_can_be_read_and_not_pressed(tab: Page) -> None:
    """It says why."""
    shown = show(tab)
    put(tab, "foot", {"text": "It is looked for.", "tone": "", "buttons": [["look", "Look now"]]})
    expect(shown.get_by_role("button", name="Look now")).to_be_visible()
    put(tab, "end", "Stopped. Run the cell with step.apply() to go on.")
    expect(shown.locator(".foot")).to_have_text("Stopped. Run the cell with step.apply() to go on.")
    assert shown.locator("button:enabled, input:enabled").count() == 0
