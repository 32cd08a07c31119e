"""What a person is to do, as a list in which each thing has its own button at its place.

What was done, what is said about it and what can be pressed is kept here, in the kernel: a page
that is loaded again, or a second one, shows the same, and what it sends may come twice. No secret
is in it: a copied one goes past the page, and a name stays in the page until it is one.
"""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

import anywidget
import traitlets

from bcrunbook.core.confirmations import checked_name
from bcrunbook.core.step import Change, HandOffButton
from bcrunbook.errors import FixInput
from bcrunbook.notebook.surface import Told
from bcrunbook.printable import printable
from bcrunbook.secrets import clipboard, scrub

CONFIRM: Final = "confirm"
"""The key of the button that says it is done."""
LATER: Final = "later"
"""The key of the button beside it."""

_HERE: Final = Path(__file__).parent
_ESM: Final = (_HERE / "checklist.js").read_text("utf-8")
_CSS: Final = (_HERE / "checklist.css").read_text("utf-8")


@dataclass(frozen=True)
class Pressed:
    """What somebody pressed, with the name that they had typed by then."""

    key: str
    name: str = ""


class Checklist(anywidget.AnyWidget):
    """The list for one change that a person makes.

    Args:
        change: the change, with its hand-off.
        command: runs the step in a terminal.
        sign_in_as: for a rehearsal: whom to sign in as; empty otherwise.
        name: what stands in the field for a name at first.
    """

    _esm = _ESM
    _css = _CSS
    card: Any = traitlets.Dict().tag(sync=True)
    done: Any = traitlets.List().tag(sync=True)
    said: Any = traitlets.Dict().tag(sync=True)
    left = traitlets.Int().tag(sync=True)
    name = traitlets.Unicode().tag(sync=True)
    foot: Any = traitlets.Dict().tag(sync=True)
    end = traitlets.Unicode().tag(sync=True)

    def __init__(
        self, change: Change, command: str, *, sign_in_as: str = "", name: str = ""
    ) -> None:
        nothing = {"text": "", "tone": "", "buttons": []}
        super().__init__(card=_card(change, sign_in_as), name=name, foot=nothing)
        self._change = change
        self._command = command
        self._loop = asyncio.get_running_loop()
        self._pressed: asyncio.Queue[Pressed] = asyncio.Queue()
        self.on_msg(self._received)

    @property
    def is_open(self) -> bool:
        """Whether anything can be pressed."""
        return not self.end

    async def pressed(self, seconds: float | None = None) -> Pressed | None:
        """Wait until something is pressed.

        Args:
            seconds: how long; None waits until something is.

        Returns:
            What was pressed; None when the time was over.
        """
        try:
            async with asyncio.timeout(seconds):
                return await self._pressed.get()
        except TimeoutError:
            return None

    def say(self, key: str, text: str, *, is_problem: bool = False) -> None:
        """Say something beside a button.

        Args:
            key: the button's.
            text: what is said; empty says nothing any more.
            is_problem: whether something has to be put right first.
        """
        self.said = {**self.said, key: {"text": _shown(text), "is_problem": is_problem}}

    def said_at(self, key: str) -> str:
        """What is said beside a button."""
        return str(self.said.get(key, {}).get("text", ""))

    def give(self, key: str, name: str, content: bytes) -> None:
        """Have the page that asked for a file keep it, as a browser keeps what it downloads.

        Args:
            key: the button with which it was asked for.
            name: the file's name.
            content: what is in it; no secret.
        """
        self.send({"file": name, "key": key}, [content])

    def tick(self, key: str) -> None:
        """Tick the line off to which a button belongs."""
        for index, line in enumerate(self.card["lines"]):
            if any(button["key"] == key for button in line["buttons"]):
                self._tick(index, on=True)

    def offer(self, text: str, *buttons: tuple[str, str], tone: str = "") -> None:
        """Say below the list how things stand, with buttons for it.

        Args:
            text: how things stand.
            buttons: their keys, and what they say.
            tone: `amber` where something is not as it should be; empty otherwise.
        """
        self.foot = {"text": _shown(text), "tone": tone, "buttons": [list(one) for one in buttons]}

    def close_with(self, text: str) -> None:
        """Let nobody press anything any more.

        Args:
            text: why; has to say something.
        """
        if self.is_open:
            self.end = text

    def told(self) -> Told:
        """The same for who sees no widget: what is to be done, and how without the buttons."""
        handed = self._change.hand_off
        assert handed is not None
        lines = [f"{self._change.waiting}.", f"Who can: {handed.who}"]
        lines += [
            f"{label}: {text}" for label, text in (("Link", handed.link), *handed.values) if text
        ]
        lines += [f"{number}. {text}" for number, text in enumerate(handed.actions, start=1)]
        return Told(
            "\n".join(lines),
            "do what the list says: it is looked for by itself, and again when this cell is run"
            if handed.is_watched
            else f'type in a terminal "{self._command}", which notes what is asked for; do what'
            " the list says, and run the notebook from the top",
        )

    def _received(self, _: Any, content: Any, buffers: Any) -> None:
        if isinstance(content, dict):
            # Older kernels deliver the event in another thread.
            self._loop.call_soon_threadsafe(self._take, content)

    def _take(self, content: dict[str, Any]) -> None:
        if not self.is_open:
            return
        name, press, tick = (content.get(one) for one in ("name", "press", "tick"))
        if isinstance(name, str):
            with suppress(FixInput):
                self.name = checked_name(name)
        if isinstance(tick, int) and 0 <= tick < len(self.card["lines"]):
            self._tick(tick, on=bool(content.get("on")))
        if isinstance(press, str) and press in self._keys():
            self._pressed.put_nowait(Pressed(press, name if isinstance(name, str) else ""))

    def _keys(self) -> set[str]:
        buttons = [one for line in self.card["lines"] for one in line["buttons"]]
        keys = {str(one["key"]) for one in buttons} | {key for key, _ in self.foot["buttons"]}
        return keys | {LATER} if CONFIRM in keys else keys

    def _tick(self, index: int, *, on: bool) -> None:
        others = [one for one in self.done if one != index]
        self.done = sorted([*others, index]) if on else others


