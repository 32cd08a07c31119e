"""A row of buttons, and which of them the person clicks.

The wait is an `await`, during which ipykernel (7.4 and later) delivers the button's event; a cell
that waits can be interrupted like any other.
"""

from __future__ import annotations

import asyncio
from typing import Any


class Buttons:
    """A row of buttons; the first is the one that does something.

    Args:
        labels: what the buttons say.
        beside: widgets that stand in the same row, before the buttons.
    """

    def __init__(self, *labels: str, beside: tuple[Any, ...] = ()) -> None:
        import ipywidgets as widgets

        self._loop = asyncio.get_running_loop()
        self._clicks: asyncio.Queue[str] = asyncio.Queue()
        self._buttons = [widgets.Button(description=label) for label in labels]
        self._buttons[0].button_style = "primary"
        for button in self._buttons:
            button.layout.width = "auto"
            button.on_click(self._clicked)
        self.row = widgets.HBox([*beside, *self._buttons])

    def _clicked(self, button: Any) -> None:
        # Older kernels deliver the event in another thread.
        self._loop.call_soon_threadsafe(self._clicks.put_nowait, button.description)

    async def clicked(self, seconds: float | None = None) -> str:
        """Wait for a click.

        Args:
            seconds: how long; None waits until there is one.

        Returns:
            What the clicked button says; empty when the time was over.
        """
        try:
            async with asyncio.timeout(seconds):
                return await self._clicks.get()
        except TimeoutError:
            return ""

    def disable(self) -> None:
        """Let nobody click any more."""
        for button in self._buttons:
            button.disabled = True
