"""The first minute with `bcrunbook lab --rehearse`: the start page opens, and can be run."""

from __future__ import annotations

import json

import pytest
from playwright.sync_api import Route, expect

from bcrunbook.order import START_HERE
from tests.lab.page import OUTPUTS, PATIENCE_MS, THEMES, Lab
from tests.support.markdown import heading_of
from tests.support.share import one_of

WIDTHS = (1280, 900)
GREETER = """
import ipywidgets as widgets

name, greet = widgets.Text(description="Name"), widgets.Button(description="Greet")
greeting = widgets.HTML()
greet.on_click(lambda _: setattr(greeting, "value", f"Hello, {name.value}"))
widgets.VBox([name, greet, greeting])
"""


def test_the_start_page_opens_without_a_nuisance(lab: Lab) -> None:
    """At the printed address is the first notebook, its kernel is up, and nothing is in front."""
    lab.open_start_page()
    expect(lab.page.get_by_role("heading", name=heading_of(START_HERE))).to_be_visible()
    for width in WIDTHS:
        lab.resize(width)
        lab.shot(f"start-page-{width}")
    assert lab.nuisances() == []


def test_what_is_typed_into_a_widget_stays_out_of_the_file(lab: Lab) -> None:
    """A widget takes what is typed and clicked, survives a reload, and is not saved."""
    lab.server.write("greeter.ipynb", GREETER)
    lab.open("greeter.ipynb")
    lab.run("Greet")
    lab.type("Name", "somebody")
    lab.click("Greet")
    lab.wait_for_text("Greet", "Hello, somebody")
    lab.save()
    saved = (lab.server.root / "notebooks" / "greeter.ipynb").read_text("utf-8")
    assert json.loads(saved)["cells"][0]["outputs"] and "somebody" not in saved
    lab.reload()
    lab.wait_for_text("Greet", "Hello, somebody")


def test_what_is_shown_while_the_file_is_saved_is_saved_next(lab: Lab) -> None:
    """JupyterLab itself takes it for saved together with what was there before."""
    lab.server.write("late.ipynb", "print('early')", "print('l' + 'ate')")
    lab.open("late.ipynb")
    lab.run("early")
    file = lab.server.root / "notebooks" / "late.ipynb"
    held: list[Route] = []

    def hold(route: Route) -> None:
        if route.request.method == "PUT" and not held:
            held.append(route)
        else:
            route.continue_()

    with lab.page.expect_request(lambda one: one.method == "PUT" and "late.ipynb" in one.url):
        lab.page.route("**/api/contents/**", hold)
        lab.page.keyboard.press("Control+s")
    lab.run("ate")
    held[0].continue_()
    lab.page.unroute("**/api/contents/**")
    expect(lab.page.locator(".jp-mod-dirty")).to_have_count(0, timeout=PATIENCE_MS)
    shown = [cell["outputs"] for cell in json.loads(file.read_text("utf-8"))["cells"]]
    assert [one["text"] for (one,) in shown] == [["early\n"], ["late\n"]]


@pytest.fixture(scope="module")
def ran(lab: Lab) -> Lab:
    """The first notebook, after "Run All Cells"."""
    lab.open_step(START_HERE)
    lab.run_all()
    return lab


def test_all_cells_run_to_the_outcome(ran: Lab) -> None:
    """The last cell shows the outcome `done` and the next step, and no cell shows an error."""
    outcome = ran.wait_for_text("step.outcome()", "Next step")
    expect(outcome).to_contain_text("done")
    errors = ran.page.locator(f"{OUTPUTS} [data-mime-type*='stderr'], {OUTPUTS} .jp-RenderedError")
    assert errors.all_inner_texts() == []


@pytest.mark.parametrize("theme", one_of(THEMES))
def test_nothing_that_cells_show_is_a_barrier(theme: str, ran: Lab) -> None:
    """axe-core finds nothing serious in the outputs, in either theme, wide or narrow."""
    ran.theme(theme)
    for width in WIDTHS:
        ran.resize(width)
        ran.shot(f"outcome-{theme}-{width}", whole=True)
        assert ran.barriers() == []
