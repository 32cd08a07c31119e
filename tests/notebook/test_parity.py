"""papermill's own command, ours, and a kernel that runs the cells: the same outcome."""

from __future__ import annotations

import asyncio
import json
import os
import re
import secrets as random
import subprocess
import sys
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack
from functools import partial
from pathlib import Path
from typing import Any, NamedTuple

import nbformat
import papermill
import pytest
from nbclient import NotebookClient

from bcrunbook.accounts import Workspace
from bcrunbook.notebook_files.shipped import shipped
from bcrunbook.order import REGISTER_APPLICATION
from bcrunbook.rehearsal import RehearsalDescription, launch
from bcrunbook.rehearsal.people import CustomerPerson
from bcrunbook.run.papermill import read_outcome
from bcrunbook.steps import notebook_of, step_named
from bcrunbook.views.cells import OUTCOME_MIME
from tests.conftest import MakeWorkspace, lay_out, only_account, requests_of
from tests.notebook.interactive_session import InteractiveSession
from tests.run.conftest import bcrunbook
from tests.support.linking import lab_customer, link_of, set_up
from tests.support.portal import at_portal

STEP = REGISTER_APPLICATION
NOTEBOOK = notebook_of(step_named(STEP))

# What may differ between two runs: ids, times, and the name of the account itself.
VARYING = ("started", "ended", "since", "run_id", "account", "findings", "changes")


def values_of(root: Path, account: str, mode: str, customer: str) -> dict[str, str]:
    """A notebook's parameters; only those of the steps about customers name one."""
    values = {"account": account, "mode": mode, "workspace": str(root)}
    return values | ({"customer": customer} if customer else {})


def by_papermill(
    root: Path,
    account: str,
    step: str = STEP,
    *,
    customer: str = "",
    act: Callable[[], None] | None = None,
) -> dict[str, Any]:
    """Through papermill's own command line, without ours; somebody may act before."""
    if act is not None:
        act()
    target = root / "out.ipynb"
    notebook = shipped() / notebook_of(step_named(step))
    program = [sys.executable, "-m", "papermill", str(notebook), str(target)]
    values = values_of(root, account, "apply", customer)
    words = [word for name, value in values.items() for word in ("-r", name, value)]
    done = subprocess.run(
        [*program, *words], capture_output=True, text=True, timeout=120, check=False
    )
    assert done.returncode == 0, done.stderr
    return plain(target)


def by_us(root: Path, account: str) -> dict[str, Any]:
    """Through our own command."""
    done = bcrunbook("run", account, STEP, "--mode", "apply", "-w", str(root))
    assert done.returncode == 0, done.stderr
    (notebook,) = (root / "runs").rglob(NOTEBOOK)
    return plain(notebook)


def by_kernel(root: Path, account: str) -> dict[str, Any]:
    """By running the cells in a kernel, with the parameters typed into their cell."""
    notebook = nbformat.read(shipped() / NOTEBOOK, 4)
    for cell in notebook.cells:
        if "parameters" in cell.metadata.get("tags", []):
            cell.source = f"account = {account!r}\nmode = 'apply'\nworkspace = {str(root)!r}"
    NotebookClient(notebook, kernel_name="python3").execute(env=dict(os.environ))
    outcome = notebook.cells[-1].outputs[0].data[OUTCOME_MIME]
    return dict(outcome)


def plain(notebook: Path) -> dict[str, Any]:
    """The outcome of a notebook as JSON has it."""
    outcome = read_outcome(notebook)
    assert outcome is not None
    return dict(json.loads(json.dumps(outcome.as_dict())))


def comparable(outcome: dict[str, Any]) -> dict[str, Any]:
    """The outcome without what may differ."""
    same = {key: value for key, value in outcome.items() if key not in VARYING}
    same["changes"] = [(one["key"], one["title"], one["by"]) for one in outcome["changes"]]
    same["findings"] = [(one["name"], one["verdict"], one["source"]) for one in outcome["findings"]]
    return same


def workspace_of_its_own(folder: Path, cloud: RehearsalDescription) -> Workspace:
    """A workspace whose ledger knows of no other account that has registered the application."""
    name = f"t{random.token_hex(4)}"
    (folder / name).mkdir()
    return lay_out(folder / name, cloud, {name: {"application": "Parity"}})