def _card(change: Change, sign_in_as: str) -> dict[str, Any]:
    handed = change.hand_off
    assert handed is not None
    beside = {button.value for button in handed.buttons if button.value}
    facts = [
        ("Found", handed.found, False),
        ("Who can", handed.who, False),
        ("Sign in as", sign_in_as, False),
        # Where a button opens it, it need not be spelt out.
        ("Link", "" if handed.link in beside else handed.link, True),
        *((label, value, True) for label, value in handed.values if value not in beside),
        ("Client secret", f"kept in {handed.secret}" if handed.secret else "", False),
    ]
    lines = [
        {"text": _shown(text), "buttons": _buttons(handed.buttons, index, handed.confirmation)}
        for index, text in enumerate(handed.lines)
    ]
    return {
        "title": _shown(change.title),
        "facts": [[label, _shown(text), is_code] for label, text, is_code in facts if text],
        "needs": [_shown(one) for one in handed.needs],
        "lines": lines,
        "looks_like": _shown(handed.looks_like),
        "slips": [_shown(one) for one in handed.slips],
        "kept": max(1, round(clipboard.KEPT_SECONDS)),
    }


def _buttons(
    buttons: Sequence[HandOffButton], index: int, confirmation: str
) -> list[dict[str, str]]:
    return [
        {
            "key": button.does if button.does == CONFIRM else f"{button.does}-{number}",
            "does": button.does,
            "label": _shown(button.label or confirmation),
            "value": _shown(button.value),
        }
        for number, button in enumerate(buttons)
        if button.action == index
    ]


def _shown(text: str) -> str:
    return printable(scrub(text, where="a notebook widget"))
