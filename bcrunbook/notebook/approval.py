"""The click that `ask` mode waits for; for a production account the name is typed first."""

from __future__ import annotations

from typing import Any

from bcrunbook.accounts import Account
from bcrunbook.core.step import Change
from bcrunbook.notebook.buttons import Buttons


class Approval:
    """Asks a person, once per set of changes.

    Args:
        account: the account that would be written to.
    """

    def __init__(self, account: Account) -> None:
        self._account = account
        self._is_unlocked = not account.is_production

    async def ask(self, changes: tuple[Change, ...]) -> bool:
        """Show two buttons and wait for one of them.

        Args:
            changes: what would be done; the plan above shows them.
        """
        import ipywidgets as widgets
        from IPython.display import display

        count = len(changes)
        apply = f"Apply {count} change{'s' if count > 1 else ''}"
        buttons = Buttons(apply, "Not now")
        shown: list[Any] = [buttons.row]
        guard = None
        if not self._is_unlocked:
            guard = self._guard(buttons.widgets[apply])
            shown.insert(0, guard)
        display(widgets.VBox(shown))
        try:
            is_wanted = await buttons.clicked() == apply
        finally:
            buttons.disable()
            if guard is not None:
                guard.disabled = True
        self._is_unlocked |= is_wanted
        return is_wanted

    def _guard(self, button: Any) -> Any:
        """A field that unlocks the button when the account's name is typed into it."""
        from bcrunbook.notebook.entry import Entry

        name = self._account.name
        button.disabled = True

        def look() -> None:
            button.disabled = field.value.strip() != name

        field = Entry(f"Production: type {name} to go on", changed=look)
        return field