def test_three_ways_lead_to_the_same_outcome_and_the_same_calls(
    tmp_path: Path, cloud: RehearsalDescription
) -> None:
    """Outcome, findings, changes and the requests made are the same, whoever runs the notebook."""
    outcomes, calls = [], []
    for run in (by_papermill, by_us, by_kernel):
        workspace = workspace_of_its_own(tmp_path, cloud)
        before = len(requests_of(cloud))
        account = only_account(workspace)
        outcomes.append(comparable(run(workspace.root, account)))
        made = requests_of(cloud)[before:]
        calls.append(
            # How often a new thing is asked for until it has spread may vary by one.
            list(dict.fromkeys((c["method"], c["path"].replace(account, "NAME")) for c in made))
        )
    assert outcomes[0] == outcomes[1] == outcomes[2]
    assert calls[0] == calls[1] == calls[2]
    assert outcomes[0]["state"] == "changed"


CLICKS = {
    "start_here": "",
    "register_application": "Apply",
    "client_secret": "Apply",
    "api_permissions": "Apply",
    "codat_keys": "Not now",
    "enable_integration": "Stop waiting",
}
"""What somebody clicks at each step; where only they could act, they do not."""


def by_clicks(
    session: InteractiveSession,
    root: Path,
    account: str,
    step: str,
    *,
    customer: str = "",
    act: Callable[[], None] | None = None,
) -> dict[str, Any]:
    """By somebody who runs the notebook's own cells, and clicks; or acts once a widget waits."""
    notebook = nbformat.read(shipped() / notebook_of(step_named(step)), 4)
    shown: list[dict[str, Any]] = []
    for cell in notebook.cells:
        if "parameters" in cell.metadata.get("tags", []):
            values = values_of(root, account, "auto", customer)
            cell.source = "\n".join(f"{name} = {value!r}" for name, value in values.items())
        if cell.cell_type == "code":
            waits = "step.apply()" in cell.source
            click = CLICKS.get(step, "") if waits else ""
            shown += session.run(cell.source, click=click, act=act if waits else None)
    return session.outcome()


def through_papermill(root: Path, account: str, step: str) -> dict[str, Any]:
    """Headless, without anybody."""
    target = root / f"{step}.ipynb"
    papermill.execute_notebook(
        str(shipped() / notebook_of(step_named(step))),
        str(target),
        parameters={"account": account, "mode": "apply", "workspace": str(root)},
        progress_bar=False,
    )
    return plain(target)


SYNC = "Sync of the company"
"""Only chance tells whether it is complete by then: as long as App Link is missing it fails, and it
is asked for again every two minutes only, while two looks 30 seconds apart confirm App Link."""


def seen(outcome: dict[str, Any]) -> dict[str, Any]:
    """State, findings and changes: what is said about a click is another thing to say."""
    same = {key: comparable(outcome)[key] for key in ("step", "state", "findings", "changes")}
    same["findings"] = [
        (name, "any" if name == SYNC else verdict, source)
        for name, verdict, source in same["findings"]
    ]
    return same


HOSTS = (
    "graph.microsoft.com",
    "api.codat.io",
    "api.businesscentral.dynamics.com",
    "management.azure.com",
)
"""Whom a run asks; what it takes MSAL to sign in depends on what has spread."""
Call = tuple[str, str, str]


class Traced(NamedTuple):
    """A run: its outcome, its writes in order without repeats, and everything that it asked.

    How often something is asked for, until it has spread or is installed, may vary.
    """

    outcome: dict[str, Any]
    writes: list[Call]
    calls: set[Call]


def traced(on: RehearsalDescription, account: str, run: Callable[[], dict[str, Any]]) -> Traced:
    """Run something, and see what it asks of the cloud."""
    before = {host: len(requests_of(on, host)) for host in HOSTS}
    outcome = seen(run())
    calls = [
        (host, one["method"], re.sub(r"[0-9a-f-]{36}", "ID", one["path"]).replace(account, "NAME"))
        for host in HOSTS
        for one in requests_of(on, host)[before[host] :]
    ]
    writes = [one for one in calls if one[1] != "GET" and "$batch" not in one[2]]
    return Traced(outcome, list(dict.fromkeys(writes)), set(calls))


def assert_same(clicked: list[Traced], headless: list[Traced]) -> None:
    """Run by run: the same outcome, the same writes, and the same things read."""
    for one, other in zip(clicked, headless, strict=True):
        assert one.outcome == other.outcome
        assert one.writes == other.writes, one.outcome["step"]
        assert one.calls == other.calls, one.outcome["step"]


