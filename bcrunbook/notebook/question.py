"""The click that `ask` mode waits for; for a production account the name is typed first.

What a click allows is what was on the screen with it: a question is about one set of changes, says
to whom they go, and ends when they are others. Whether its button may be pressed is checked here
when the click arrives, since a page may be a moment behind.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, Final

from bcrunbook.accounts import Account
from bcrunbook.notebook.buttons import Buttons
from bcrunbook.notebook.entry import Entry
from bcrunbook.notebook.surface import Surface, Told

LATER: Final = "Not now"


class Question:
    """Asks once whether some changes are to be made.

    Args:
        label: what the button says that makes them.
        account: the account that would be written to.
        is_unlocked: whether the account's name was typed before, where it has to be.
        held_up: says why the button may not be pressed now; empty when it may.
        command: does the same in a terminal.
    """

    def __init__(
        self,
        label: str,
        account: Account,
        held_up: Callable[[], str],
        command: str,
        *,
        is_unlocked: bool,
    ) -> None:
        import ipywidgets as widgets

        self.label = label
        self._account = account
        self._held_up = held_up
        self._command = command
        self._buttons = Buttons(label, LATER, allowed=self._is_allowed)
        self._note = widgets.HTML()
        self._guard = None if is_unlocked else self._made_guard()
        shown: list[Any] = [self._buttons.row, self._note]
        if self._guard is not None:
            shown.insert(0, self._guard)
        self._widget = widgets.VBox(shown)
        self._widget.add_class("bcr-question")
        self.look()

    def _made_guard(self) -> Entry:
        """A field that unlocks the button when the account's name is typed into it."""
        return Entry(f"Production: type {self._account.name} to go on", changed=self.look)

    def told(self) -> Told:
        """What is asked, in words."""
        return Told(
            f'Waits for a click: "{self.label}" or "{LATER}".',
            'set the parameter mode to "apply" and run the notebook from the top, or type in a'
            f' terminal "{self._command}"',
        )

    def look(self) -> None:
        """Let the button be pressed, or not, as things are now."""
        why = self._held_up()
        self._buttons.widgets[self.label].disabled = bool(why) or not self._is_named()
        self._note.value = f'<div class="bcr-note soft" role="status">{why}</div>' if why else ""

    def _is_named(self) -> bool:
        return self._guard is None or self._guard.value.strip() == self._account.name

    def _is_allowed(self, label: str) -> bool:
        return label != self.label or (self._is_named() and not self._held_up())

    async def answer(self, surface: Surface) -> bool:
        """Show it and wait for the answer.

        Args:
            surface: where it is shown, for as long as it is open.

        Returns:
            Whether the changes are to be made.
        """
        surface.put(self._widget, self.told)
        try:
            return await self._buttons.clicked() == self.label
        finally:
            self._buttons.disable()
            surface.take_away()
