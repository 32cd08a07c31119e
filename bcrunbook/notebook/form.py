"""A small form: fields that say while one types what does not fit, and a button that uses them."""

from __future__ import annotations

import asyncio
import html
from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass

from bcrunbook.printable import printable

Use = Callable[[dict[str, str]], Awaitable[str]]


@dataclass(frozen=True)
class Field:
    """One field.

    Args:
        key: the key of the value.
        label: what it is called.
        value: what is in it at first.
        check: says what does not fit in a value; empty when it fits.
        note: says what a value that fits comes to.
    """

    key: str
    label: str
    value: str
    check: Callable[[str], str]
    note: Callable[[str], str] = lambda _: ""


class Form:
    """Some fields with a button that is there to be pressed once something fits and has changed.

    Args:
        fields: the fields.
        action: what the button says.
        use: takes the changed values and returns what to say about them; does not raise.
    """

    def __init__(self, fields: Sequence[Field], action: str, use: Use) -> None:
        import ipywidgets as widgets

        from bcrunbook.notebook.entry import Entry

        self._fields = {one.key: one for one in fields}
        self._before = {one.key: one.value for one in fields}
        self._use = use
        self._loop = asyncio.get_running_loop()
        self._task: asyncio.Task[None] | None = None
        self._entries = {one.key: Entry(one.label, one.value, changed=self._look) for one in fields}
        self._button = widgets.Button(description=action, layout={"width": "auto"})
        self._message = widgets.HTML()
        self._button.on_click(lambda _: self._loop.call_soon_threadsafe(self._begin))
        last = widgets.HBox([self._button, self._message])
        self.widget = widgets.VBox([*self._entries.values(), last])
        """The form as a widget."""
        self.widget.add_class("bcr-form")
        self._look()

    def _values(self) -> dict[str, str]:
        return {key: entry.value.strip() for key, entry in self._entries.items()}

    def _look(self) -> None:
        """Say what does not fit, and let the button be pressed when all does."""
        problems = {}
        for key, value in self._values().items():
            field = self._fields[key]
            # An empty field that was empty is not filled in yet, which is no mistake.
            is_blank = not value and not self._before[key]
            problems[key] = "" if is_blank else field.check(value)
            shown = problems[key] or ("" if is_blank else field.note(value))
            self._entries[key].say(shown, is_problem=bool(problems[key]))
        changed = self._values() != self._before
        self._button.disabled = not changed or any(problems.values())
        # A button that cannot be pressed for no visible reason would only puzzle.
        self._button.layout.display = "" if changed else "none"

    def _begin(self) -> None:
        if self._task is None or self._task.done():
            self._task = asyncio.ensure_future(self._apply())

    async def _apply(self) -> None:
        values = self._values()
        changed = {key: value for key, value in values.items() if value != self._before[key]}
        if not changed or any(self._fields[key].check(values[key]) for key in changed):
            return
        self._button.disabled = True
        message = printable(html.escape(await self._use(changed)))
        self._message.value = f'<div class="bcr-note soft" role="status">{message}</div>'
        self._before = values
        self._look()