def test_clicks_and_papermill_lead_to_the_same(
    tmp_path: Path, cloud: RehearsalDescription, session: InteractiveSession
) -> None:
    """At every step of an account: the same outcome, the same writes, and the same things read."""
    clicked: list[Traced] = []
    headless: list[Traced] = []
    for found, way in (
        (clicked, partial(by_clicks, session)),
        (headless, through_papermill),
    ):
        workspace = workspace_of_its_own(tmp_path, cloud)
        name = only_account(workspace)
        found += [traced(cloud, name, partial(way, workspace.root, name, step)) for step in CLICKS]
    assert_same(clicked, headless)


ACCOUNT = "trial"
CUSTOMER = lab_customer("patient", "FetchErrors")
"""Codat links long before App Link is there, so that its failing sync is asked for again: whoever
follows asks all that can be asked."""


SWITCHES: Call = ("graph.microsoft.com", "POST", "/v1.0/$batch")
"""The application's switches are looked at before somebody is sent a link."""


def linked(
    on: RehearsalDescription,
    workspace: Workspace,
    way: Callable[..., dict[str, Any]],
    act: Callable[[], None] | None = None,
) -> list[Traced]:
    """A customer's runs: before they link, when they do, and the check afterwards.

    Args:
        on: the rehearsal cloud.
        workspace: its account is set up.
        way: runs a step's notebook.
        act: what somebody does in the first run.
    """

    def run(step: str, **how: Any) -> Traced:
        return traced(on, ACCOUNT, partial(way, workspace.root, ACCOUNT, step, **how))

    of_customer = partial(run, "link_customer", customer=CUSTOMER.name)
    first = of_customer(act=act)
    person = CustomerPerson(on, CUSTOMER.contact)
    # Up to the last click, which is made while a notebook waits: for ten minutes at most.
    page = person.choose(asyncio.run(link_of(workspace, ACCOUNT, CUSTOMER.name)))

    def connect() -> None:
        person.connect(page, environment=CUSTOMER.environment, company=CUSTOMER.company)

    second = of_customer(act=connect)
    # So that the check has something to find.
    at_portal(on).toggle(False)
    return [first, second, run("health_check")]


def test_clicks_and_papermill_link_a_customer_alike(
    tmp_path: Path, session: InteractiveSession
) -> None:
    """The same at the two steps about customers, in Business Central as well."""

    def apply_only() -> None:
        session.until(lambda: session.is_open("Apply"))
        session.click("Apply")
        session.until(lambda: session.is_open("Stop waiting"))
        session.click("Stop waiting")

    ways = (tmp_path / "clicked", tmp_path / "headless")
    customers = [CUSTOMER, lab_customer("later", "Normal")]
    with ExitStack() as stack:
        # Two clouds that are the same: each way has the same tenant, environment and names.
        one, other = (
            stack.enter_context(launch(way / "cloud", skips=True, lags="worst")) for way in ways
        )
        mine, theirs = (
            asyncio.run(set_up(way, on, customers))
            for way, on in zip(ways, (one, other), strict=True)
        )
        # At the same time, as each waits for App Link.
        threads = stack.enter_context(ThreadPoolExecutor(1))
        running = threads.submit(linked, other, theirs, by_papermill)
        clicked = linked(one, mine, partial(by_clicks, session), apply_only)
        first, second, check = clicked
        assert SWITCHES in first.calls & second.calls
        # Here the notebook is open from before the link on, so it looks at them once more.
        without = second._replace(calls=second.calls - {SWITCHES})
        assert_same([first, without, check], running.result())
    assert [run.outcome["state"] for run in clicked] == ["needs_person", "done", "needs_person"]


@pytest.mark.parametrize("step", ["client_secret"])
def test_a_failed_step_fails_papermill_too(
    make_workspace: MakeWorkspace, tmp_path: Path, step: str
) -> None:
    """Whoever only looks at papermill's exit code sees that a step failed; the outcome says why."""
    workspace = make_workspace()
    target = tmp_path / "out.ipynb"
    program = [sys.executable, "-m", "papermill", str(shipped() / f"02_{step}.ipynb"), str(target)]
    words = ["-r", "account", only_account(workspace), "-r", "workspace", str(workspace.root)]
    done = subprocess.run(
        [*program, *words], capture_output=True, text=True, timeout=120, check=False
    )
    assert done.returncode != 0
    outcome = read_outcome(target)
    assert outcome is not None
    assert outcome.state == "failed" and outcome.error is not None
    assert "register_application" in outcome.error["next"]
