"""Somebody's browser at notebooks that wait, and accounts of which each is about to wait."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Coroutine, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final, TypeVar

import tomlkit
from playwright.sync_api import expect

from bcrunbook.accounts import FILE_NAME, Workspace, load
from bcrunbook.core.runner import run_in_context
from bcrunbook.core.step import Mode
from bcrunbook.order import (
    API_PERMISSIONS,
    CLIENT_SECRET,
    CODAT_KEYS,
    ORDER,
    REGISTER_APPLICATION,
)
from bcrunbook.rehearsal import RehearsalDescription
from bcrunbook.rehearsal.people import CustomerPerson
from bcrunbook.steps import step_named
from bcrunbook.steps.client_secret.stored import stored_secret
from bcrunbook.steps.opening import open_context
from tests.lab.page import PATIENCE_MS, Lab, Server
from tests.steps.test_start_here import device_code
from tests.support.linking import lab_customer, link_of, set_up

if TYPE_CHECKING:
    from playwright.sync_api import Browser

T = TypeVar("T")

SPEED: Final = 20.0
"""An installation takes the better part of a minute: long enough to be left and found again."""
TRIAL: Final = "trial"
BEGUN: Final = {
    "asked": REGISTER_APPLICATION,
    "secret": CLIENT_SECRET,
    "lost": API_PERMISSIONS,
    "keys": CODAT_KEYS,
}
"""Further accounts, and the step up to which each is set up."""
BY_CODE: Final = "by-code"
CUSTOMER: Final = lab_customer("patient", "Normal")

EXAMINE, APPLY, OUTCOME = "await step.examine()", "await step.apply()", "await step.outcome()"
PARAMETERS: Final = 'account = {account!r}\ncustomer = {customer!r}\nmode = "auto"'
OPEN: Final = """
from bcrunbook.notebook import open_step

step = await open_step("{step}", account=account, mode=mode{more})
step
"""
AT_ONCE: Final = 3.0
"""Seconds in which the stop button stops."""


def alone(work: Coroutine[Any, Any, T]) -> T:
    """Run something in a thread: Playwright keeps an event loop of its own going in this one."""
    with ThreadPoolExecutor(1) as threads:
        return threads.submit(asyncio.run, work).result()


async def pair_of(workspace: Workspace, account: str) -> tuple[str, str]:
    """Client id and secret, as an engineer copies them."""
    async with open_context(workspace, workspace.account(account)) as context:
        kept = await stored_secret(context)
        return kept.client_id, kept.value.reveal()


def link_customer(
    workspace: Workspace, cloud: RehearsalDescription, account: str, name: str
) -> str:
    """A customer opens their link, and goes through it; returns what the window says at its end."""
    customer = workspace.customer(account, name)
    address = alone(link_of(workspace, account, name))
    person = CustomerPerson(cloud, customer.contact)
    return person.link(address, environment=customer.environment or "", company=customer.company)


async def do_steps(workspace: Workspace, account: str, before: str) -> None:
    """Do the steps before one, as a headless run does."""
    for step in ORDER[ORDER.index(REGISTER_APPLICATION) : ORDER.index(before)]:
        async with open_context(workspace, workspace.account(account)) as context:
            outcome = await run_in_context(step_named(step), context, Mode.APPLY)
            assert outcome.state in ("done", "changed"), outcome.summary


def lay_out_accounts(cloud: RehearsalDescription) -> Workspace:
    """A workspace with an account that is set up, with a customer, and accounts about to wait."""
    made = alone(set_up(Path(cloud.directory).parent, cloud, [CUSTOMER]))
    file = made.root / FILE_NAME
    wanted = tomlkit.parse(file.read_text("utf-8"))
    trial = wanted["accounts"][TRIAL].unwrap()
    for key in ("codat_api_key", "codat_instance", "customers"):
        del trial[key]
    for name in (*BEGUN, BY_CODE):
        wanted["accounts"][name] = trial | {"application": f"Books {name}"}
    wanted["accounts"][BY_CODE]["sign_in"] = device_code(cloud)
    file.write_text(tomlkit.dumps(wanted), "utf-8")
    whole = load(made.root)
    for name, step in BEGUN.items():
        alone(do_steps(whole, name, step))
    return whole


class Seat:
    """Somebody's browser at one notebook, which may be closed and opened again.

    Args:
        browser: what shows it.
        server: the JupyterLab.
        shots: where pictures go.
    """

    def __init__(self, browser: Browser, server: Server, shots: Any) -> None:
        self._browser = browser
        self._server = server
        self._shots = shots
        self._name = ""
        self.lab = self._new_lab()

    def _new_lab(self) -> Lab:
        context = self._browser.new_context(viewport={"width": 1280, "height": 1400})
        context.set_default_timeout(PATIENCE_MS / 2)
        return Lab(context.new_page(), self._server, self._shots)

    def begin(self, step: str, account: str, customer: str = "") -> Lab:
        """Open a notebook with the cells of a step, and press "Run All"."""
        self._name = f"waits_{step}_{account}.ipynb"
        opening = OPEN.format(step=step, more=", customer=customer" if customer else "")
        cells = (opening, EXAMINE, "step.plan()", APPLY, "step.check()", OUTCOME)
        parameters = PARAMETERS.format(account=account, customer=customer)
        self._server.write(self._name, *cells, parameters=parameters)
        self.lab.open(self._name, fresh=False)
        self.lab.start_all()
        return self.lab

    def wait_until_kept(self) -> None:
        """Until what is shown is in the file, which takes no more than a moment."""
        expect(self.lab.page.locator(".jp-mod-dirty")).to_have_count(0, timeout=PATIENCE_MS)

    def reload(self) -> Lab:
        """Load the page again."""
        self.wait_until_kept()
        self.lab.page.reload()
        return self.lab

    def come_back(self) -> Lab:
        """Close the browser, and open it again."""
        self.wait_until_kept()
        self.lab.page.context.close()
        self.lab = self._new_lab()
        self.lab.name = self._name
        self.lab.page.goto(self.lab.address(self._name))
        return self.lab

    @contextmanager
    def second_tab(self) -> Iterator[Lab]:
        """The same notebook in a second tab."""
        self.wait_until_kept()
        with self.lab.page.context.new_page() as page:
            second = Lab(page, self._server, self._shots)
            second.name = self._name
            page.goto(second.address(self._name))
            yield second

    def stop(self) -> None:
        """Press the stop button: within moments the cell says that it was stopped."""
        stop = self.lab.page.get_by_role("button", name="Interrupt the kernel")
        began = time.monotonic()
        stop.first.click()
        self.lab.page.get_by_text("Stopped.").first.wait_for()
        assert time.monotonic() - began < AT_ONCE

    def leave(self) -> None:
        """Close the browser, and end the notebooks' kernels."""
        self.lab.page.context.close()
        for session in self._server.ask("GET", "/api/sessions"):
            self._server.ask("DELETE", f"/api/sessions/{session['id']}")
