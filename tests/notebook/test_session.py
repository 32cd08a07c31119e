"""A person at the notebook: a real kernel that may ask, and somebody who clicks."""

from __future__ import annotations

import queue
import time
from collections.abc import Iterator
from typing import Any

import pytest
from jupyter_client.blocking.client import BlockingKernelClient
from jupyter_client.manager import KernelManager

from bcrunbook.notebook.views import OUTCOME_MIME
from bcrunbook.rehearsal import RehearsalDescription
from tests.conftest import MakeWorkspace, only_account
from tests.strangers import Meet

OPEN = """
from bcrunbook.notebook import open_step
step = await open_step("register_application", account={account!r}, mode="auto", workspace={root!r})
step
"""


class Seat:
    """Somebody in front of a kernel, as JupyterLab would be."""

    def __init__(self, client: BlockingKernelClient) -> None:
        self._client = client
        self.buttons: dict[str, str] = {}

    def run(self, source: str, *, click: str = "") -> list[dict[str, Any]]:
        """Run a cell, clicking the button whose label begins with `click` once it shows.

        Returns:
            The data of everything that was displayed, in order.
        """
        message = self._client.execute(source, allow_stdin=True)
        shown: list[dict[str, Any]] = []
        give_up = time.monotonic() + 60
        while time.monotonic() < give_up:
            try:
                told = self._client.get_iopub_msg(timeout=1)
            except queue.Empty:
                continue
            kind, content = told["msg_type"], told["content"]
            if kind == "comm_open":
                state = content["data"].get("state", {})
                if state.get("_model_name") == "ButtonModel":
                    self.buttons[state["description"]] = content["comm_id"]
            if kind in ("display_data", "execute_result"):
                shown.append(content["data"])
                if click and "application/vnd.jupyter.widget-view+json" in content["data"]:
                    self._click(click)
            if kind == "error":
                raise AssertionError("\n".join(content["traceback"]))
            parent = told["parent_header"].get("msg_id")
            if kind == "status" and content["execution_state"] == "idle" and parent == message:
                return shown
        raise TimeoutError(source)

    def _click(self, label: str) -> None:
        (comm,) = [one for name, one in self.buttons.items() if name.startswith(label)]
        content = {"comm_id": comm, "data": {"method": "custom", "content": {"event": "click"}}}
        message = self._client.session.msg("comm_msg", content)
        self._client.shell_channel.send(message)


@pytest.fixture
def seat() -> Iterator[Seat]:
    """A kernel of this environment, with somebody there who can answer."""
    manager = KernelManager(kernel_name="python3", transport_encryption="auto")
    manager.start_kernel()
    client = manager.blocking_client()
    client.start_channels()
    try:
        client.wait_for_ready(timeout=60)
        yield Seat(client)
    finally:
        client.stop_channels()
        manager.shutdown_kernel(now=True)


@pytest.mark.parametrize(
    ("click", "state", "there"), [("Apply", "changed", 1), ("Not now", "needs_person", 0)]
)
def test_nothing_is_written_before_the_click(
    make_workspace: MakeWorkspace,
    cloud: RehearsalDescription,
    meet: Meet,
    seat: Seat,
    click: str,
    state: str,
    there: int,
) -> None:
    """In `auto`, with a person there, the plan waits for a click and does what it says."""
    workspace = make_workspace()
    account = only_account(workspace)
    (bar,) = seat.run(OPEN.format(account=account, root=str(workspace.root)))
    assert "Mode: ask" in bar["text/plain"]
    seat.run("await step.examine()")
    (plan,) = seat.run("step.plan()")
    assert "create the application" in plan["text/plain"]
    assert meet().applications(account) == []
    seat.run("await step.apply()", click=click)
    outcome = seat.run("await step.outcome()")[-1][OUTCOME_MIME]
    assert outcome["state"] == state
    assert len(meet().applications(account)) == there


def test_a_mistake_is_told_in_the_cell_and_ends_in_the_outcome(
    make_workspace: MakeWorkspace, seat: Seat
) -> None:
    """A wrong account name: a clear message, the cells after it stay quiet, the outcome failed."""
    workspace = make_workspace(name="trial")
    (told,) = seat.run(OPEN.format(account="trail", root=str(workspace.root)))
    assert "trial" in told["text/plain"]
    (quiet,) = seat.run("await step.examine()")
    assert quiet["text/plain"].startswith("Not run")
    with pytest.raises(AssertionError) as failed:
        seat.run("await step.outcome()")
    assert "Traceback" not in str(failed.value)
