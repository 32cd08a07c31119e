"""A small form: fields that say while one types what does not fit, and count when they are left.

There is no button that takes the values over: what stands in a field is what is planned, as soon as
the field is left. Until then, and as long as something does not fit, nothing is applied.
"""

from __future__ import annotations

import asyncio
import html
from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass
from functools import partial

from bcrunbook.errors import RunbookError
from bcrunbook.notebook.tasks import Tasks
from bcrunbook.printable import printable
from bcrunbook.views import cells

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
    """Some fields, each of which counts when it is left.

    Args:
        fields: the fields.
        use: takes the changed values and returns what to say about them; raises a `RunbookError`
            where they cannot be kept.
        changed: called when it may have changed what `held_up` says.
    """

    def __init__(
        self, fields: Sequence[Field], use: Use, changed: Callable[[], None] = lambda: None
    ) -> None:
        import ipywidgets as widgets

        from bcrunbook.notebook.entry import Entry

        self._fields = {one.key: one for one in fields}
        self._before = {one.key: one.value for one in fields}
        self._use = use
        self._changed = changed
        self._tasks = Tasks()
        self._taking = asyncio.Lock()
        self._problems: dict[str, str] = {}
        self._entries = {
            one.key: Entry(
                one.label, one.value, changed=self._look, left=partial(self._left, one.key)
            )
            for one in fields
        }
        self._message = widgets.HTML()
        self.widget = widgets.VBox([*self._entries.values(), self._message])
        """The form as a widget."""
        self.widget.add_class("bcr-form")
        self._look()

    @property
    def held_up(self) -> str:
        """Why nothing may be applied now; empty when it may."""
        for key, field in self._fields.items():
            label = html.escape(field.label)
            if self._problems.get(key):
                return f'What stands in the field "{label}" does not fit.'
            if self._value(key) != self._before[key]:
                return f'Leave the field "{label}" first: the plan then follows it.'
        return ""

    def _value(self, key: str) -> str:
        return str(self._entries[key].value).strip()

    def _look(self) -> None:
        """Say what does not fit."""
        for key, field in self._fields.items():
            value = self._value(key)
            # An empty field that was empty is not filled in yet, which is no mistake.
            is_blank = not value and not self._before[key]
            problem = "" if is_blank else field.check(value)
            self._problems[key] = problem
            shown = problem or ("" if is_blank else field.note(value))
            self._entries[key].say(shown, is_problem=bool(problem))
        self._changed()

    def _left(self, key: str) -> None:
        self._tasks.begin(partial(self._take, key))

    async def _take(self, key: str) -> None:
        async with self._taking:
            value = self._value(key)
            if value == self._before[key] or self._problems.get(key):
                return
            try:
                text = await self._use({key: value})
            except RunbookError as error:
                self._problems[key] = cells.in_line(error)
                self._entries[key].say(self._problems[key], is_problem=True)
                self._changed()
                return
            message = printable(html.escape(text))
            self._message.value = f'<div class="bcr-note soft" role="status">{message}</div>'
            self._before[key] = value
            self._look()
