"""The stop button stops at once whatever waits, and nothing is lost by it."""

from __future__ import annotations

import asyncio
import email
import email.policy
import time
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from urllib.parse import urlsplit

import pytest

from bcrunbook.order import ENABLE_INTEGRATION, LINK_CUSTOMER, REGISTER_APPLICATION, START_HERE
from bcrunbook.rehearsal import RehearsalDescription, launch
from bcrunbook.rehearsal.people import CustomerPerson
from tests.conftest import MakeWorkspace, only_account
from tests.notebook.interactive_session import InteractiveSession
from tests.steps.test_start_here import device_code
from tests.support.clock import held
from tests.support.independent_client import MakeClient
from tests.support.linking import lab_customer, link_of, set_up

OPEN = """
from bcrunbook.notebook import open_step
step = await open_step({step!r}, account={account!r}, mode="auto", workspace={root!r}{more})
step
await step.examine()
await step.apply()
"""
AT_ONCE = 3.0
"""Seconds: far below what any of these waits would last."""


def begin(
    session: InteractiveSession, workspace: object, step: str, account: str, more: str = ""
) -> None:
    """Open a step, and apply."""
    root = str(workspace.root)  # type: ignore[attr-defined]
    session.run(OPEN.format(step=step, account=account, root=root, more=more))


def stop(session: InteractiveSession, seen: Callable[[], bool]) -> None:
    """Press the stop button once, and see what it comes to."""
    began = time.monotonic()
    session.interrupt()
    session.until(seen)
    assert time.monotonic() - began < AT_ONCE


def is_stopped(session: InteractiveSession) -> bool:
    """Whether some cell says so."""
    return any("Stopped" in session.read(one) for one in session.displays.values())


def test_a_question_that_is_stopped_can_be_asked_again(
    make_workspace: MakeWorkspace, make_client: MakeClient, session: InteractiveSession
) -> None:
    """Its button is gone, nothing is written; the cell asks again."""
    workspace = make_workspace()
    account = only_account(workspace)
    begin(session, workspace, REGISTER_APPLICATION, account)
    session.until(lambda: session.is_open("Apply"))
    stop(session, lambda: is_stopped(session))
    assert not session.shown_buttons("Apply")
    assert session.outcome()["state"] == "needs_person"
    assert make_client().applications(account) == []
    session.run("await step.apply()", click="Apply")
    assert session.outcome()["state"] == "changed"


def test_a_wait_for_a_person_that_is_stopped(
    make_workspace: MakeWorkspace, session: InteractiveSession
) -> None:
    """The outcome still says what is to be done, and by whom."""
    workspace = make_workspace()
    begin(session, workspace, ENABLE_INTEGRATION, only_account(workspace))
    session.until(lambda: session.is_open("Look now"))
    stop(session, lambda: is_stopped(session))
    outcome = session.outcome()
    assert (outcome["state"], outcome["changes"][0]["key"]) == ("needs_person", "enable")


def test_a_sign_in_that_is_stopped_in_its_cell(
    make_workspace: MakeWorkspace, cloud: RehearsalDescription, session: InteractiveSession
) -> None:
    """Nobody types the code: the cell ends in a sentence, not in a traceback."""
    workspace = make_workspace(sign_in=device_code(cloud))
    root, account = str(workspace.root), only_account(workspace)
    session.run(
        "from bcrunbook.notebook import open_step\n"
        f"step = await open_step({START_HERE!r}, account={account!r}, mode='auto',"
        f" workspace={root!r})"
    )
    (shown,) = session.run("await step.examine()")
    assert "enter the code" in shown["text/plain"]
    stop(session, lambda: is_stopped(session))
    assert not any("enter the code" in session.read(one) for one in session.displays.values())


@pytest.fixture
def own_cloud(tmp_path: Path) -> Iterator[RehearsalDescription]:
    """A fresh cloud, in which nobody has linked."""
    with launch(tmp_path / "cloud", skips=True, lags="worst") as cloud:
        yield cloud


def test_an_installation_that_is_followed_is_stopped_and_taken_up_again(
    tmp_path: Path, own_cloud: RehearsalDescription, session: InteractiveSession
) -> None:
    """The watch ends at once, leaves its lease, and the next goes on where it was.

    Before that, the mail to the customer is written where the command writes it, and given to the
    page; the link is not in it.
    """
    customer = lab_customer("patient", "Normal")
    with ThreadPoolExecutor(1) as threads:
        workspace = threads.submit(
            lambda: asyncio.run(set_up(tmp_path, own_cloud, [customer]))
        ).result()
        begin(session, workspace, LINK_CUSTOMER, "trial", f', customer="{customer.name}"')
        session.until(lambda: session.is_open("Apply"))
        session.click("Apply")
        session.until(lambda: session.is_open("Look now"))
        session.click("Write the mail")
        session.until(lambda: any("given to your browser" in one for one in session.labels()))
        address = threads.submit(
            lambda: asyncio.run(link_of(workspace, "trial", customer.name))
        ).result()
    draft = workspace.root / "notices" / "trial" / f"{customer.name}.eml"
    assert session.files() == {draft.name: draft.read_bytes()}
    message = email.message_from_bytes(draft.read_bytes(), policy=email.policy.default)
    assert message["To"] == customer.contact and urlsplit(address).netloc not in str(message)
    person = CustomerPerson(own_cloud, customer.contact)
    # An installation takes minutes, of which nothing is skipped here.
    with held(own_cloud):
        person.link(address, environment=customer.environment, company=customer.company)
        session.click("Look now")
        session.until(lambda: "so far" in "".join(session.texts()))
        stop(session, lambda: is_stopped(session))
        assert session.outcome()["state"] == "waiting"
        session.run("await step.apply()")
        session.until(lambda: not is_stopped(session))
        session.until(
            lambda: any("so far" in session.read(one) for one in session.displays.values())
        )
        stop(session, lambda: is_stopped(session))
