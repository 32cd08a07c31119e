"""A sign-in by device code, as somebody sees it in JupyterLab."""

from __future__ import annotations

import re
from concurrent.futures import ThreadPoolExecutor

import tomlkit
from playwright.sync_api import expect

from bcrunbook.rehearsal import RehearsalDescription
from bcrunbook.signin import DeviceCode
from tests.lab.page import Lab, Server
from tests.steps.test_start_here import device_code
from tests.support.independent_client import person_of

FOLDER, NOTEBOOK = "by-code", "by_code.ipynb"
OPEN = f"""
from bcrunbook.notebook import open_step

step = await open_step("start_here", account="trial", mode="auto", workspace="../{FOLDER}")
step
"""
EXAMINE = "await step.examine()"


def lay_out(server: Server, cloud: RehearsalDescription) -> None:
    """A workspace with the rehearsal's trial account, into which a person signs in by code."""
    accounts = tomlkit.parse((server.root / "accounts.toml").read_text("utf-8"))
    trial = accounts["accounts"]["trial"].unwrap()
    trial |= {"sign_in": device_code(cloud), "secret_store": "file:secrets"}
    del trial["codat_api_key"]
    wanted = {"rehearsal": {"dir": "../../cloud"}, "accounts": {"trial": trial}}
    folder = server.root / FOLDER
    folder.mkdir()
    (folder / "accounts.toml").write_text(tomlkit.dumps(wanted), encoding="utf-8")
    server.write(NOTEBOOK, OPEN, EXAMINE)


def test_the_code_is_copied_and_entered(lab: Lab, server: Server) -> None:
    """Large, with its address and a button that copies it; the cell goes on after the sign-in."""
    cloud = RehearsalDescription.read(server.root.parent / "cloud" / "rehearsal.json")
    lay_out(server, cloud)
    lab.page.context.grant_permissions(["clipboard-read", "clipboard-write"])
    lab.open(NOTEBOOK)
    lab.run("open_step")
    lab.start(EXAMINE)
    shown = lab.wait_for_text(EXAMINE, "enter this code")
    lab.shot("device-code")
    lab.click("Copy the code")
    expect(shown).to_contain_text("Copied.")
    code = lab.page.evaluate("navigator.clipboard.readText()")
    assert code == shown.locator(".code").inner_text()
    assert lab.barriers() == []
    address = shown.get_by_role("link").get_attribute("href")
    assert address
    person = person_of(cloud, "robin")
    with ThreadPoolExecutor() as pool:  # Playwright's loop runs in this thread
        pool.submit(person.show_device_code, DeviceCode(address, code, 900)).result()
    after = lab.wait_for_text(EXAMINE, re.compile("Signed in as"))
    expect(after).to_contain_text(person.upn)
