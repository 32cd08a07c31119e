"""Somebody in front of a real kernel that may ask: sees what is displayed, clicks and types."""

from __future__ import annotations

import queue
import time
from collections.abc import Callable, Iterator
from typing import Any

import pytest
from jupyter_client.blocking.client import BlockingKernelClient
from jupyter_client.manager import KernelManager

WIDGET = "application/vnd.jupyter.widget-view+json"


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
            click: the beginning of the label of a button to click once it shows.
            act: what to do once a widget shows, instead.
            read: called with the plain text of everything that is displayed.

        Returns:
            The data of everything that was displayed, in order.

        Raises:
            AssertionError: the cell ended in an error.
        """
        message = self._client.execute(source, allow_stdin=True)
        shown: list[dict[str, Any]] = []
        give_up = time.monotonic() + 90
        while time.monotonic() < give_up:
            heard = self.hear(1)
            if heard is None:
                continue
            kind, content = heard["msg_type"], heard["content"]
            if kind in ("display_data", "execute_result"):
                shown.append(content["data"])
                if read is not None:
                    read(str(content["data"]["text/plain"]))
                if self._is_to_be_used(content["data"]):
                    if click:
                        self.click(click)
                    elif act is not None:
                        act()
                        act = None
            if kind == "error":
                raise AssertionError("\n".join(content["traceback"]))
            parent = heard["parent_header"].get("msg_id")
            if kind == "status" and content["execution_state"] == "idle" and parent == message:
                return shown
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
        if kind == "update_display_data":
            self.updates.append(content["data"]["text/plain"])
        return heard

    def click(self, label: str) -> None:
        """Click the button whose label begins like this."""
        self._send(self._find("ButtonModel", label), "custom", content={"event": "click"})

    def type(self, label: str, text: str) -> None:
        """Type into a field, as by its label."""
        self._send(self._find("AnyModel", label), "custom", content={"value": text})

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
            self._texts.append(str(one.get("value", "")))
        if one.get("note"):
            self._texts.append(str(one["note"]))

    def _is_to_be_used(self, data: dict[str, Any]) -> bool:
        """Whether what is displayed is a widget that does more than show something."""
        if WIDGET not in data:
            return False
        return str(self.state[data[WIDGET]["model_id"]]["_model_name"]) != "HTMLModel"

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
