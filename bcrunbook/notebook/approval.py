"""The click that `ask` mode waits for."""

from __future__ import annotations

from bcrunbook.notebook.buttons import Buttons
from bcrunbook.steps.step import Change


async def ask(changes: tuple[Change, ...]) -> bool:
    """Show two buttons and wait for one of them.

    Args:
        changes: what would be done; the plan above shows them.
    """
    from IPython.display import display

    count = len(changes)
    apply = f"Apply {count} change{'s' if count > 1 else ''}"
    buttons = Buttons(apply, "Not now")
    display(buttons.row)  # type: ignore[no-untyped-call]
    try:
        return await buttons.clicked() == apply
    finally:
        buttons.disable()
