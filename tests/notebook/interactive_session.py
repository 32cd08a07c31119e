"""Somebody in front of a real kernel that may ask: sees what is displayed, clicks and types."""

from __future__ import annotations

import html
import queue
import time
from collections.abc import Callable, Iterator
from typing import Any

import pytest
from jupyter_client.blocking.client import BlockingKernelClient
from jupyter_client.manager import KernelManager

from bcrunbook.views.cells import OUTCOME_MIME


class InteractiveSession:
    """Somebody in front of a kernel, as JupyterLab would be.

    Attributes:
        updates: the texts of displays that were updated, in order.
        state: of every widget what it shows, by its id.
        traffic: everything that the kernel has said.
    """

    def __init__(self, manager: KernelManager, client: BlockingKernelClient) -> None:
        self._manager = manager
        self._client = client
        self.updates: list[str] = []
        """The texts of displays that were updated, in order."""
        self.state: dict[str, dict[str, Any]] = {}
        """Of every widget what it shows, by its id."""
        self.traffic: list[dict[str, Any]] = []
        """Everything that the kernel has said."""
        self.displays: dict[str, dict[str, Any]] = {}
        """What is displayed, as it is now, by the id of the display."""
        self._displayed: list[str] = []
        self._texts: list[str] = []

    def run(
        self,
        source: str,
        *,
        click: str = "",
        act: Callable[[], None] | None = None,
        read: Callable[[str], None] | None = None,
    ) -> list[dict[str, Any]]:
        """Run a cell.

        Args:
            source: the cell.
            click: the beginning of the label of a button to click once the cell has run.
            act: what to do once the cell has run, instead.
            read: called with the plain text of everything that is displayed or renewed.

        Returns:
            The data of everything that the cell displays, in order, as they are at its end.

        Raises:
            AssertionError: the cell ended in an error.
        """
        shown = self._run(source, read)
        if click:
            self.until(lambda: self.is_open(click))
            self.click(click)
        elif act is not None:
            act()
        return shown

    def outcome(self) -> dict[str, Any]:
        """Run the last cell, and wait until it shows the outcome."""
        self.run("await step.outcome()")
        place = self._displayed[-1]
        self.until(lambda: OUTCOME_MIME in self.displays[place])
        return dict(self.displays[place][OUTCOME_MIME])

    def is_open(self, label: str) -> bool:
        """Whether the button whose label begins like this is shown, and can be pressed."""
        found = self._all("ButtonModel", label)
        return bool(found) and not self.state[found[-1]].get("disabled")

    def _run(self, source: str, read: Callable[[str], None] | None) -> list[dict[str, Any]]:
        message = self._client.execute(source, allow_stdin=True)
        shown: list[str] = []
        give_up = time.monotonic() + 90
        while time.monotonic() < give_up:
            heard = self.hear(1)
            if heard is None:
                continue
            kind, content = heard["msg_type"], heard["content"]
            if kind in ("display_data", "execute_result"):
                shown.append(self._displayed[-1])
            if kind in ("display_data", "execute_result", "update_display_data") and read:
                read(str(content["data"]["text/plain"]))
            if kind == "error":
                raise AssertionError("\n".join(content["traceback"]))
            parent = heard["parent_header"].get("msg_id")
            if kind == "status" and content["execution_state"] == "idle" and parent == message:
                return [self.displays[one] for one in shown]
        raise TimeoutError(source)

    def hear(self, seconds: float) -> dict[str, Any] | None:
        """The next thing that the kernel says, noted; None when it says nothing for so long."""
        try:
            heard: dict[str, Any] = self._client.get_iopub_msg(timeout=seconds)
        except queue.Empty:
            return None
        self.traffic.append(heard)
        kind, content = heard["msg_type"], heard["content"]
        if kind == "comm_open":
            self.state[content["comm_id"]] = dict(content["data"].get("state", {}))
            self._note(content["comm_id"])
        if kind == "comm_msg" and content["data"].get("method") in ("update", "echo_update"):
            self.state[content["comm_id"]] |= content["data"]["state"]
            self._note(content["comm_id"])
        if kind in ("display_data", "execute_result", "update_display_data"):
            place = content.get("transient", {}).get("display_id") or heard["header"]["msg_id"]
            self.displays[place] = content["data"]
            if kind == "update_display_data":
                self.updates.append(content["data"]["text/plain"])
            else:
                self._displayed.append(place)
        return heard

    def click(self, label: str) -> None:
        """Click the button whose label begins like this."""
        self._send(self._find("ButtonModel", label), "custom", content={"event": "click"})

    def type(self, label: str, text: str) -> None:
        """Type into a field, as by its label, and stay in it."""
        self._send(self._find("AnyModel", label), "custom", content={"value": text})

    def fill(self, label: str, text: str) -> None:
        """Type into a field, as by its label, and leave it."""
        self.type(label, text)
        self._send(self._find("AnyModel", label), "custom", content={"value": text, "left": True})

    def choose(self, label: str, option: str) -> None:
        """Choose from a list, as by its label, the option that begins like this."""
        comm = self._find("AnyModel", label)
        (value,) = [one for text, one in self.state[comm]["options"] if text.startswith(option)]
        self._send(comm, "custom", content={"value": value})

    def hand_in(self, label: str, secret: str) -> None:
        """Hand a secret in, as the field with this label does."""
        self._send(self._find("AnyModel", label), "custom", content={"value": secret})

    def messages(self) -> list[str]:
        """What the fields for secrets say."""
        return [str(one["status"]) for one in self.state.values() if one.get("status")]

    def buttons(self, label: str) -> int:
        """How many buttons there have been whose label begins like this."""
        return len(self._all("ButtonModel", label))

    def is_disabled(self, label: str) -> bool:
        """Whether the button whose label begins like this cannot be pressed."""
        return bool(self.state[self._find("ButtonModel", label)]["disabled"])

    def until(self, seen: Callable[[], bool]) -> None:
        """Listen to the kernel until something has been seen."""
        deadline = time.monotonic() + 60
        while not seen():
            assert time.monotonic() < deadline
            self.hear(0.2)

    def labels(self) -> list[str]:
        """What the labels say."""
        return [
            one.get("value", "")
            for one in self.state.values()
            if one.get("_model_name") == "LabelModel"
        ]

    def interrupt(self) -> None:
        """Press the stop button."""
        self._manager.interrupt_kernel()

    def shut_down(self) -> None:
        """Shut the kernel down, as JupyterLab does."""
        self._manager.shutdown_kernel()

    def texts(self) -> list[str]:
        """What widgets that only show something have shown so far, in order."""
        return self._texts

    def _note(self, comm: str) -> None:
        one = self.state[comm]
        if one.get("_model_name") == "HTMLModel":
            self._texts.append(html.unescape(str(one.get("value", ""))))
        if one.get("note"):
            self._texts.append(str(one["note"]))

    def _find(self, model: str, label: str) -> str:
        return self._all(model, label)[-1]

    def _all(self, model: str, label: str) -> list[str]:
        return [
            comm
            for comm, one in self.state.items()
            if one.get("_model_name") == model
            and str(one.get("description") or one.get("label") or "").startswith(label)
        ]

    def _send(self, comm: str, method: str, **data: Any) -> None:
        content = {"comm_id": comm, "data": {"method": method, **data}}
        message = self._client.session.msg("comm_msg", content)
        self._client.shell_channel.send(message)


@pytest.fixture
def session() -> Iterator[InteractiveSession]:
    """A kernel of this environment, with somebody there who can answer."""
    manager = KernelManager(kernel_name="python3", transport_encryption="auto")
    manager.start_kernel()
    client = manager.blocking_client()
    client.start_channels()
    try:
        client.wait_for_ready(timeout=60)
        yield InteractiveSession(manager, client)
    finally:
        client.stop_channels()
        manager.shutdown_kernel(now=True)
