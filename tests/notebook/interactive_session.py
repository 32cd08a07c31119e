"""Somebody in front of a real kernel that may ask: sees what is displayed, clicks and types."""

from __future__ import annotations

import html
import queue
import time
import uuid
from collections.abc import Callable, Iterator
from typing import Any

import pytest
from jupyter_client.blocking.client import BlockingKernelClient
from jupyter_client.manager import KernelManager

from bcrunbook.views.cells import OUTCOME_MIME

NAME = "Your name"
"""The field of a list of things to do."""


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
        self._first: dict[str, dict[str, Any]] = {}
        self._texts: list[str] = []
        self._typed: dict[str, str] = {}

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

    def at_first(self) -> dict[str, Any]:
        """The data of the last display as it was at first: some programs renew none."""
        return self._first[self._displayed[-1]]

    def outcome(self) -> dict[str, Any]:
        """Run the last cell, and wait until it shows the outcome."""
        self.run("await step.outcome()")
        place = self._displayed[-1]
        self.until(lambda: OUTCOME_MIME in self.displays[place])
        return dict(self.displays[place][OUTCOME_MIME])

    def last_words(self) -> str:
        """What was displayed last says now, as plain text."""
        return str(self.displays[self._displayed[-1]]["text/plain"])

    def is_open(self, label: str) -> bool:
        """Whether the button whose label begins like this is shown, and can be pressed."""
        found = self._all("ButtonModel", label)
        is_button = bool(found) and not self.state[found[-1]].get("disabled")
        return is_button or bool(self._listed(label))

    def open_buttons(self, within: set[str]) -> list[str]:
        """What the buttons say that can be pressed.

        Args:
            within: the widgets that are looked at.
        """
        alone = [
            str(one["description"])
            for comm, one in self.state.items()
            if comm in within and one.get("_model_name") == "ButtonModel" and not one["disabled"]
        ]
        return alone + [label for comm, _, label in self._listed("") if comm in within]

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
            # A page that came later knows it only from now on.
            self.state.setdefault(content["comm_id"], {}).update(content["data"]["state"])
            self._note(content["comm_id"])
        if kind in ("display_data", "execute_result", "update_display_data"):
            place = content.get("transient", {}).get("display_id") or heard["header"]["msg_id"]
            # A page changes what stands on it; what it never showed is not its own.
            if kind != "update_display_data" or place in self.displays:
                self.displays[place] = content["data"]
            if kind != "update_display_data":
                self._first[place] = content["data"]
            if kind == "update_display_data":
                self.updates.append(content["data"]["text/plain"])
            else:
                self._displayed.append(place)
        return heard

    def click(self, label: str) -> None:
        """Click the button whose label begins like this, alone or in a list of things to do."""
        if listed := self._listed(label):
            comm, key, _ = listed[-1]
            name = self._typed.get(comm, self.state[comm]["name"])
            self._send(comm, "custom", content={"press": key, "name": name})
            return
        self._send(self._find("ButtonModel", label), "custom", content={"event": "click"})

    def type(self, label: str, text: str) -> None:
        """Type into a field, as by its label, and stay in it."""
        if label == NAME and (listed := self._listed("")):
            self._typed[listed[-1][0]] = text
            return
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

    def files(self) -> dict[str, bytes]:
        """What the kernel has given to the page to keep, by name."""
        given = [
            one
            for one in self.traffic
            if "file" in one["content"].get("data", {}).get("content", {})
        ]
        return {
            one["content"]["data"]["content"]["file"]: bytes(one["buffers"][0]) for one in given
        }

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
        """What is said beside buttons, and below lists of things to do."""
        lists = [one for one in self.state.values() if "card" in one]
        beside = [said["text"] for one in lists for said in one["said"].values()]
        return [*beside, *(str(one["end"] or one["foot"]["text"]) for one in lists)]

    def interrupt(self) -> None:
        """Press the stop button."""
        self._manager.interrupt_kernel()

    def sync(self) -> None:
        """Wait until the kernel has had what was sent to it so far."""
        self._run("None", None)

    def another(self) -> InteractiveSession:
        """Somebody else in front of the same kernel: a second page."""
        client = self._manager.blocking_client()
        client.start_channels()
        client.wait_for_ready(timeout=60)
        return InteractiveSession(self._manager, client)

    def restart(self) -> None:
        """Restart the kernel: nothing that was shown means anything afterwards."""
        # As a page does: what is connected to the kernel before may never hear of the one after.
        self.leave()
        self._manager.restart_kernel(now=True)
        self._client = self._manager.blocking_client()
        self._client.start_channels()
        self.forget()
        self.ready()

    def shown_buttons(self, label: str) -> set[str]:
        """The buttons that are in a display now, whose label begins like this."""
        shown = {comm for data in self.displays.values() for comm in self.widgets_in(data)}
        return shown & set(self._all("ButtonModel", label))

    def leave(self) -> None:
        """Close the page; the kernel goes on."""
        self._client.stop_channels()

    def ready(self) -> None:
        """Wait until the kernel answers, and is heard: what it says at its start may be lost."""
        self._client.wait_for_ready(timeout=60)
        give_up = time.monotonic() + 60
        heard: dict[str, Any] | None = None
        while heard is None:
            assert time.monotonic() < give_up
            message = self._client.execute("None")
            for _ in range(20):
                one = self.hear(0.1)
                if one is not None and one["parent_header"].get("msg_id") == message:
                    heard = one
                    break

    def shut_down(self) -> None:
        """Shut the kernel down, as JupyterLab does."""
        self._manager.shutdown_kernel()

    def texts(self) -> list[str]:
        """What widgets that only show something have shown so far, in order."""
        return self._texts

    def reload(self) -> None:
        """Load the page again: forget everything, and ask the kernel for what its widgets show."""
        self.state.clear()
        control = uuid.uuid4().hex
        opening = {"comm_id": control, "target_name": "jupyter.widget.control", "data": {}}
        versions = {"version": "1.0.0"}
        opened = self._client.session.msg("comm_open", opening, metadata=versions)
        self._client.shell_channel.send(opened)
        self._send(control, "request_states")
        loaded = False
        deadline = time.monotonic() + 60
        while not loaded:
            assert time.monotonic() < deadline
            heard = self.hear(0.2)
            data = heard["content"].get("data", {}) if heard is not None else {}
            if data.get("method") == "update_states":
                self.state |= {key: dict(one["state"]) for key, one in data["states"].items()}
                loaded = True

    def read(self, data: dict[str, Any]) -> str:
        """What somebody reads in a display: in its widget, where it is one, with what is in it."""
        view = data.get("application/vnd.jupyter.widget-view+json")
        return self._read_widget(view["model_id"]) if view else str(data["text/plain"])

    def widgets_in(self, data: dict[str, Any]) -> set[str]:
        """The widgets of a display, those within others included."""
        view = data.get("application/vnd.jupyter.widget-view+json")
        return set(self._within(view["model_id"])) if view else set()

    def _within(self, comm: str) -> Iterator[str]:
        yield comm
        for child in self.state[comm].get("children") or ():
            yield from self._within(child.removeprefix("IPY_MODEL_"))

    def fields(self, label: str) -> set[str]:
        """The fields and lists whose label begins like this."""
        return set(self._all("AnyModel", label))

    def label(self, begins: str) -> str:
        """What the button says whose label begins like this."""
        return str(self.state[self._find("ButtonModel", begins)]["description"])

    def press(self, comm: str) -> None:
        """Click a button by its id, as a page does that does not know that it is gone."""
        self._send(comm, "custom", content={"event": "click"})

    def forget(self) -> None:
        """Begin anew: nothing that was shown means anything."""
        self.state.clear()
        self.displays.clear()
        self._displayed.clear()

    def _read_widget(self, comm: str) -> str:
        one = self.state[comm]
        own = [str(one.get(key) or "") for key in ("value", "description", "label", "note", "end")]
        if "card" in one:
            own += [one["card"]["title"], *(line["text"] for line in one["card"]["lines"])]
            own += [one["foot"]["text"], *(said["text"] for said in one["said"].values())]
        inner = [self._read_widget(child[10:]) for child in one.get("children") or ()]
        return html.unescape(" ".join([*own, *inner]))

    def _note(self, comm: str) -> None:
        one = self.state[comm]
        if one.get("_model_name") == "HTMLModel":
            self._texts.append(html.unescape(str(one.get("value", ""))))
        if one.get("note"):
            self._texts.append(str(one["note"]))

    def _listed(self, label: str) -> list[tuple[str, str, str]]:
        """Lists of things to do that are open, and the buttons in them that begin like this."""
        return [
            (comm, key, text)
            for comm, one in self.state.items()
            if "card" in one and not one["end"]
            for key, text in _keys(one)
            if text.startswith(label)
        ]

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


def _keys(checklist: dict[str, Any]) -> Iterator[tuple[str, str]]:
    """The keys of the buttons of a list of things to do that the kernel hears of, and labels."""
    for line in checklist["card"]["lines"]:
        for one in line["buttons"]:
            if one["does"] not in ("open", "copy"):
                yield one["key"], one["label"]
            if one["does"] == "confirm":
                yield "later", "Not now"
    yield from checklist["foot"]["buttons"]


@pytest.fixture
def session() -> Iterator[InteractiveSession]:
    """A kernel of this environment, with somebody there who can answer."""
    manager = KernelManager(kernel_name="python3", transport_encryption="auto")
    manager.start_kernel()
    client = manager.blocking_client()
    client.start_channels()
    person = InteractiveSession(manager, client)
    try:
        person.ready()
        yield person
    finally:
        person.leave()
        manager.shutdown_kernel(now=True)
